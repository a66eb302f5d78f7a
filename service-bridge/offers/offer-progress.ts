import type { Selectable } from 'kysely'
import { instant, type OfferView, type ProgressStage, type Slot, type WaitingFor } from '#contracts'
import type { OrderItemsTable } from '#store'
import type { CaseRecord } from '../cases/case-record.ts'
import { solvedAnswer } from '../cases/solved-answer.ts'
import type { Core, Work } from '../core.ts'
import type { OrderRecord } from '../orders/order-record.ts'
import { openWords } from '../orders/order-words.ts'
import { comingVisit } from '../orders/progress.ts'
import { ratingOf } from '../orders/rating.ts'
import type { OfferRecord } from './offer-record.ts'

/** The order the offer led to (the last, where another partner had to be asked), with its words readable. */
export async function orderOfOffer(core: Core, work: Work, offer: OfferRecord): Promise<OrderRecord | null> {
  const row = await work.tx
    .selectFrom('work_orders')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offer.offer_id)
    .orderBy('created_at_ms', 'desc')
    .orderBy('number', 'desc')
    .executeTakeFirst()
  if (!row) return null
  const open = <T>(value: T, path: string): T => openWords(core.box, row.work_order_id, value, path)
  return { ...row, technician: open(row.technician, 'technician'), outcome: open(row.outcome, 'outcome') }
}

/** 受理 → 接单 → 前往 → 完成 → 回访 — each with when it was reached. */
export async function progressOf(
  work: Work,
  offer: OfferRecord,
  order: OrderRecord | null,
  cases: readonly CaseRecord[],
): Promise<OfferView['progress']> {
  if (offer.answered_at_ms === null || (order === null && offer.state !== 'accepted')) return null
  const requested = (offer.answer as { slot?: Slot } | null)?.slot ?? null
  const reached: { stage: ProgressStage; at: string }[] = [{ stage: 'received', at: instant(offer.answered_at_ms) }]
  if (order === null) {
    return {
      stage: 'received',
      reached,
      workOrder: null,
      visit: 1,
      waitingFor: null,
      requested,
      appointment: null,
      technician: null,
      result: null,
      results: [],
      overcharge: null,
      rating: null,
    }
  }
  const said = await work.tx
    .selectFrom('partner_events')
    .select(['status', 'at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .where('disposition', '=', 'applied')
    .orderBy('at_ms')
    .execute()
  const underWay = said.find((event) => ['dispatched', 'en_route', 'arrived'].includes(event.status))
  const items = await work.tx
    .selectFrom('order_items')
    .select(['item_id', 'case_id', 'verified', 'finished_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .execute()
  const verified = items.find((item) => item.verified !== null)
  if (order.accepted_at_ms !== null) reached.push({ stage: 'taken', at: instant(order.accepted_at_ms) })
  if (underWay) reached.push({ stage: 'under_way', at: instant(underWay.at_ms) })
  if (order.state === 'completed' && order.closed_at_ms !== null) {
    reached.push({ stage: 'done', at: instant(order.closed_at_ms) })
  }
  if (verified?.finished_at_ms) reached.push({ stage: 'followed_up', at: instant(verified.finished_at_ms) })
  const { technician } = order
  return {
    stage: reached.at(-1)!.stage,
    reached,
    workOrder: order.number,
    visit: comingVisit(order),
    waitingFor: waitingFor(order, cases),
    requested,
    appointment: order.appointment,
    technician: technician
      ? {
          ref: technician.ref,
          ...(technician.name === undefined ? {} : { name: technician.name }),
          ...(technician.rating === undefined ? {} : { rating: technician.rating }),
        }
      : null,
    result: order.outcome
      ? {
          found: order.outcome.items[0]?.report.found ?? null,
          verified: verified?.verified ?? null,
          solved: solvedAnswer(offer),
        }
      : null,
    results: resultsOf(offer, order, items),
    overcharge: overchargeOf(order),
    rating: await ratingOf(work, order.work_order_id),
  }
}

function overchargeOf({
  overcharged,
  outcome,
  charge,
}: OrderRecord): { agreedMinor: number; takenMinor: number } | null {
  if (!overcharged || !outcome?.charge) return null
  return { agreedMinor: charge.totalMinor, takenMinor: outcome.charge.totalMinor }
}

/** What was found and proven of each need, in the order in which the offer names them. */
function resultsOf(
  offer: OfferRecord,
  order: OrderRecord,
  items: readonly Pick<Selectable<OrderItemsTable>, 'item_id' | 'case_id' | 'verified'>[],
): NonNullable<OfferView['progress']>['results'] {
  return offer.terms.needs.flatMap(({ caseId }) => {
    const item = items.find((one) => one.case_id === caseId)
    const said = order.outcome?.items.find((one) => one.item === item?.item_id)
    return item && said ? [{ caseId, found: said.report.found ?? null, verified: item.verified }] : []
  })
}

const WAITS: Readonly<Partial<Record<CaseRecord['state'], WaitingFor>>> = {
  rerouting: 'partner',
  awaiting_quote: 'quote',
  awaiting_parts: 'parts',
}

function waitingFor(order: OrderRecord, cases: readonly CaseRecord[]): WaitingFor | null {
  for (const { state } of cases) {
    const waits = WAITS[state]
    if (waits) return waits
  }
  const again = cases.some((record) => record.state === 'scheduled') && comingVisit(order) > 1
  return again && order.appointment === null ? 'appointment' : null
}
