import { instant, type PartnerEvent, type Slot } from '#contracts'
import { localTime } from '#platform'
import type { Core, Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { consentInForce } from '../homes/consents.ts'
import { lockOffer } from '../offers/offer-record.ts'
import { liveItems, type OrderRecord } from '../orders/order-record.ts'
import { withdrawWaiting } from './notice-telling.ts'
import { visitChangedText } from './notice-texts.ts'
import { requestNotice } from './notices.ts'

/**
 * A time the home knew has changed, and not by its own wish: whoever waits at home has to hear of it. The first
 * appointment at the hour the home chose is no news; it stands on the page.
 */
export async function tellRescheduled(core: Core, work: Work, before: OrderRecord, event: PartnerEvent): Promise<void> {
  const next = event.appointment
  const expected = before.appointment ?? before.requested_slot ?? (await chosenSlot(work, before))
  if (!next || !expected || sameTime(next, expected)) return
  if (before.requested_slot && sameTime(next, before.requested_slot)) return
  const home = await homeFacts(work, before.home_id)
  if (!home || !(await consentInForce(work, { homeId: home.homeId, purpose: 'contact' }))) return
  const offer = before.offer_id === null ? null : await lockOffer(work, before.offer_id)
  const when = localTime(Date.parse(next.from), home.timeZone)
  const two = (n: number): string => String(n).padStart(2, '0')
  const clock = `${two(Math.floor(when.minute / 60))}:${two(when.minute % 60)}`
  const caseIds = (await liveItems(work, before.work_order_id)).map((item) => item.case_id)
  await withdrawWaiting(work, home.homeId, caseIds, ['visit_changed', 'visit_missed', 'parts_awaited'])
  await requestNotice(core, work, {
    home,
    kind: 'service',
    reasonCode: 'visit_changed',
    text: visitChangedText({ month: when.month, day: when.day, clock }),
    caseIds,
    ...(offer ? { offer: { id: offer.offer_id, generation: offer.generation } } : {}),
    sendAfterMs: work.atMs,
    // Once the visit is over, it is no news.
    expiresAtMs: Date.parse(next.to),
    cause: [before.work_order_id, instant(Date.parse(next.from))],
  })
}

async function chosenSlot(work: Work, order: OrderRecord): Promise<Slot | null> {
  if (order.offer_id === null) return null
  return ((await lockOffer(work, order.offer_id)).answer as { slot?: Slot | null } | null)?.slot ?? null
}

function sameTime(a: Slot, b: Slot): boolean {
  return Date.parse(a.from) === Date.parse(b.from) && Date.parse(a.to) === Date.parse(b.to)
}
