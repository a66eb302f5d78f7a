import type { CaseBehaviour, Happen } from '../case-driver.ts'
import type { CaseRecord } from '../case-record.ts'
import type { Work } from '../core.ts'
import { tellBrand, tellPartner } from '../outgoing.ts'
import { placeOrder } from '../place-order.ts'
import { clearTimer } from '../timers.ts'
import { itemOf } from './order-item.ts'

/** What a transition does to the order of its cases. */
export function orderEffects(
  happen: () => Happen,
): Pick<CaseBehaviour['effects'], 'placeOrder' | 'cancelOrder' | 'closeAddress' | 'closeOrder'> {
  return {
    async placeOrder(move) {
      await placeOrder(move.core, move.work, move.cases, happen())
    },

    async cancelOrder(move) {
      const { work } = move
      for (const orderId of ordersOf(move.cases)) {
        const order = await work.tx
          .updateTable('work_orders')
          .set({ state: 'cancelled', closed_at_ms: work.atMs })
          .where('brand_id', '=', work.brandId)
          .where('work_order_id', '=', orderId)
          .where('closed_at_ms', 'is', null)
          .returning(['partner_key', 'number'])
          .executeTakeFirst()
        await endItems(work, orderId, move.cases)
        await clearTimer(work, 'accept_by', orderId)
        if (!order) continue
        const telling = {
          type: 'work_order.cancelled',
          subject: orderId,
          cause: [],
          data: { workOrderId: orderId, number: order.number, by: move.by.kind, reason: move.why },
        }
        await tellPartner(work, order.partner_key, telling)
        await tellBrand(move.core, work, telling)
      }
    },

    /** The address hangs on the order's state: closed by cancelling, it is gone for its partner at once. */
    async closeAddress(move) {
      for (const orderId of ordersOf(move.cases)) {
        await move.work.tx
          .updateTable('work_orders')
          .set({ job_expires_at_ms: move.work.atMs })
          .where('brand_id', '=', move.work.brandId)
          .where('work_order_id', '=', orderId)
          .execute()
      }
    },

    /** Each item's verdict and parts; the last one ends the order. */
    async closeOrder(move) {
      const { work, data } = move
      for (const record of move.cases) {
        const item = await itemOf(work, record)
        if (!item) continue
        const said = data.outcome?.items.find((one) => one.item === item)
        await work.tx
          .updateTable('order_items')
          .set({
            live: false,
            finished_at_ms: work.atMs,
            verdict: said?.verdict ?? null,
            cause: said?.cause ?? null,
            parts: said?.partsUsed?.map((part) => part.sku) ?? [],
          })
          .where('brand_id', '=', work.brandId)
          .where('item_id', '=', item)
          .execute()
      }
      for (const orderId of ordersOf(move.cases)) await clearTimer(work, 'accept_by', orderId)
    },
  }
}

function ordersOf(cases: readonly CaseRecord[]): string[] {
  return [...new Set(cases.flatMap((record) => (record.work_order_id === null ? [] : [record.work_order_id])))]
}

async function endItems(work: Work, orderId: string, cases: readonly CaseRecord[]): Promise<void> {
  await work.tx
    .updateTable('order_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', orderId)
    .where(
      'case_id',
      'in',
      cases.map((record) => record.case_id),
    )
    .execute()
}
