import type { Generated } from 'kysely'
import type { ControlChange, HushScope, MaintenanceWindow, ParameterScope, RuleDocument } from '#contracts'
import type { Defaulted, Json, Ms, Nullable } from './columns.ts'

export type RuleStatus = 'draft' | 'active' | 'shadow' | 'paused' | 'deleted'

export interface RulesTable {
  brand_id: string
  rule_key: string
  status: RuleStatus
  current_version: number
  live_version: Nullable<number>
  activation: Nullable<string>
  canary_share: Defaulted<number>
  /** How long its new cases wait before anyone is asked; null for the hub's own time. */
  settle_ms: Nullable<Ms>
  created_at_ms: Ms
  updated_at_ms: Ms
  deleted_at_ms: Nullable<Ms>
}

export interface RuleVersionsTable {
  brand_id: string
  rule_key: string
  version: number
  document: Json<RuleDocument>
  source: Nullable<string>
  canonical_sha256: string
  author: string
  created_at_ms: Ms
  activated_at_ms: Nullable<Ms>
  warmed_at_ms: Nullable<Ms>
  /** The version it repeats, when somebody went back. */
  restored_from: Nullable<number>
}

export type ProposalState = 'open' | 'approved' | 'rejected' | 'replaced'

export interface RuleProposalsTable {
  brand_id: string
  proposal_id: string
  rule_key: string
  version: number
  canary_share: number
  settle_ms: Nullable<Ms>
  state: ProposalState
  proposed_by: string
  proposed_at_ms: Ms
  decided_by: Nullable<string>
  decided_at_ms: Nullable<Ms>
  note: Nullable<string>
}

export interface SilencesTable {
  brand_id: string
  silence_id: string
  scope: Json<HushScope>
  /** In plain of an earlier release, empty otherwise. */
  reason: string
  reason_sealed: Nullable<Buffer>
  home_id: Nullable<string>
  from_ms: Ms
  until_ms: Ms
  created_by: string
  ended_at_ms: Nullable<Ms>
  ended_by: Nullable<string>
}

export interface MaintenanceWindowsTable {
  brand_id: string
  window_key: string
  document: Json<MaintenanceWindow>
  created_at_ms: Ms
  updated_at_ms: Ms
  updated_by: string
}

export interface ParametersTable {
  brand_id: string
  scope: ParameterScope
  scope_id: string
  key: string
  value: number
  set_at_ms: Ms
  set_by: string
}

export interface ControlChangesTable {
  ordinal: Generated<number>
  change_id: string
  brand_id: string | null
  change: Json<ControlChange>
  committed_at_ms: Ms
  /** Position in the log; null until appended. */
  seq: Nullable<number>
  appended_at_ms: Nullable<Ms>
}

export interface RuleTables {
  rules: RulesTable
  rule_versions: RuleVersionsTable
  rule_proposals: RuleProposalsTable
  silences: SilencesTable
  maintenance_windows: MaintenanceWindowsTable
  parameters: ParametersTable
  control_changes: ControlChangesTable
}
