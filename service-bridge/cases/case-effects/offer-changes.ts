import type { EventType } from '#contracts'
import type { Work } from '../../core.ts'
import { lockOffer, type OfferRecord } from '../../offers/offer-record.ts'
import { tellBrand } from '../../outgoing.ts'
import { clearTimer } from '../../timers.ts'
import type { Move } from '../case-driver.ts'

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
    revision?: number
    words_sealed?: Buffer | null
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
  await wakeNeedsOfHome(work, offerId)
}

/** The home has answered, or is asked no more: its next need may speak. */
export async function wakeNeedsOfHome(work: Work, offerId: string): Promise<void> {
  await work.tx
    .updateTable('timers')
    .set({ due_at_ms: work.atMs })
    .where('brand_id', '=', work.brandId)
    .where('waits_for', '=', 'offer')
    .where('due_at_ms', '>', work.atMs)
    .where('subject', 'in', (eb) =>
      eb
        .selectFrom('cases')
        .innerJoin('offers', (join) =>
          join.onRef('offers.brand_id', '=', 'cases.brand_id').onRef('offers.home_id', '=', 'cases.home_id'),
        )
        .select('cases.case_id')
        .where('offers.brand_id', '=', work.brandId)
        .where('offers.offer_id', '=', offerId)
        .where('cases.state', '=', 'open'),
    )
    .execute()
}

type OfferEvent = Extract<EventType, `offer.${string}`>

export async function tellOffer(move: Move, offerId: string, type: OfferEvent): Promise<void> {
  await tellBrand(move.core, move.work, {
    type,
    subject: offerId,
    cause: [move.cases[0]!.case_id, move.cases[0]!.events],
    data: { offerId, cases: move.cases.map((record) => record.case_id), by: move.by.kind, why: move.why },
  })
}
