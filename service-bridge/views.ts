import type {
  AgreementDocument,
  CaseEnd,
  CaseState,
  Charge,
  ChargeLine,
  NoticeKind,
  OfferState,
  OutcomeItem,
  PartnerEvent,
  QuoteState,
  SafetyKind,
  Severity,
  Slot,
  Text,
  Verdict,
  WorkOrderPacket,
} from '#contracts'
import type { NoticeStatus } from '#store'

/** What the calls of the bridge answer with, and what names who asked. */

export interface BridgeChange {
  brandId: string
  /** CloudEvents type without its prefix, as `case.offered`. */
  type: string
  subject: string
  atMs: number
}

/** Who did it; stored with every transition. `id` is a key, partner or person id, never a name. */
export interface Actor {
  kind: 'hub' | 'brand' | 'homeowner' | 'partner' | 'technician' | 'platform'
  id: string | null
}

/** A home that asked to be forgotten. */
export interface ErasureView {
  homeId: string
  state: 'running' | 'done'
  requestedAt: string
  /** A day later at most. */
  dueBy: string
  sweptAt: string
  doneAt: string | null
  /** Rows changed or removed, by what they were. */
  removed: Record<string, number>
}

export interface PageRequest {
  /** 1–200, default 50. */
  limit?: number
  cursor?: string
}

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export interface CaseView {
  id: string
  deviceId: string
  homeId: string | null
  component: string
  state: CaseState
  end: CaseEnd | null
  source: 'alert' | 'reported'
  severity: Severity
  safety: SafetyKind | null
  dispatch: 'notify' | 'offer' | 'auto'
  /** What ended it: the happening, or for an alert's end its reason; `null` while it is live. */
  endedBy: string | null
  /** `null` for a need that a person reported and no rule has seen. */
  rule: { key: string; version: number } | null
  needsReview: string | null
  acknowledgedAt: string | null
  openedAt: string
  updatedAt: string
  closedAt: string | null
  /** The fleet hold it waits in, or waited in. */
  holdId: string | null
  offerId: string | null
  workOrderId: string | null
}

export interface CaseEventView {
  ordinal: number
  at: string
  event: string
  from: CaseState | null
  to: CaseState
  /** Row of the case table, as `C4`. */
  row: string
  by: Actor
  why: string | null
  /** What a person wrote beside it; `null` without, and once the home was erased. */
  words: string | null
  ruleVersion: number | null
  evidence: unknown
}

export interface OfferSummary {
  id: string
  homeId: string
  state: OfferState
  caseIds: string[]
  createdAt: string
  expiresAt: string
  snoozedUntil: string | null
  link: string
}

export interface WorkOrderView {
  id: string
  number: string
  state: 'sent' | 'accepted' | 'in_progress' | 'completed' | 'rejected' | 'failed' | 'cancelled'
  /** The partner's last status that counted. */
  status: PartnerEvent['status'] | null
  visit: number
  partnerKey: string
  caseIds: string[]
  externalId: string | null
  appointment: Slot | null
  createdAt: string
  acceptedAt: string | null
  closedAt: string | null
  needsReview: string | null
  /** Why it is over, where it did not end with the work done: `rejected`, `lapsed`, `failed`, `called_off`, `quote_refused`, `device_gone`. */
  endReason: string | null
  /** The order whose repair did not hold. */
  reworkOf: string | null
  /** What may be charged: an accepted quote is in it, the packet keeps what it was sent with. */
  charge: Charge
  overcharged: boolean
  /** Another time the home asked for, until the partner answers with an appointment. */
  requestedSlot: Slot | null
  /** Promises that passed, as `bookBy 1` with the visit. */
  missed: string[]
  objectedAt: string | null
  updatedAt: string
  packet: WorkOrderPacket
  outcome: unknown
}

/** An order with all that was said and found of it. */
export interface WorkOrderDetail extends WorkOrderView {
  items: OrderItemView[]
  quotes: QuoteView[]
  /** Until when the partner may object to how it ended; `null` while that is open. */
  objectUntil: string | null
  events: PartnerEventView[]
}

export interface OrderItemView {
  id: string
  caseId: string
  /** Still to be done. */
  live: boolean
  verdict: Verdict | null
  cause: string | null
  partsUsed: NonNullable<OutcomeItem['partsUsed']>
  verified: 'verified' | 'not_fixed' | 'not_observed' | 'unverified' | null
  finishedAt: string | null
  verifiedAt: string | null
}

export interface QuoteView {
  version: number
  state: QuoteState
  lines: ChargeLine[]
  totalMinor: number
  reason: string
  ifDeclined: 'continue' | 'cancel'
  validUntil: string
  receivedAt: string
  decidedAt: string | null
}

export interface PartnerEventView {
  webhookId: string
  status: string
  visit: number
  at: string
  receivedAt: string
  /** `applied`, or why it changed nothing. */
  disposition: string
}

export interface DeliveryView {
  id: string
  /** `hub` for the operator's own, as a partner's test. */
  brandId: string
  destinationKind: 'partner' | 'brand'
  /** Partner key, or id of the brand's endpoint. */
  endpointId: string
  type: string
  subject: string
  sequence: number
  state: 'pending' | 'sent' | 'dead' | 'cancelled'
  attempts: number
  nextAttemptAt: string | null
  createdAt: string
  sentAt: string | null
  lastStatus: number | null
  lastError: string | null
}

export interface DeliveryAttemptView {
  attempt: number
  at: string
  /** `sent`, or what went wrong. */
  outcome: string
  status: number | null
  durationMs: number
}

export interface PartnerView {
  id: string
  key: string
  name: string
  url: string | null
  /** The name under which its deliveries are listed; `null` when it polls. */
  endpointId: string | null
  state: 'active' | 'suspended'
  /** Set when the endpoint answered 410: nothing is sent until its URL is given again. */
  disabledReason: string | null
  breaker: 'closed' | 'open'
  createdAt: string
}

export interface EndpointView {
  id: string
  url: string
  /** CloudEvents type prefixes it wants; empty = all. */
  types: string[]
  state: 'active' | 'disabled'
  disabledReason: string | null
  breaker: 'closed' | 'open'
  createdAt: string
}

export interface AgreementView {
  id: string
  agreement: AgreementDocument
  active: boolean
  createdAt: string
}

/** Stars that homes gave to the visits of an agreement. */
export interface PartnerRatings {
  count: number
  /** Means of 1–5; `null` without any. */
  attitude: number | null
  quality: number | null
  speed: number | null
  /** Share of visits said to have solved it, 0–1. */
  solvedShare: number | null
}

/** A kind of part in a kind of appliance that a home wants no more offers about. */
export interface OfferStopView {
  id: string
  category: string
  componentKind: string
  stoppedAt: string
  offerId: string | null
}

/** A home's own words beside its answers to an offer. */
export interface OfferWords {
  decline: string | null
  stop: string | null
  rating: string | null
}

export interface PartView {
  sku: string
  name: Text
  genuine: boolean
  /** Days by region-code prefix; `""` is the default. */
  leadDays: Record<string, number>
}

export interface NoticeView {
  id: string
  homeId: string
  kind: NoticeKind
  reasonCode: string
  /** Needs it speaks of. */
  caseIds: string[]
  /** By the person's preference, those that failed first. */
  channels: string[]
  failedChannels: string[]
  text: Text
  link: string | null
  sendAfter: string
  expiresAt: string
  /** When the brand was last asked to send it; null while it waits. */
  askedAt: string | null
  status: NoticeStatus
}

/** What a brand's channel says of a notice. */
export interface ReceiptInput {
  status: 'sent' | 'delivered' | 'read' | 'failed' | 'opted_out'
  /** The first that was left when not said. */
  channel?: string
  at?: string
}

export interface SiteResolverView {
  url: string
  createdAt: string
  updatedAt: string
}

/** A message of the brand's own. */
export interface OwnNotice {
  homeId: string
  kind: 'service' | 'promotion'
  text: Text
  link?: string
  expiresAt?: string
  by: Actor
}

export const GATE_SCOPES = ['brand', 'rule', 'region', 'partner'] as const
export type GateScope = (typeof GATE_SCOPES)[number]
export interface GateView {
  scope: GateScope
  /** Rule key, region prefix or partner key; `*` for the brand. */
  subject: string
  closedAt: string
  reason: string
}

export interface WebhookHeaders {
  'webhook-id'?: string | undefined
  'webhook-timestamp'?: string | undefined
  'webhook-signature'?: string | undefined
}
