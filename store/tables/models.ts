import type { ModelKind, Text } from '#contracts'
import type { Defaulted, DefaultedJson, Json, Ms, Nullable } from './columns.ts'

export interface PartLivesTable {
  brand_id: string
  device_id: string
  component: string
  ordinal: number
  product_key: string
  born_ms: Nullable<Ms>
  through_ms: Ms
  life: string
  over: boolean
  ended: boolean
}

export interface LifeRunsTable {
  brand_id: string
  product_key: string
  spec_sha256: string
  through_ms: Ms
  ran_at_ms: Ms
}

export interface ModelsTable {
  brand_id: string
  product_key: string
  component: string
  kind: ModelKind
  version: number
  change_id: string
  fitted_at_ms: Ms
  from_ms: Ms
  to_ms: Ms
  lives: number
  censored: number
  held_out: Json<Readonly<Record<string, number>>>
  content: Json<Readonly<Record<string, unknown>>>
}

export type ModelOutcome = 'fitted' | 'unchanged' | 'refused'

export interface ModelAttemptsTable {
  brand_id: string
  product_key: string
  component: string
  kind: ModelKind
  at_ms: Ms
  outcome: ModelOutcome
  reason: Nullable<string>
  lives: number
  censored: number
}

export interface ComponentHealthTable {
  brand_id: string
  device_id: string
  component: string
  wear: Nullable<number>
  p10_days: Nullable<number>
  p50_days: Nullable<number>
  p90_days: Nullable<number>
  out_of_distribution: Defaulted<boolean>
  as_of_ms: Nullable<Ms>
  model_version: Nullable<number>
  reason: Nullable<string>
  factors: DefaultedJson<Text[]>
  updated_at_ms: Ms
}

export interface JobLeasesTable {
  job: string
  token: number
  until_ms: Ms
}

export interface ModelTables {
  part_lives: PartLivesTable
  life_runs: LifeRunsTable
  models: ModelsTable
  model_attempts: ModelAttemptsTable
  component_health: ComponentHealthTable
  job_leases: JobLeasesTable
}
