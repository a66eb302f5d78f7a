import { tokenOf } from './call.ts'

/** Where the calls of this link begin. */
export const path = `/home/v1/offers/${encodeURIComponent(tokenOf(location.pathname))}`
