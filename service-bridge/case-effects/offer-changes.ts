import type { Move } from '../case-driver.ts'
import type { CaseRecord } from '../case-record.ts'
import type { Work } from '../core.ts'
import { lockOffer, type OfferRecord } from '../offer-record.ts'
import { tellBrand } from '../outgoing.ts'
import { clearTimer } from '../timers.ts'

/** The small changes to an offer that effects and the home's calls share. */

export async function offerOf(move: Move): Promise<OfferRecord> {
  const offerId = move.data.offerId ?? move.cases[0]?.offer_id
  if (!offerId) throw new Error(`${move.event}: the case has no offer`)
  return lockOffer(move.work, offerId)
}

export async function changeOffer(
  work: Work,
  offerId: string,
  change: {
    state?: OfferRecord['state']
    snoozed_until_ms?: number | null
    expires_at_ms?: number
    answered_at_ms?: number
    answer?: string
  },
): Promise<void> {
  await work.tx
    .updateTable('offers')
    .set(change)
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .execute()
}

export async function endOffer(work: Work, offerId: string, state: OfferRecord['state']): Promise<void> {
  await changeOffer(work, offerId, { state, snoozed_until_ms: null })
  await clearTimer(work, 'offer_expiry', offerId)
  await clearTimer(work, 'snooze', offerId)
}

/** Ends the case's part in its offer; how many other live parts the offer still has. */
export async function endOfferItem(work: Work, record: CaseRecord): Promise<number> {
  await work.tx
    .updateTable('offer_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', record.offer_id!)
    .where('case_id', '=', record.case_id)
    .execute()
  const left = await work.tx
    .selectFrom('offer_items')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', record.offer_id!)
    .where('live', '=', true)
    .execute()
  return left.length
}

export async function tellOffer(move: Move, offerId: string, what: string): Promise<void> {
  await tellBrand(move.core, move.work, {
    type: `offer.${what}`,
    subject: offerId,
    cause: [move.cases[0]!.events],
    data: { offerId, cases: move.cases.map((record) => record.case_id), by: move.by.kind, why: move.why },
  })
}
