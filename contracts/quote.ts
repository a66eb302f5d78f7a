import { type Static, Type } from 'typebox'
import { Id, Instant, Minor } from './primitives.ts'
import { ChargeLine } from './work-order.ts'

/** A price a partner asks for in place of the agreed one, and what the home decides of it (C12). */

/** What follows when the home says no: the visit goes on for the agreed price, or is off. */
const IfDeclined = Type.Enum(['continue', 'cancel'])

/** `quote` of a partner's `quoted`. The whole new charge, not what is added to it. */
export const PartnerQuote = Type.Object(
  {
    /**
     * Rises with every quote of the order; a newer one takes the place of an older. The charge the
     * order came with is version 1, so quotes are best counted from 2.
     */
    version: Type.Integer({ minimum: 1, maximum: 1_000 }),
    lines: Type.Array(ChargeLine, { minItems: 1, maxItems: 40 }),
    reason: Type.String({ minLength: 1, maxLength: 1_000 }),
    validUntil: Instant,
    /** `cancel` when left out: a partner that can go on for the agreed price says so. */
    ifDeclined: Type.Optional(IfDeclined),
  },
  { additionalProperties: false },
)
export type PartnerQuote = Static<typeof PartnerQuote>

export const QUOTE_STATES = ['open', 'accepted', 'declined', 'expired', 'replaced', 'withdrawn'] as const
/** `withdrawn`: the order went on or ended without a decision. */
export type QuoteState = (typeof QUOTE_STATES)[number]
export const QuoteState = Type.Enum([...QUOTE_STATES])

/** The quote as the home is asked about it. */
export const QuestionedQuote = Type.Object(
  {
    /** What the decision names: `POST …/quote/{version}`. */
    version: Type.Integer({ minimum: 1 }),
    workOrder: Id,
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    lines: Type.Array(ChargeLine, { maxItems: 40 }),
    /** Agreed so far, and asked for now. */
    agreedMinor: Minor,
    totalMinor: Minor,
    /** In the partner's words. */
    reason: Type.String(),
    validUntil: Instant,
    ifDeclined: IfDeclined,
  },
  { additionalProperties: false },
)
export type QuestionedQuote = Static<typeof QuestionedQuote>

/** POST …/quote/{version} */
export const QuoteDecisionBody = Type.Object(
  { decision: Type.Enum(['accept', 'decline']) },
  { additionalProperties: false },
)
export type QuoteDecisionBody = Static<typeof QuoteDecisionBody>
