import { type Static, Type } from 'typebox'
import { Id, Instant } from './primitives.ts'
import { Charge } from './work-order.ts'

/** `data` of the events that follow `work_order.created`. */

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

const about = { workOrderId: Id, number: Type.String() }

/** `beforehand.work_order.cancelled`: whatever the partner knows of the order, it is no longer wanted from it. */
export const WorkOrderCancelled = Type.Object(
  {
    ...about,
    /** `hub`, `brand`, `homeowner`, `partner` or `technician`. */
    by: Type.String(),
    /** A code or a text of the hub, `called_off` where the brand ended it; never what a person wrote. */
    reason: Nullable(Type.String()),
  },
  { additionalProperties: false },
)
export type WorkOrderCancelled = Static<typeof WorkOrderCancelled>

/** `beforehand.work_order.quote_decided` */
export const QuoteDecided = Type.Object(
  {
    ...about,
    version: Type.Integer({ minimum: 1 }),
    /** `expired`: nobody decided in time, which is a no. */
    decision: Type.Enum(['accept', 'decline', 'expired']),
    /** `cancelled`: `work_order.cancelled` follows. */
    next: Type.Enum(['continue', 'cancelled']),
    /** What the visit may cost now, frozen: the quote's after a yes, the agreed one after a no. */
    charge: Charge,
  },
  { additionalProperties: false },
)
export type QuoteDecided = Static<typeof QuoteDecided>

export const SLA_PROMISES = ['acceptBy', 'bookBy', 'arriveBy', 'finishBy'] as const
export type SlaPromise = (typeof SLA_PROMISES)[number]
export const SlaPromise = Type.Enum([...SLA_PROMISES])

/** `beforehand.work_order.sla_missed`: once for each promise of a visit. */
export const SlaMissed = Type.Object(
  { ...about, promise: SlaPromise, visit: Type.Integer({ minimum: 1 }), missedAt: Instant },
  { additionalProperties: false },
)
export type SlaMissed = Static<typeof SlaMissed>
