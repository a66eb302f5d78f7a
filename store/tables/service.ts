import type {
  AgreementDocument,
  CaseEnd,
  CaseState,
  Charge,
  ChargeLine,
  Evidence,
  OfferState,
  Outcome,
  OutcomeItem,
  PartnerEvent,
  PartnerStatus,
  QuoteState,
  SafetyKind,
  Severity,
  Slot,
  Text,
  Verdict,
  WorkOrderPacket,
} from '#contracts'
import type { Defaulted, DefaultedJson, Json, Ms, Nullable, NullableJson } from './columns.ts'

/** Tables of the service loop: partners, cases, offers, work orders, notices, timers. */

export type PartnerState = 'active' | 'suspended'
export type WorkOrderState = 'sent' | 'accepted' | 'in_progress' | 'completed' | 'rejected' | 'failed' | 'cancelled'
export type Dispatch = 'notify' | 'offer' | 'auto'

export interface PartnersTable {
  partner_id: string
  key: string
  name: string
  url: Nullable<string>
  secrets_sealed: Buffer
  state: Defaulted<PartnerState>
  consecutive_failures: Defaulted<number>
  breaker_opened_at_ms: Nullable<Ms>
  breaker_probe_at_ms: Nullable<Ms>
  disabled_at_ms: Nullable<Ms>
  disabled_reason: Nullable<string>
  created_at_ms: Ms
  updated_at_ms: Ms
}

export interface AgreementsTable {
  brand_id: string
  agreement_id: string
  partner_key: string
  partner_name: string
  partner_state: PartnerState
  document: Json<AgreementDocument>
  active: Defaulted<boolean>
  created_at_ms: Ms
  updated_at_ms: Ms
}

export interface PartsTable {
  brand_id: string
  sku: string
  name: Json<Text>
  genuine: boolean
  lead_days: Json<Record<string, number>>
  updated_at_ms: Ms
}

export interface CasesTable {
  brand_id: string
  case_id: string
  device_id: string
  component: string
  product_key: string
  home_id: Nullable<string>
  region: Nullable<string>
  state: CaseState
  end_kind: Nullable<CaseEnd>
  source: 'alert' | 'reported'
  severity: Severity
  safety: Nullable<SafetyKind>
  dispatch: Dispatch
  rule_key: Nullable<string>
  rule_version: Nullable<number>
  first_episode_id: string
  evidence: Json<readonly Evidence[]>
  cause: NullableJson<{ code: string; text: Text }>
  firmware: Nullable<string>
  hold_id: Nullable<string>
  wanted: Defaulted<boolean>
  offers: Defaulted<number>
  orders: Defaulted<number>
  attempts: Defaulted<number>
  events: Defaulted<number>
  self_services: Defaulted<number>
  offer_id: Nullable<string>
  work_order_id: Nullable<string>
  /** Where it goes on once a quote is decided. */
  resume_state: Nullable<CaseState>
  needs_review: Nullable<string>
  acknowledged_at_ms: Nullable<Ms>
  acknowledged_by: Nullable<string>
  opened_at_ms: Ms
  updated_at_ms: Ms
  closed_at_ms: Nullable<Ms>
  ended_by: Nullable<string>
}

export interface CaseEventsTable {
  brand_id: string
  case_id: string
  ordinal: number
  at_ms: Ms
  event: string
  from_state: Nullable<CaseState>
  to_state: CaseState
  table_row: string
  actor_kind: string
  actor_id: Nullable<string>
  why: Nullable<string>
  words_sealed: Nullable<Buffer>
  rule_version: Nullable<number>
  evidence: NullableJson<unknown>
}

export interface CaseEpisodesTable {
  brand_id: string
  episode_id: string
  case_id: string
  rule_key: string
  joined_at_ms: Ms
  resolved_at_ms: Nullable<Ms>
}

export interface ServiceEffectsTable {
  brand_id: string
  device_id: string
  seq: number
  ordinal: number
}

export interface OffersTable {
  brand_id: string
  offer_id: string
  home_id: string
  state: OfferState
  generation: Defaulted<number>
  token_hash: string
  /** An `OfferTerms` of the service bridge. */
  terms: Json<unknown>
  created_at_ms: Ms
  expires_at_ms: Ms
  snoozed_until_ms: Nullable<Ms>
  answered_at_ms: Nullable<Ms>
  answer: NullableJson<unknown>
  revision: Defaulted<number>
  words_sealed: Nullable<Buffer>
}

export interface OfferItemsTable {
  brand_id: string
  offer_id: string
  case_id: string
  live: Defaulted<boolean>
  ended_as: Nullable<'self_service' | 'declined' | 'recovered' | 'ended'>
}

export interface WorkOrdersTable {
  brand_id: string
  work_order_id: string
  number: string
  home_id: string
  offer_id: Nullable<string>
  partner_key: string
  agreement_id: string
  consent_id: string
  consent_granted: Defaulted<boolean>
  state: WorkOrderState
  status: Nullable<PartnerStatus>
  visit: Defaulted<number>
  rank: Defaulted<number>
  rework_of: Nullable<string>
  charge: Json<Charge>
  charge_sha256: string
  packet: Json<WorkOrderPacket>
  job_token_hash: string
  job_expires_at_ms: Ms
  external_id: Nullable<string>
  technician: NullableJson<NonNullable<PartnerEvent['technician']>>
  appointment: NullableJson<Slot>
  outcome: NullableJson<Outcome>
  overcharged: Defaulted<boolean>
  needs_review: Nullable<string>
  accept_by_ms: Nullable<Ms>
  created_at_ms: Ms
  accepted_at_ms: Nullable<Ms>
  arrived_at_ms: Nullable<Ms>
  closed_at_ms: Nullable<Ms>
  end_reason: Nullable<string>
  missed: Defaulted<string[]>
  requested_slot: NullableJson<Slot>
  objected_at_ms: Nullable<Ms>
  updated_at_ms: Ms
}

export interface QuotesTable {
  brand_id: string
  work_order_id: string
  version: number
  state: QuoteState
  lines: Json<ChargeLine[]>
  total_minor: number
  reason: string
  if_declined: 'continue' | 'cancel'
  valid_until_ms: Ms
  created_at_ms: Ms
  decided_at_ms: Nullable<Ms>
  charge_sha256: Nullable<string>
}

export interface OrderItemsTable {
  brand_id: string
  item_id: string
  work_order_id: string
  case_id: string
  live: Defaulted<boolean>
  verdict: Nullable<Verdict>
  cause: Nullable<string>
  parts: Defaulted<string[]>
  verified: Nullable<'verified' | 'not_fixed' | 'not_observed' | 'unverified'>
  finished_at_ms: Nullable<Ms>
  parts_used: NullableJson<NonNullable<OutcomeItem['partsUsed']>>
  verified_at_ms: Nullable<Ms>
}

export interface PartnerEventsTable {
  brand_id: string
  work_order_id: string
  webhook_id: string
  source: 'webhook' | 'job'
  status: PartnerStatus
  visit: number
  at_ms: Ms
  received_at_ms: Ms
  body: Json<PartnerEvent>
  disposition: string
}

export interface TimersTable {
  brand_id: string
  kind: string
  subject: string
  due_at_ms: Ms
  waits_for: Nullable<string>
  failures: Defaulted<number>
  since_ms: Defaulted<Ms>
}

export type NoticeStatus =
  | 'requested'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'failed'
  | 'opted_out'
  | 'expired'
  | 'withdrawn'
  | 'suppressed'

export interface NoticesTable {
  brand_id: string
  notice_id: string
  home_id: string
  case_id: Nullable<string>
  offer_id: Nullable<string>
  kind: 'service' | 'safety' | 'promotion'
  reason_code: string
  channels: string[]
  text: Json<Text>
  link_kind: Nullable<'offer'>
  send_after_ms: Ms
  expires_at_ms: Ms
  status: Defaulted<NoticeStatus>
  person_id: Nullable<string>
  /** Names of what it speaks of, for a text that stands for several. */
  about: DefaultedJson<Text[]>
  /** Every need it speaks of. */
  case_ids: Defaulted<string[]>
  /** Channels that failed, in the order they were tried. */
  tried: Defaulted<string[]>
  /** When the brand was last asked to send it; null while it waits for its time. */
  told_at_ms: Nullable<Ms>
  link: Nullable<string>
  created_at_ms: Ms
  updated_at_ms: Ms
}

export interface NoticeReceiptsTable {
  brand_id: string
  notice_id: string
  /** Empty when the brand did not say. */
  channel: Defaulted<string>
  status: NoticeStatus
  at_ms: Ms
}

export interface ServiceTables {
  partners: PartnersTable
  agreements: AgreementsTable
  parts: PartsTable
  cases: CasesTable
  case_events: CaseEventsTable
  case_episodes: CaseEpisodesTable
  service_effects: ServiceEffectsTable
  offers: OffersTable
  offer_items: OfferItemsTable
  work_orders: WorkOrdersTable
  order_items: OrderItemsTable
  quotes: QuotesTable
  partner_events: PartnerEventsTable
  timers: TimersTable
  notices: NoticesTable
  notice_receipts: NoticeReceiptsTable
}
