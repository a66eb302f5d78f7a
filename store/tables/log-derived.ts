import type {
  AlertState,
  Evidence,
  QuarantineCode,
  QuarantineProblem,
  ResolveReason,
  RuleMode,
  SafetyKind,
  Severity,
} from '#contracts'
import type { Defaulted, DefaultedJson, Json, Ms, Nullable, NullableJson } from './columns.ts'

export interface LogPositionsTable {
  consumer: string
  partition: number
  log_id: string
  state_seq: number
  effects_seq: number
  fencing_token: number
  updated_at_ms: Ms
}

export interface EvaluatorStateTable {
  partition: number
  key: string
  value: string
}

/** States an opened episode passes through; `resolved` is its end. */
export type EpisodeState = Exclude<AlertState, 'inactive' | 'pending'> | 'resolved'

export interface AlertsTable {
  brand_id: string
  episode_id: string
  rule_key: string
  rule_version: number
  device_id: string
  component: string
  activation: string
  mode: RuleMode
  severity: Severity
  safety: Nullable<SafetyKind>
  state: EpisodeState
  started_at_ms: Ms
  opened_at_ms: Ms
  opened_seq: number
  opened_ordinal: number
  silent: boolean
  revised: Defaulted<boolean>
  reopened: Defaulted<number>
  peak: Nullable<number>
  evidence: Json<readonly Evidence[]>
  resolved_at_ms: Nullable<Ms>
  resolved_seq: Nullable<number>
  reason: Nullable<ResolveReason>
  acknowledged_at_ms: Nullable<Ms>
  acknowledged_by: Nullable<string>
  snoozed_until_ms: Nullable<Ms>
  dismissed_by: Nullable<string>
  /** Of an earlier release, in plain. */
  dismissed_reason: Nullable<string>
  dismissed_words_sealed: Nullable<Buffer>
  /** Whose the words are; set with them. */
  home_id: Nullable<string>
  updated_at_ms: Ms
}

export interface AlertTransitionsTable {
  brand_id: string
  episode_id: string
  seq: number
  ordinal: number
  kind: string
  at_ms: Ms
  detail: DefaultedJson<Record<string, unknown>>
}

export interface QuarantineTable {
  brand_id: string
  quarantine_id: string
  log_id: string
  seq: number
  device_id: string
  code: QuarantineCode
  pointer: string
  detail: string
  /** All of them, when there were several. */
  problems: NullableJson<readonly QuarantineProblem[]>
  payload: Buffer
  truncated: boolean
  via: string
  received_at_ms: Ms
  reimported_at_ms: Nullable<Ms>
}

export interface ControlRecordsTable {
  /** `hub` for what concerns the whole hub. */
  brand_id: string
  change_id: string
  seq: number
  received_at_ms: Ms
  type: string
  device_id: Nullable<string>
  /** A `ControlChange` as JSON. */
  change: string
}

export interface StateSnapshotsTable {
  partition: number
  seq: number
  log_id: string
  at_ms: Ms
  evaluator_version: number
}

export interface StateSnapshotPagesTable {
  partition: number
  seq: number
  first_key: string
  content: Buffer
}

export interface LogDerivedTables {
  control_records: ControlRecordsTable
  state_snapshots: StateSnapshotsTable
  state_snapshot_pages: StateSnapshotPagesTable
  log_positions: LogPositionsTable
  evaluator_state: EvaluatorStateTable
  alerts: AlertsTable
  alert_transitions: AlertTransitionsTable
  quarantine: QuarantineTable
}
