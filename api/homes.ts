import type { Selectable } from 'kysely'
import { type Address, type SiteContact, sealedAs } from '#contracts'
import { HubError, type SecretBox } from '#platform'
import type { Database, HomesTable, Tx } from '#store'

/** Where nobody says otherwise. */
export const DEFAULT_TIME_ZONE = 'Asia/Shanghai'

export function sealAddress(box: SecretBox, homeId: string, address: Address): Buffer {
  return box.seal(JSON.stringify(address), sealedAs.homeAddress(homeId))
}

export function openAddress(box: SecretBox, homeId: string, sealed: Uint8Array): Address {
  return JSON.parse(box.open(sealed, sealedAs.homeAddress(homeId))) as Address
}

/** What a brand itself calls a home: often a customer number, so it is sealed like an address. */
export interface HomeRefs {
  siteRef: string | null
  externalRef: string | null
}

type RefRow = Pick<
  Selectable<HomesTable>,
  'home_id' | 'site_ref' | 'external_ref' | 'site_ref_sealed' | 'external_ref_sealed'
>

/** Sealed, or in plain where a release before sealing wrote them and the hub has not started since. */
export function openRefs(box: SecretBox, row: RefRow): HomeRefs {
  const { home_id: homeId, site_ref_sealed: site, external_ref_sealed: external } = row
  return {
    siteRef: site === null ? row.site_ref : box.open(site, sealedAs.siteRef(homeId)),
    externalRef: external === null ? row.external_ref : box.open(external, sealedAs.externalRef(homeId)),
  }
}

/** The columns of a new or changed reference; what is left out stays. */
export function sealRefs(box: SecretBox, brandId: string, homeId: string, refs: Partial<HomeRefs>) {
  const { siteRef, externalRef } = refs
  return {
    ...(siteRef === undefined
      ? {}
      : { site_ref: null, site_ref_sealed: siteRef === null ? null : box.seal(siteRef, sealedAs.siteRef(homeId)) }),
    ...(externalRef === undefined
      ? {}
      : {
          external_ref: null,
          external_ref_sealed: externalRef === null ? null : box.seal(externalRef, sealedAs.externalRef(homeId)),
          external_ref_hash: externalRef === null ? null : externalRefHash(box, brandId, externalRef),
        }),
  }
}

export function externalRefHash(box: SecretBox, brandId: string, externalRef: string): string {
  return box.keyedHash(externalRef, `homes/${brandId}/external_ref`)
}

/** Homes sealed in one transaction at the first start of a release that seals references. */
const SEALED_PER_STEP = 500

/** Seals what an earlier release stored in plain; does nothing from the second start on, and goes on after a crash. */
export async function sealHomeRefs(db: Database, box: SecretBox): Promise<void> {
  for (;;) {
    const left = await db.asHub(async (tx) => {
      const rows = await tx
        .selectFrom('homes')
        .select(['brand_id', 'home_id', 'site_ref', 'external_ref'])
        .where((eb) => eb.or([eb('site_ref', 'is not', null), eb('external_ref', 'is not', null)]))
        .limit(SEALED_PER_STEP)
        .forUpdate()
        .execute()
      for (const row of rows) {
        const refs = {
          ...(row.site_ref === null ? {} : { siteRef: row.site_ref }),
          ...(row.external_ref === null ? {} : { externalRef: row.external_ref }),
        }
        await tx
          .updateTable('homes')
          .set(sealRefs(box, row.brand_id, row.home_id, refs))
          .where('brand_id', '=', row.brand_id)
          .where('home_id', '=', row.home_id)
          .execute()
      }
      return rows.length
    })
    if (left === 0) return
  }
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
