import type { ProductDocument, ReadingValue } from '#contracts'
import type { Defaulted, DefaultedJson, Json, Ms, Nullable, NullableJson } from './columns.ts'

export type Presence = 'unknown' | 'connected' | 'disconnected'
export type CredentialKind = 'token' | 'certificate'

export interface ProductsTable {
  brand_id: string
  product_key: string
  current_version: number
  created_at_ms: Ms
  updated_at_ms: Ms
  removed_at_ms: Nullable<Ms>
}

export interface ProductVersionsTable {
  brand_id: string
  product_key: string
  version: number
  document: Json<ProductDocument>
  sha256: string
  created_at_ms: Ms
  created_by: string
}

export interface DevicesTable {
  brand_id: string
  device_id: string
  serial: string
  product_key: string
  home_id: Nullable<string>
  region: Nullable<string>
  tags: Defaulted<string[]>
  purchased_at_ms: Nullable<Ms>
  installed_at_ms: Nullable<Ms>
  extended_warranty: NullableJson<unknown>
  gateway_id: Nullable<string>
  attributes: DefaultedJson<Record<string, ReadingValue>>
  presence: Defaulted<Presence>
  presence_epoch: Defaulted<number>
  presence_at_ms: Nullable<Ms>
  last_seen_at_ms: Nullable<Ms>
  owner_epoch: Defaulted<number>
  owner_since_ms: Ms
  created_at_ms: Ms
  updated_at_ms: Ms
  removed_at_ms: Nullable<Ms>
}

export interface CredentialsTable {
  brand_id: string
  credential_id: string
  device_id: string
  kind: CredentialKind
  hash: string
  created_at_ms: Ms
  revoked_at_ms: Nullable<Ms>
}

export interface ProvisioningKeysTable {
  brand_id: string
  provisioning_id: string
  product_key: string
  public_key: string
  secret_hash: string
  region: Nullable<string>
  tags: Defaulted<string[]>
  /** Null for no limit. */
  uses_left: Nullable<number>
  created_at_ms: Ms
  expires_at_ms: Nullable<Ms>
  revoked_at_ms: Nullable<Ms>
}

export interface ClaimTokensTable {
  brand_id: string
  token_hash: string
  serial: string
  product_key: string
  home_id: Nullable<string>
  created_at_ms: Ms
  expires_at_ms: Ms
  used_at_ms: Nullable<Ms>
  device_id: Nullable<string>
}

export interface DeviceTables {
  products: ProductsTable
  product_versions: ProductVersionsTable
  devices: DevicesTable
  credentials: CredentialsTable
  provisioning_keys: ProvisioningKeysTable
  claim_tokens: ClaimTokensTable
}
