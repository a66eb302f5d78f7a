import type { Protocol } from './protocol.ts'
import { gasFilter } from './protocols/gas-filter.ts'
import { liquidFilter } from './protocols/liquid-filter.ts'

/** One file each in `protocols/`; a new one is added here and nowhere else. */
export const PROTOCOLS: readonly Protocol[] = [gasFilter, liquidFilter]
