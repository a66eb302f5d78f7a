import type { Diagnosis, FleetHoldState, ProblemKind, ReportChannel, SafetyKind } from '#contracts'
import type { Defaulted, Json, Ms, Nullable } from './columns.ts'

/** Tables of what stands around a need: storms of a fleet, what people report, ask to stop, and rate. */

export interface FleetHoldsTable {
  brand_id: string
  hold_id: string
  state: Defaulted<FleetHoldState>
  rule_key: string
  rule_version: number
  product_key: string
  firmware: string
  region: string
  safety: Nullable<SafetyKind>
  population: number
  case_limit: number
  held_at_ms: Ms
  decided_at_ms: Nullable<Ms>
  decided_by: Nullable<string>
  reason: Nullable<string>
}

export interface FaultReportsTable {
  brand_id: string
  report_id: string
  source: string
  /** Of an earlier release, until the hub has started once. */
  external_ref: Nullable<string>
  external_ref_sealed: Nullable<Buffer>
  /** By which a report is found again without keeping its reference readable. */
  external_ref_hash: Nullable<string>
  device_id: string
  home_id: Nullable<string>
  case_id: Nullable<string>
  component: Nullable<string>
  channel: ReportChannel
  symptom: Nullable<string>
  problem: Nullable<ProblemKind>
  text_sealed: Nullable<Buffer>
  joined: boolean
  missed: boolean
  diagnosis: Json<Diagnosis>
  reported_at_ms: Ms
  received_at_ms: Ms
}

export interface OfferStopsTable {
  brand_id: string
  stop_id: string
  home_id: string
  category: string
  component_kind: string
  offer_id: Nullable<string>
  stopped_at_ms: Ms
  lifted_at_ms: Nullable<Ms>
  lifted_by: Nullable<string>
}

export interface RatingsTable {
  brand_id: string
  work_order_id: string
  home_id: string
  partner_key: string
  agreement_id: string
  attitude: number
  quality: number
  speed: number
  solved: boolean
  text_sealed: Nullable<Buffer>
  rated_at_ms: Ms
  changed_at_ms: Ms
}

export interface NeedTables {
  fleet_holds: FleetHoldsTable
  fault_reports: FaultReportsTable
  offer_stops: OfferStopsTable
  ratings: RatingsTable
}
