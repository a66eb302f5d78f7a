import type { Defaulted, DefaultedJson, Json, Ms, Nullable } from './columns.ts'

export type ImportKind = 'devices' | 'telemetry' | 'outcomes'

export interface OutcomesTable {
  brand_id: string
  outcome_id: string
  device_id: string
  serial: string
  component: Nullable<string>
  at_ms: Ms
  symptom: Nullable<string>
  cause: Nullable<string>
  parts: Defaulted<string[]>
  import_id: Nullable<string>
  created_at_ms: Ms
}

export interface OutcomeSpansTable {
  brand_id: string
  span_id: string
  from_ms: Ms
  to_ms: Ms
}

/** What was wrong with a line of an import. */
export interface ImportProblem {
  line: number
  code: string
  detail: string
}

export interface ImportsTable {
  brand_id: string
  import_id: string
  kind: ImportKind
  source: string
  lines: Defaulted<number>
  accepted: Defaulted<number>
  rejected: Defaulted<number>
  problems: DefaultedJson<readonly ImportProblem[]>
  done_at_ms: Nullable<Ms>
  created_at_ms: Ms
  updated_at_ms: Ms
}

export interface RuleExpectationsTable {
  brand_id: string
  rule_key: string
  canonical_sha256: string
  computed_at_ms: Ms
  expectation: Json<Record<string, unknown>>
}

export interface RuleAlarmsTable {
  brand_id: string
  rule_key: string
  rule_version: number
  activation: string
  at_ms: Ms
  kind: 'demoted' | 'alarmed'
  detail: Json<Record<string, unknown>>
}

export interface TrustTables {
  outcomes: OutcomesTable
  outcome_spans: OutcomeSpansTable
  imports: ImportsTable
  rule_expectations: RuleExpectationsTable
  rule_alarms: RuleAlarmsTable
}
