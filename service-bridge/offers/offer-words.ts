import { sealedAs } from '#contracts'
import { changeOffer } from '../cases/case-effects/offer-changes.ts'
import type { Core, Work } from '../core.ts'
import type { OfferWords } from '../views.ts'
import type { OfferRecord } from './offer-record.ts'

/** What a home writes beside its answers is a person's: sealed, in no event or log line, and gone with the home. */

type Kept = Partial<Record<'decline' | 'stop', string>>

export async function keepWords(
  core: Core,
  work: Work,
  offer: OfferRecord,
  said: Partial<Record<'decline' | 'stop', string | undefined>>,
): Promise<void> {
  const given = Object.entries(said).filter(([, text]) => text !== undefined && text !== '')
  if (given.length === 0) return
  const words = JSON.stringify({ ...opened(core, offer), ...Object.fromEntries(given) })
  const sealed = core.box.seal(words, sealedAs.offerWords(offer.offer_id))
  await changeOffer(work, offer.offer_id, { words_sealed: sealed })
}

function opened(core: Core, offer: Pick<OfferRecord, 'offer_id' | 'words_sealed'>): Kept {
  if (offer.words_sealed === null) return {}
  return JSON.parse(core.box.open(offer.words_sealed, sealedAs.offerWords(offer.offer_id))) as Kept
}

/** All of it, with what was written beside the stars of its last visit. */
export async function wordsOf(core: Core, work: Work, offer: OfferRecord): Promise<OfferWords> {
  const { decline = null, stop = null } = opened(core, offer)
  const rating = await work.tx
    .selectFrom('ratings as r')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'r.brand_id').onRef('o.work_order_id', '=', 'r.work_order_id'),
    )
    .select(['r.work_order_id', 'r.text_sealed'])
    .where('r.brand_id', '=', work.brandId)
    .where('o.offer_id', '=', offer.offer_id)
    .where('r.text_sealed', 'is not', null)
    .orderBy('r.changed_at_ms', 'desc')
    .executeTakeFirst()
  const stars = rating?.text_sealed
  return { decline, stop, rating: stars ? core.box.open(stars, sealedAs.ratingText(rating.work_order_id)) : null }
}
