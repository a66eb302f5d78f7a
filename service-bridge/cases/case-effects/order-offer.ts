import { derivedId, tokenHash } from '#platform'
import type { Core, Work } from '../../core.ts'
import { homeFacts } from '../../facts.ts'
import { offerToken } from '../../links.ts'
import { leaveOffers } from '../../offers/offer-bundle.ts'
import { lockOffer, type OfferRecord } from '../../offers/offer-record.ts'
import { offerTerms } from '../../offers/offer-terms.ts'
import { changeOrder, type OrderRecord } from '../../orders/order-record.ts'
import { type CaseRecord, changeCase } from '../case-record.ts'
import { endOffer } from './offer-changes.ts'

/**
 * The page on which the home decides about an order. One that was dispatched under a standing
 * consent was never offered and has none yet: it gets one now, as accepted as the order is.
 * `null` when nobody could be asked.
 */
export async function offerForOrder(
  core: Core,
  work: Work,
  order: OrderRecord,
  cases: readonly CaseRecord[],
): Promise<OfferRecord | null> {
  if (order.offer_id !== null) return lockOffer(work, order.offer_id)
  const [first] = cases
  const home = await homeFacts(work, order.home_id)
  const terms = home && first && (await offerTerms(core, work, cases, home))
  if (!home || !terms) return null
  const page = {
    terms: JSON.stringify({ ...terms, charge: order.charge }),
    expires_at_ms: work.atMs + core.policy.offerTtlMs,
    answered_at_ms: order.created_at_ms,
    answer: JSON.stringify({ slot: null, shareWith: [order.partner_key], standing: true }),
  }
  const before = await pageBefore(core, work, cases)
  if (before) {
    await work.tx
      .updateTable('offers')
      .set({ ...page, revision: before.revision + 1 })
      .where('brand_id', '=', work.brandId)
      .where('offer_id', '=', before.offer_id)
      .execute()
    await changeOrder(work, order.work_order_id, { offer_id: before.offer_id })
    return lockOffer(work, before.offer_id)
  }
  const offerId = derivedId('of', first.first_episode_id, first.case_id, first.offers + 1)
  await work.tx
    .insertInto('offers')
    .values({
      brand_id: work.brandId,
      offer_id: offerId,
      home_id: home.homeId,
      state: 'accepted',
      token_hash: tokenHash(offerToken(core, offerId, 1)),
      ...page,
      created_at_ms: work.atMs,
    })
    .execute()
  for (const record of cases) {
    await work.tx
      .insertInto('offer_items')
      .values({ brand_id: work.brandId, offer_id: offerId, case_id: record.case_id })
      .execute()
    await changeCase(work, record, { offers: record.offers + 1, offer_id: offerId })
  }
  await changeOrder(work, order.work_order_id, { offer_id: offerId })
  return lockOffer(work, offerId)
}

/**
 * The page these needs got for an order that another partner gave back: its link goes on, about the order they have now.
 * Where they come from several pages each leaves its own.
 */
async function pageBefore(core: Core, work: Work, cases: readonly CaseRecord[]): Promise<OfferRecord | null> {
  const live = await work.tx
    .selectFrom('offer_items')
    .select(['case_id', 'offer_id'])
    .where('brand_id', '=', work.brandId)
    .where(
      'case_id',
      'in',
      cases.map((record) => record.case_id),
    )
    .where('live', '=', true)
    .execute()
  const [first] = live
  if (!first) return null
  const offer = await lockOffer(work, first.offer_id)
  const together = live.length === cases.length && live.every((item) => item.offer_id === offer.offer_id)
  if (together && offer.state === 'accepted') return offer
  const ids = new Set(live.map((item) => item.case_id))
  const leaving = cases.filter((record) => ids.has(record.case_id))
  for (const [offerId, left] of await leaveOffers(core, work, leaving, 'ended'))
    if (left === 0) await endOffer(work, offerId, 'closed')
  return null
}
