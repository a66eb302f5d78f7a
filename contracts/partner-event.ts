import { type Static, Type } from 'typebox'
import { PartnerReason, PartnerStatus } from './partner-status.ts'
import { Instant } from './primitives.ts'
import { ChargeLine, Outcome, Slot } from './work-order.ts'

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
    quote: Type.Optional(
      Type.Object(
        {
          version: Type.Integer({ minimum: 1 }),
          lines: Type.Array(ChargeLine, { minItems: 1, maxItems: 40 }),
          reason: Type.String({ maxLength: 1_000 }),
          validUntil: Instant,
        },
        { additionalProperties: false },
      ),
    ),
    outcome: Type.Optional(Outcome),
  },
  { additionalProperties: false },
)
export type PartnerEvent = Static<typeof PartnerEvent>
