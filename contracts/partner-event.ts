import { type Static, Type } from 'typebox'
import { PartnerReason, PartnerStatus } from './partner-status.ts'
import { Id, Instant } from './primitives.ts'
import { PartnerQuote } from './quote.ts'
import { Outcome, Slot } from './work-order.ts'

export const Objection = Type.Object(
  {
    /** Items it is about; all of the order when left out. */
    items: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 20 })),
    text: Type.String({ minLength: 1, maxLength: 2_000 }),
  },
  { additionalProperties: false },
)
export type Objection = Static<typeof Objection>

/** The body a partner posts to `/partner/v1/work-orders/{id}/events`. */
export const PartnerEvent = Type.Object(
  {
    status: PartnerStatus,
    /** Which trip to the home, from 1: a second visit is not old news. */
    visit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    at: Type.Optional(Instant),
    reason: Type.Optional(PartnerReason),
    externalId: Type.Optional(Type.String({ maxLength: 128 })),
    technician: Type.Optional(
      Type.Object(
        {
          ref: Type.String({ maxLength: 64 }),
          name: Type.Optional(Type.String({ maxLength: 100 })),
          rating: Type.Optional(Type.Number({ minimum: 0, maximum: 5 })),
          certifications: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
          distanceKm: Type.Optional(Type.Number({ minimum: 0 })),
          contact: Type.Optional(Type.String({ maxLength: 64 })),
        },
        { additionalProperties: false },
      ),
    ),
    appointment: Type.Optional(Slot),
    quote: Type.Optional(PartnerQuote),
    outcome: Type.Optional(Outcome),
    /** Of `objected`: what the partner says against how its repair was found to have ended. */
    objection: Type.Optional(Objection),
  },
  { additionalProperties: false },
)
export type PartnerEvent = Static<typeof PartnerEvent>
