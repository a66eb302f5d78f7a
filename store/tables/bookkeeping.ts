import type { Json, Ms, Nullable } from './columns.ts'

export interface AuditTable {
  brand_id: string
  ordinal: number
  at_ms: Ms
  actor: string
  action: string
  subject: string
  detail: Json<Record<string, unknown>>
  prev_hash: Buffer
  hash: Buffer
}

export interface AuditHeadsTable {
  brand_id: string
  ordinal: number
  prev_hash: Buffer
  hash: Buffer
}

export interface IdempotencyKeysTable {
  brand_id: string
  route: string
  key: string
  body_sha256: string
  status: number
  /** Empty once its home was erased. */
  response: string
  /** The home whose people the answer may hold. */
  home_id: Nullable<string>
  created_at_ms: Ms
}

export interface WebhookReceiptsTable {
  sender: string
  webhook_id: string
  received_at_ms: Ms
}

export interface NumberSeriesTable {
  brand_id: string
  series: string
  year: number
  last: number
}

export interface HubFactsTable {
  key: string
  value: Json<unknown>
  updated_at_ms: Ms
}

export interface BookkeepingTables {
  audit: AuditTable
  audit_heads: AuditHeadsTable
  idempotency_keys: IdempotencyKeysTable
  webhook_receipts: WebhookReceiptsTable
  number_series: NumberSeriesTable
  hub_facts: HubFactsTable
}
