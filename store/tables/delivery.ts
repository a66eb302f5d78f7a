import type { Defaulted, Ms, Nullable } from './columns.ts'

export type DeliveryState = 'pending' | 'sending' | 'sent' | 'dead' | 'cancelled'
export type DestinationKind = 'partner' | 'brand'

export interface DeliveriesTable {
  brand_id: string
  /** The webhook id. */
  delivery_id: string
  destination_kind: DestinationKind
  /** Partner key, or endpoint id of the brand. */
  destination_id: string
  type: string
  subject: string
  subject_sequence: number
  /** The JSON as sent, byte for byte, in every attempt. */
  body: string
  state: Defaulted<DeliveryState>
  attempts: Defaulted<number>
  next_at_ms: Ms
  last_status: Nullable<number>
  last_error: Nullable<string>
  created_at_ms: Ms
  first_tried_at_ms: Nullable<Ms>
  sent_at_ms: Nullable<Ms>
  dead_at_ms: Nullable<Ms>
  redriven: Defaulted<number>
  /** When the body was taken away: long delivered, or its home was erased. */
  body_removed_at_ms: Nullable<Ms>
}

export interface DeliveryAttemptsTable {
  brand_id: string
  delivery_id: string
  attempt: number
  started_at_ms: Ms
  duration_ms: Nullable<number>
  status: Nullable<number>
  error: Nullable<string>
}

export interface EndpointsTable {
  brand_id: string
  endpoint_id: string
  url: string
  secrets_sealed: Buffer
  types: Defaulted<string[]>
  consecutive_failures: Defaulted<number>
  breaker_opened_at_ms: Nullable<Ms>
  breaker_probe_at_ms: Nullable<Ms>
  created_at_ms: Ms
  updated_at_ms: Ms
  disabled_at_ms: Nullable<Ms>
  disabled_reason: Nullable<string>
}

export interface DeliveryTables {
  deliveries: DeliveriesTable
  delivery_attempts: DeliveryAttemptsTable
  endpoints: EndpointsTable
}
