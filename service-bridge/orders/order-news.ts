import type { NoticeReason, PartnerEvent, Text } from '#contracts'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { caseFacts, homeFacts } from '../facts.ts'
import { consentInForce } from '../homes/consents.ts'
import { withdrawWaiting } from '../notices/notice-telling.ts'
import {
  calledOffText,
  noPartnerText,
  overchargedText,
  partnerComesText,
  partsAwaitedText,
  provenText,
  visitMissedText,
} from '../notices/notice-texts.ts'
import { requestNotice } from '../notices/notices.ts'
import { lockOffer } from '../offers/offer-record.ts'
import { liveItems, lockOrder, type OrderRecord } from './order-record.ts'
import { mayRate, ratingOf } from './rating.ts'

/** What a home hears of the visit it waits for, one message for all the needs of the visit, in daytime. */

interface News {
  homeId: string | null
  /** Whose page it leads to. */
  offerId: string | null
  reasonCode: NoticeReason
  caseIds: readonly string[]
  cause: readonly (string | number)[]
  text(hasPage: boolean): Text
}

/** Of how things stand with a visit only the last word is worth sending: those that still wait make room. */
const REPLACED: readonly NoticeReason[] = [
  'visit_changed',
  'visit_missed',
  'parts_awaited',
  'partner_changed',
  'order_cancelled',
]

async function tellHome(core: Core, work: Work, news: News): Promise<void> {
  const home = await homeFacts(work, news.homeId)
  if (!home || !(await consentInForce(work, { homeId: home.homeId, purpose: 'contact' }))) return
  const offer = news.offerId === null ? null : await lockOffer(work, news.offerId)
  if (REPLACED.includes(news.reasonCode)) await withdrawWaiting(work, home.homeId, news.caseIds, REPLACED)
  await requestNotice(core, work, {
    home,
    kind: 'service',
    reasonCode: news.reasonCode,
    text: news.text(offer !== null),
    caseIds: news.caseIds,
    ...(offer ? { offer: { id: offer.offer_id, generation: offer.generation } } : {}),
    sendAfterMs: work.atMs,
    expiresAtMs: work.atMs + core.policy.offerTtlMs,
    cause: news.cause,
  })
}

/** C14: the visit did not come about, or goes on when a part is there, and has no new time yet. */
export async function tellVisitOpen(
  core: Core,
  work: Work,
  order: OrderRecord,
  { status, visit }: Pick<PartnerEvent, 'status'> & { visit: number },
): Promise<void> {
  const waits = status === 'awaiting_parts'
  await tellHome(core, work, {
    homeId: order.home_id,
    offerId: order.offer_id,
    reasonCode: waits ? 'parts_awaited' : 'visit_missed',
    caseIds: (await liveItems(work, order.work_order_id)).map((item) => item.case_id),
    cause: [order.work_order_id, visit],
    text: waits ? partsAwaitedText : visitMissedText,
  })
}

/** C10, C22: another partner has the order, or none has; only where the home had reason to expect one. */
export async function tellPartnerGone(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  next: { name: string } | null,
): Promise<void> {
  const [first] = cases
  if (!first || !(await expectedOne(work, first))) return
  await tellHome(core, work, {
    homeId: first.home_id,
    offerId: first.offer_id,
    reasonCode: next ? 'partner_changed' : 'order_cancelled',
    caseIds: cases.map((record) => record.case_id),
    // Once for every partner that gave it back, however often it is tried.
    cause: [first.case_id, first.orders],
    text: (hasPage) => (next ? partnerComesText(next.name, hasPage) : noPartnerText(hasPage)),
  })
}

/** It has a page on which it accepted a visit, or a partner that took the order may have spoken to it. */
async function expectedOne(work: Work, record: CaseRecord): Promise<boolean> {
  if (record.offer_id !== null) return true
  const taken = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'i.brand_id').onRef('o.work_order_id', '=', 'i.work_order_id'),
    )
    .select('o.work_order_id')
    .where('i.brand_id', '=', work.brandId)
    .where('i.case_id', '=', record.case_id)
    .where('o.accepted_at_ms', 'is not', null)
    .executeTakeFirst()
  return taken !== undefined
}

/** C21: somebody else than the home called off the visit it had agreed to. */
export async function tellCalledOff(core: Core, work: Work, cases: readonly CaseRecord[]): Promise<void> {
  const [first] = cases
  if (!first || !(await expectedOne(work, first))) return
  const device = await deviceName(work, first)
  await tellHome(core, work, {
    homeId: first.home_id,
    offerId: null,
    reasonCode: 'order_cancelled',
    caseIds: cases.map((record) => record.case_id),
    cause: [first.case_id, 'called off', first.events],
    text: () => calledOffText(device),
  })
}

/** More was taken than agreed: both sums, and the page on which they stand and a problem can be reported. */
export async function tellOvercharged(
  core: Core,
  work: Work,
  order: OrderRecord,
  { agreedMinor, takenMinor }: { agreedMinor: number; takenMinor: number },
): Promise<void> {
  await tellHome(core, work, {
    homeId: order.home_id,
    offerId: order.offer_id,
    reasonCode: 'overcharged',
    caseIds: order.packet.items.map((item) => item.caseId),
    cause: [order.work_order_id],
    text: (hasPage) => overchargedText(agreedMinor, takenMinor, hasPage),
  })
}

/** C17: all that was repaired in this visit has shown in the readings; where it still can, the home is asked for stars. */
export async function tellProven(core: Core, work: Work, workOrderId: string, about: CaseRecord): Promise<void> {
  const order = await lockOrder(work, workOrderId)
  const items = await work.tx
    .selectFrom('order_items')
    .select(['case_id', 'live', 'verdict', 'verified'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .orderBy('item_id')
    .execute()
  const repaired = items.filter((item) => item.verdict === 'confirmed' || item.verdict === 'other_cause')
  if (!order || items.some((item) => item.live) || repaired.some((item) => item.verified !== 'verified')) return
  const rating = await ratingOf(work, workOrderId)
  const stars = rating === null && mayRate(order, null, work.atMs)
  const device = await deviceName(work, about)
  await tellHome(core, work, {
    homeId: order.home_id,
    offerId: order.offer_id,
    reasonCode: 'verified',
    caseIds: repaired.map((item) => item.case_id),
    cause: [workOrderId],
    text: (hasPage) => provenText(device, hasPage && stars),
  })
}

async function deviceName(work: Work, record: CaseRecord): Promise<Text> {
  const { product } = await caseFacts(work, record)
  return product?.name ?? { en: record.product_key, 'zh-CN': record.product_key }
}
