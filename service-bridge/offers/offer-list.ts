import { page, type Tx } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { type Core, inBrand } from '../core.ts'
import { offerSummary } from '../queries.ts'
import { lockOffer, type OfferRecord } from './offer-record.ts'
import type { OfferTerms } from './offer-terms.ts'
import { offerView } from './offer-view.ts'

/** What a brand sees of the offers made in its name. */
export function createOfferList(core: Core): Pick<ServiceBridge['offers'], 'list' | 'get'> {
  return {
    list: (brandId, filter) =>
      inBrand(core, brandId, async ({ tx }) => {
        let query = tx.selectFrom('offers').selectAll().where('brand_id', '=', brandId)
        if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        if (filter.homeId !== undefined) query = query.where('home_id', '=', filter.homeId)
        if (filter.caseId !== undefined) {
          const { caseId } = filter
          query = query.where('offer_id', 'in', (eb) =>
            eb
              .selectFrom('offer_items')
              .select('offer_id')
              .where('brand_id', '=', brandId)
              .where('case_id', '=', caseId),
          )
        }
        const found = await page(query, filter, { by: ['created_at_ms', 'offer_id'], direction: 'desc' })
        const cases = await casesOf(
          tx,
          brandId,
          found.items.map((row) => row.offer_id),
        )
        return {
          items: found.items.map((row) =>
            offerSummary(core, { ...row, terms: row.terms as OfferTerms }, cases.get(row.offer_id) ?? []),
          ),
          nextCursor: found.nextCursor,
        }
      }),

    get: (brandId, offerId) =>
      inBrand(core, brandId, async (work) => {
        const offer: OfferRecord = await lockOffer(work, offerId)
        const cases = await casesOf(work.tx, brandId, [offerId])
        return { ...offerSummary(core, offer, cases.get(offerId) ?? []), view: await offerView(core, work, offer) }
      }),
  }
}

async function casesOf(tx: Tx, brandId: string, offerIds: readonly string[]): Promise<Map<string, string[]>> {
  const byOffer = new Map<string, string[]>()
  if (offerIds.length === 0) return byOffer
  const rows = await tx
    .selectFrom('offer_items')
    .select(['offer_id', 'case_id'])
    .where('brand_id', '=', brandId)
    .where('offer_id', 'in', offerIds)
    .orderBy('case_id')
    .execute()
  for (const row of rows) byOffer.set(row.offer_id, [...(byOffer.get(row.offer_id) ?? []), row.case_id])
  return byOffer
}
