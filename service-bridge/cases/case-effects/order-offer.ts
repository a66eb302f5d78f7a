import { derivedId, tokenHash } from '#platform'
import type { Core, Work } from '../../core.ts'
import { homeFacts } from '../../facts.ts'
import { offerToken } from '../../links.ts'
import { lockOffer, type OfferRecord } from '../../offers/offer-record.ts'
import { offerTerms } from '../../offers/offer-terms.ts'
import { changeOrder, type OrderRecord } from '../../orders/order-record.ts'
import { type CaseRecord, changeCase } from '../case-record.ts'

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
  const offerId = derivedId('of', first.first_episode_id, first.case_id, first.offers + 1)
  await work.tx
    .insertInto('offers')
    .values({
      brand_id: work.brandId,
      offer_id: offerId,
      home_id: home.homeId,
      state: 'accepted',
      token_hash: tokenHash(offerToken(core, offerId, 1)),
      terms: JSON.stringify({ ...terms, charge: order.charge }),
      created_at_ms: work.atMs,
      expires_at_ms: work.atMs + core.policy.offerTtlMs,
      answered_at_ms: order.created_at_ms,
      answer: JSON.stringify({ slot: null, shareWith: [order.partner_key], standing: true }),
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
