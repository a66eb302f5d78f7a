import type { SlaPromise } from '#contracts'
import { lockCase } from '../cases/case-record.ts'
import { flagOrderReview } from '../cases/review.ts'
import type { Work } from '../core.ts'
import type { TimerHandler } from '../timer-handlers.ts'
import type { TimerKind } from '../timers.ts'
import { liveCases, lockOrder, type OrderRecord } from './order-record.ts'
import { placeOrder } from './place-order.ts'
import { comingVisit } from './progress.ts'
import { decideQuote } from './quote-decision.ts'
import { openQuote } from './quote-record.ts'
import { askAcceptAnew, heldByUs, tellMissed } from './sla.ts'
import { AWAITS_ORDER, waitingTogether } from './waiting-together.ts'

type OrderTimer = Extract<
  TimerKind,
  'place_order' | 'accept_by' | 'book_by' | 'arrive_by' | 'finish_by' | 'quote_expiry'
>

const byTimer = { kind: 'hub', id: 'timer' } as const

/** What falls due between acceptance and the end of an order. */
export const orderTimers: Readonly<Record<OrderTimer, TimerHandler>> = {
  async place_order(core, work, caseId, happen) {
    const record = await lockCase(work, caseId)
    if (!record || !AWAITS_ORDER.has(record.state)) return
    await placeOrder(core, work, await waitingTogether(work, record), happen)
  },

  /** C10: the promise to answer passed. It is told, the order ends there, and the next partner is asked. */
  async accept_by(core, work, workOrderId, happen) {
    const order = await lockOrder(work, workOrderId)
    if (order?.state !== 'sent') return
    if (await heldByUs(work, order)) return askAcceptAnew(work, order)
    await tellMissed(core, work, order, 'acceptBy', 1)
    const cases = await liveCases(work, workOrderId)
    const result = await happen(work, cases, 'accept_missed', {
      by: byTimer,
      why: 'the partner did not accept in time',
      data: { workOrderId },
    })
    if (result.kind !== 'moved') await flagOrderReview(core, work, workOrderId, 'acceptBy missed')
  },

  book_by: (core, work, orderId) =>
    missed(core, work, orderId, 'bookBy', (order) => order.appointment !== null || order.arrived_at_ms !== null),
  arrive_by: (core, work, orderId) => missed(core, work, orderId, 'arriveBy', (order) => order.arrived_at_ms !== null),
  finish_by: (core, work, orderId) => missed(core, work, orderId, 'finishBy', () => false),

  /** Nobody decided while the quote held: that is a no. */
  async quote_expiry(core, work, workOrderId, happen) {
    const order = await lockOrder(work, workOrderId)
    const quote = order && (await openQuote(work, workOrderId))
    if (!quote) return
    await decideQuote(core, happen, work, order, quote, { decision: 'expired', by: byTimer })
  },
}

async function missed(
  core: Parameters<TimerHandler>[0],
  work: Work,
  workOrderId: string,
  promise: SlaPromise,
  kept: (order: OrderRecord) => boolean,
): Promise<void> {
  const order = await lockOrder(work, workOrderId)
  if (!order || order.closed_at_ms !== null || kept(order)) return
  await tellMissed(core, work, order, promise, comingVisit(order))
}
