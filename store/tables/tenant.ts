import type { Defaulted, DefaultedJson, Json, Ms, Nullable } from './columns.ts'

/** Stands where a brand would for the operator's own rows: keys, audit, test deliveries. No brand has this id. */
export const HUB_BRAND = 'hub'

export type KeyRole = 'admin' | 'author' | 'viewer' | 'partner' | 'platform'
export type GateKind = 'brand' | 'rule' | 'region' | 'partner'

export interface BrandsTable {
  brand_id: string
  key: string
  name: Json<Record<string, string>>
  settings: DefaultedJson<Record<string, unknown>>
  created_at_ms: Ms
  updated_at_ms: Ms
  disabled_at_ms: Nullable<Ms>
}

export interface GatesTable {
  brand_id: string
  kind: GateKind
  target: string
  closed_at_ms: Ms
  closed_by: string
  reason: string
}

export interface ApiKeysTable {
  brand_id: string
  key_id: string
  role: KeyRole
  label: Defaulted<string>
  key_hash: string
  partner_key: Nullable<string>
  created_at_ms: Ms
  created_by: string
  expires_at_ms: Nullable<Ms>
  last_used_at_ms: Nullable<Ms>
  revoked_at_ms: Nullable<Ms>
}

export interface TenantTables {
  brands: BrandsTable
  gates: GatesTable
  api_keys: ApiKeysTable
}
