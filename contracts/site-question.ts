import { type Static, Type } from 'typebox'
import { Address, SiteContact } from './address.ts'
import { Id, Instant, Key } from './primitives.ts'

/** What the hub posts, signed, to a brand that keeps the addresses itself, when a partner may see one. */
export const SiteQuestion = Type.Object(
  {
    /** The brand's own name for the place, as it gave it with the home. */
    siteRef: Type.String({ minLength: 1, maxLength: 200 }),
    workOrder: Type.Object({ id: Id, number: Type.String() }, { additionalProperties: false }),
    partner: Type.Object({ key: Key, name: Type.String() }, { additionalProperties: false }),
    consent: Type.Object({ id: Id, recipient: Type.String(), grantedAt: Instant }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)
export type SiteQuestion = Static<typeof SiteQuestion>

/** What the brand answers; the hub passes it on and keeps nothing of it. */
export const SiteAnswer = Type.Object(
  {
    address: Address,
    /** Whom to ask for; without it the person that the hub knows. */
    contact: Type.Optional(SiteContact),
  },
  { additionalProperties: false },
)
export type SiteAnswer = Static<typeof SiteAnswer>
