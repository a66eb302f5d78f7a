import type { Defaulted, Json, Ms, Nullable } from './columns.ts'

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
  /** Only what a release before sealing stored; null from the next start on. */
  site_ref: Nullable<string>
  /** The same. */
  external_ref: Nullable<string>
  site_ref_sealed: Nullable<Buffer>
  external_ref_sealed: Nullable<Buffer>
  /** Keyed hash by which the reference is found again. */
  external_ref_hash: Nullable<string>
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
  /** In order of preference; empty for `channel` alone. */
  channels: Defaulted<string[]>
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

/** No more service notices on this channel, until a later consent to be contacted. */
export interface ChannelOptOutsTable {
  brand_id: string
  home_id: string
  channel: string
  at_ms: Ms
  notice_id: string
}

/** The brand's service that knows the address behind a site reference. */
export interface SiteResolversTable {
  brand_id: string
  url: string
  secrets_sealed: Buffer
  created_at_ms: Ms
  updated_at_ms: Ms
}

export interface HomeErasuresTable {
  brand_id: string
  home_id: string
  requested_at_ms: Ms
  requested_by: string
  due_by_ms: Ms
  swept_at_ms: Ms
  sweeps: number
  done_at_ms: Nullable<Ms>
  removed: Json<Record<string, number>>
}

export interface HomeTables {
  homes: HomesTable
  people: PeopleTable
  consents: ConsentsTable
  channel_opt_outs: ChannelOptOutsTable
  site_resolvers: SiteResolversTable
  home_erasures: HomeErasuresTable
}
