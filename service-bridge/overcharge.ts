import type { Outcome } from '#contracts'
import type { OrderRecord } from './apply-partner-event.ts'
import type { Core, Work } from './core.ts'
import { homeFacts } from './facts.ts'
import { overchargedText } from './notice-texts.ts'
import { requestNotice } from './notices.ts'
import { flagOrderReview } from './review.ts'

/** More taken than agreed: stored as it is, and said to both who should know. */
export async function noticeOvercharge(core: Core, work: Work, order: OrderRecord, outcome: Outcome): Promise<void> {
  const taken = outcome.charge?.totalMinor
  if (taken === undefined || taken <= order.charge.totalMinor) return
  await work.tx
    .updateTable('work_orders')
    .set({ overcharged: true })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .execute()
  await flagOrderReview(core, work, order.work_order_id, 'overcharged')
  const home = await homeFacts(work, order.home_id)
  if (!home) return
  await requestNotice(core, work, {
    home,
    kind: 'service',
    reasonCode: 'overcharged',
    text: overchargedText(order.charge.totalMinor, taken),
    sendAfterMs: work.atMs,
    expiresAtMs: work.atMs + core.policy.offerTtlMs,
    cause: [order.work_order_id],
  })
}
