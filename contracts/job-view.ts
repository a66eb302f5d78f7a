import { type Static, Type } from 'typebox'
import { Objection } from './partner-event.ts'
import { PartnerReason, PartnerStatus } from './partner-status.ts'
import { Id, Instant, Minor, RegionCode } from './primitives.ts'
import { PartnerQuote, QuoteState } from './quote.ts'
import { Outcome, Slot, WorkOrderHeader, WorkOrderItem, WorkOrderPacket } from './work-order.ts'

/**
 * The technician's calls under `/job/v1/{token}`, for partners without an app of their own:
 * GET the packet, POST `/events` a status (answered with the view as it then is), GET
 * `/site` the address once accepted (a `SiteAddress`; every read is audited).
 */

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const JobView = Type.Object(
  {
    workOrder: WorkOrderHeader,
    brand: WorkOrderPacket.properties.brand,
    items: Type.Array(WorkOrderItem, { minItems: 1, maxItems: 20 }),
    site: Type.Object(
      { district: Nullable(RegionCode), street: Nullable(RegionCode) },
      { additionalProperties: false },
    ),
    locale: Type.Enum(['zh-CN', 'en']),
    timeZone: Type.String(),
    /** Hub time of this answer. */
    now: Instant,
    /** The partner's last status that counted; `null` before the first. */
    status: Nullable(PartnerStatus),
    /** Which trip to the home is under way or comes next; goes with every status. */
    visit: Type.Integer({ minimum: 1 }),
    /** The last price asked for in place of the agreed one, and what the home decided. */
    quote: Nullable(
      Type.Object(
        { version: Type.Integer({ minimum: 1 }), state: QuoteState, totalMinor: Minor, validUntil: Instant },
        { additionalProperties: false },
      ),
    ),
    appointment: Nullable(Slot),
    /** Statuses that would count now; the page has a button for each. */
    allowed: Type.Array(PartnerStatus),
    /** How repairs of this order were found to have ended, where that can still be objected to. */
    doubted: Type.Array(
      Type.Object(
        { item: Id, end: Type.Enum(['not_fixed', 'not_observed', 'unverified']), objectUntil: Instant },
        { additionalProperties: false },
      ),
      { maxItems: 20 },
    ),
    /** The address may be fetched now. */
    siteOpen: Type.Boolean(),
    events: Type.Array(
      Type.Object(
        { status: PartnerStatus, visit: Type.Integer({ minimum: 1 }), at: Instant },
        { additionalProperties: false },
      ),
      { maxItems: 200 },
    ),
  },
  { additionalProperties: false },
)
export type JobView = Static<typeof JobView>

/** POST …/events: the part of a partner's event a technician's page needs. */
export const JobEventBody = Type.Object(
  {
    /** Names one press of a button: sent again under the same id it has no further effect. */
    id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{8,64}$' })),
    status: PartnerStatus,
    visit: Type.Integer({ minimum: 1, maximum: 100 }),
    /** The hub's own time when absent or ahead of it: a phone's clock is nobody's witness. */
    at: Type.Optional(Instant),
    reason: Type.Optional(PartnerReason),
    appointment: Type.Optional(Slot),
    quote: Type.Optional(PartnerQuote),
    outcome: Type.Optional(Outcome),
    objection: Type.Optional(Objection),
  },
  { additionalProperties: false },
)
export type JobEventBody = Static<typeof JobEventBody>
