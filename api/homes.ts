import { type Address, type SiteContact, sealedAs } from '#contracts'
import { HubError, type SecretBox } from '#platform'
import type { Tx } from '#store'

/** Where nobody says otherwise. */
export const DEFAULT_TIME_ZONE = 'Asia/Shanghai'

export function sealAddress(box: SecretBox, homeId: string, address: Address): Buffer {
  return box.seal(JSON.stringify(address), sealedAs.homeAddress(homeId))
}

export function openAddress(box: SecretBox, homeId: string, sealed: Uint8Array): Address {
  return JSON.parse(box.open(sealed, sealedAs.homeAddress(homeId))) as Address
}

/** A person's number, as it is sealed; name and locale stand in columns of their own. */
export type Contact = Omit<SiteContact, 'name' | 'locale'>

export function sealContact(box: SecretBox, personId: string, contact: Contact): Buffer {
  return box.seal(JSON.stringify(contact), sealedAs.personContact(personId))
}

export function openContact(box: SecretBox, personId: string, sealed: Uint8Array): Contact {
  return JSON.parse(box.open(sealed, sealedAs.personContact(personId))) as Contact
}

/** A home that exists and was not erased, or 404; the row stays locked when something will be changed. */
export async function requireHome(tx: Tx, brandId: string, homeId: string, options: { lock?: boolean } = {}) {
  const query = tx
    .selectFrom('homes')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .where('erased_at_ms', 'is', null)
  const home = await (options.lock ? query.forUpdate() : query).executeTakeFirst()
  if (!home) throw new HubError('NOT_FOUND', 'There is no such home.')
  return home
}
