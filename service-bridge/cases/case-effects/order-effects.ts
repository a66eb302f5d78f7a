import { dropItems, endOrder } from '../../orders/order-end.ts'
import { changeOrder } from '../../orders/order-record.ts'
import { placeOrder } from '../../orders/place-order.ts'
import type { CaseBehaviour, Happen, Move } from '../case-driver.ts'
import { itemOf, ordersOf, saidOf } from './order-item.ts'

/** How an order ended, by what happened to its cases. */
const END_REASON: Readonly<Partial<Record<Move['event'], string>>> = {
  order_refused: 'rejected',
  accept_missed: 'lapsed',
  order_failed: 'failed',
  quote_refused: 'quote_refused',
  device_gone: 'device_gone',
}

/** What a transition does to the order of its cases. */
export function orderEffects(
  happen: () => Happen,
): Pick<
  CaseBehaviour['effects'],
  'placeOrder' | 'cancelOrder' | 'closeAddress' | 'endOrderThere' | 'askNextPartner' | 'closeOrder'
> {
  return {
    async placeOrder(move) {
      // Whoever retries has perhaps spoken to a partner that gave it back.
      await placeOrder(move.core, move.work, move.cases, happen(), { anew: move.event === 'retried' })
    },

    /** Called off for these cases; others of the same visit go on. */
    async cancelOrder(move) {
      for (const orderId of ordersOf(move.cases)) await dropItems(move.core, move.work, orderId, move.cases, end(move))
    },

    /** Over at this partner, all of it. */
    async endOrderThere(move) {
      for (const orderId of ordersOf(move.cases)) await endOrder(move.core, move.work, orderId, end(move))
    },

    async askNextPartner(move) {
      await placeOrder(move.core, move.work, move.cases, happen())
    },

    /** The address hangs on the order's state: closed by cancelling, it is gone for its partner at once. So is the job's link. */
    async closeAddress(move) {
      for (const orderId of ordersOf(move.cases)) {
        const order = await move.work.tx
          .selectFrom('work_orders')
          .select(['state', 'closed_at_ms'])
          .where('brand_id', '=', move.work.brandId)
          .where('work_order_id', '=', orderId)
          .executeTakeFirst()
        // A visit that goes on for its other items, or was finished before, keeps what it needs.
        if (!order || order.closed_at_ms === null || order.state === 'completed') continue
        await changeOrder(move.work, orderId, { job_expires_at_ms: move.work.atMs })
      }
    },

    /** Each item's verdict and parts; the last one ends the order. */
    async closeOrder(move) {
      const { work } = move
      for (const record of move.cases) {
        const item = await itemOf(work, record)
        if (!item) continue
        const said = await saidOf(move, record)
        await work.tx
          .updateTable('order_items')
          .set({
            live: false,
            finished_at_ms: work.atMs,
            verdict: said?.verdict ?? null,
            cause: said?.cause ?? null,
            parts: said?.partsUsed?.map((part) => part.sku) ?? [],
            parts_used: said?.partsUsed ? JSON.stringify(said.partsUsed) : null,
          })
          .where('brand_id', '=', work.brandId)
          .where('item_id', '=', item)
          .execute()
      }
    },
  }
}

function end(move: Move): { by: Move['by']; reason: string | null; endReason: string } {
  return { by: move.by, reason: move.why, endReason: END_REASON[move.event] ?? 'called_off' }
}
