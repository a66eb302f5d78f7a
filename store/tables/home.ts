import type { Defaulted, Ms, Nullable } from './columns.ts'

export type ConsentPurpose = 'monitoring' | 'contact' | 'promotion' | 'share'
export type PersonRole = 'owner' | 'resident' | 'delegate'

export interface HomesTable {
  brand_id: string
  home_id: string
  time_zone: string
  /** `HH:MM` in the home's zone; nobody is disturbed from here … */
  quiet_from: string
  /** … to here. */
  quiet_to: string
  region: Nullable<string>
  address_sealed: Nullable<Buffer>
  site_ref: Nullable<string>
  external_ref: Nullable<string>
  created_at_ms: Ms
  updated_at_ms: Ms
  erased_at_ms: Nullable<Ms>
}

export interface PeopleTable {
  brand_id: string
  person_id: string
  home_id: string
  role: PersonRole
  name_sealed: Nullable<Buffer>
  contact_sealed: Nullable<Buffer>
  channel: string
  locale: string
  decides: boolean
  pays: boolean
  created_at_ms: Ms
  erased_at_ms: Nullable<Ms>
}

export interface ConsentsTable {
  brand_id: string
  consent_id: string
  home_id: string
  purpose: ConsentPurpose
  granted: boolean
  at_ms: Ms
  given_by: PersonRole
  method: string
  text_version: string
  text_sha256: string
  recipient_key: Nullable<string>
  recipient_name: Nullable<string>
  recipient_contact: Nullable<string>
  data_kinds: Defaulted<string[]>
  subject: Nullable<string>
  until_ms: Nullable<Ms>
  withdrawn_at_ms: Nullable<Ms>
  created_at_ms: Ms
}

export interface HomeTables {
  homes: HomesTable
  people: PeopleTable
  consents: ConsentsTable
}
