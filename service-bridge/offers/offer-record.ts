import type { Selectable } from 'kysely'
import type { Slot } from '#contracts'
import { HubError, tokenHash } from '#platform'
import type { OffersTable } from '#store'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { OFFER_LINK_MS, SLOT_DAYS } from '../policy.ts'
import type { OfferTerms } from './offer-terms.ts'
import { slotsOf } from './slots.ts'

export type OfferRecord = Omit<Selectable<OffersTable>, 'terms'> & { terms: OfferTerms }

/** Which brand's offer a link leads to; NOT_FOUND when it never was or was made anew since, OFFER_EXPIRED long after its end. */
export async function offerOfToken(core: Core, token: string): Promise<{ brandId: string; offerId: string }> {
  const row = await core.db.asHub((tx) =>
    tx
      .selectFrom('offers')
      .select(['brand_id', 'offer_id', 'expires_at_ms'])
      .where('token_hash', '=', tokenHash(token))
      .executeTakeFirst(),
  )
  if (!row) throw new HubError('NOT_FOUND', 'This link leads to no offer. Ask for a new message.')
  if (core.clock.nowMs() >= row.expires_at_ms + OFFER_LINK_MS)
    throw new HubError('OFFER_EXPIRED', 'This link has ended.')
  return { brandId: row.brand_id, offerId: row.offer_id }
}

export async function lockOffer(work: Work, offerId: string): Promise<OfferRecord> {
  const row = await work.tx
    .selectFrom('offers')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .forUpdate()
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', `There is no offer ${offerId}.`)
  return { ...row, terms: row.terms as OfferTerms }
}

export async function casesOfOffer(work: Work, offerId: string, live = true): Promise<CaseRecord[]> {
  let query = work.tx
    .selectFrom('cases')
    .innerJoin('offer_items', (join) =>
      join.onRef('offer_items.brand_id', '=', 'cases.brand_id').onRef('offer_items.case_id', '=', 'cases.case_id'),
    )
    .selectAll('cases')
    .where('cases.brand_id', '=', work.brandId)
    .where('offer_items.offer_id', '=', offerId)
  if (live) query = query.where('offer_items.live', '=', true)
  return query.orderBy('cases.case_id').forUpdate('cases').execute()
}

/** Visits the home may choose from at `atMs`. */
export function offeredSlots(terms: OfferTerms, atMs: number): Slot[] {
  return slotsOf(terms.hours, {
    atMs,
    timeZone: terms.timeZone,
    partLeadMs: terms.partLeadMs,
    visitMs: terms.visitMs ?? 0,
  })
}

/** A slot page left open for an hour is still honoured. */
const SLOT_GRACE_MS = 3_600_000

export function isOffered(terms: OfferTerms, slot: Slot, atMs: number): boolean {
  const same = (other: Slot): boolean =>
    Date.parse(other.from) === Date.parse(slot.from) && Date.parse(other.to) === Date.parse(slot.to)
  const ahead = Date.parse(slot.from) - atMs
  if (!(ahead > 0) || ahead > (SLOT_DAYS + 30) * 86_400_000) return false
  return offeredSlots(terms, atMs).some(same) || offeredSlots(terms, atMs - SLOT_GRACE_MS).some(same)
}
