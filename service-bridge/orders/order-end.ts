import type { WorkOrderCancelled } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { type Telling, tellBrand, tellPartner } from '../outgoing.ts'
import type { Actor } from '../views.ts'
import { changeOrder, liveItems } from './order-record.ts'
import { clearSla } from './sla.ts'

/**
 * An order is no longer wanted from its partner: it ends here and there, and what has not left yet
 * never does. Whatever the partner made of it before, `work_order.cancelled` is the last it hears;
 * only then may anybody else be asked. Ending what has ended changes nothing.
 */
export async function endOrder(
  core: Core,
  work: Work,
  workOrderId: string,
  end: { by: Actor; reason: string | null; endReason: string },
): Promise<void> {
  const order = await work.tx
    .selectFrom('work_orders')
    .select(['partner_key', 'number', 'state', 'closed_at_ms', 'end_reason'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .executeTakeFirst()
  if (!order || order.state === 'completed' || order.end_reason !== null) return
  await changeOrder(work, workOrderId, {
    ...(order.closed_at_ms === null ? { state: 'cancelled' as const, closed_at_ms: work.atMs } : {}),
    end_reason: end.endReason,
  })
  await work.tx
    .updateTable('order_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .execute()
  await clearSla(work, workOrderId)
  const unheardOf = await callBackCreated(work, workOrderId)
  const data: WorkOrderCancelled = { workOrderId, number: order.number, by: end.by.kind, reason: end.reason }
  const telling: Telling = { type: 'work_order.cancelled', subject: workOrderId, cause: [], data }
  if (!unheardOf) await tellPartner(work, order.partner_key, telling)
  await tellBrand(core, work, telling)
}

/** Some of its items are no longer wanted. The last one ends the order; before that the visit goes on without them. */
export async function dropItems(
  core: Core,
  work: Work,
  workOrderId: string,
  cases: readonly CaseRecord[],
  end: { by: Actor; reason: string | null; endReason: string },
): Promise<void> {
  const dropped = new Set(cases.map((record) => record.case_id))
  const items = await liveItems(work, workOrderId)
  const gone = items.filter((item) => dropped.has(item.case_id))
  if (gone.length === items.length) return endOrder(core, work, workOrderId, end)
  if (gone.length === 0) return
  await work.tx
    .updateTable('order_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where(
      'item_id',
      'in',
      gone.map((item) => item.item_id),
    )
    .execute()
  const order = await work.tx
    .selectFrom('work_orders')
    .select(['partner_key', 'number'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .executeTakeFirstOrThrow()
  await changeOrder(work, workOrderId, {})
  const telling: Telling = {
    type: 'work_order.updated',
    subject: workOrderId,
    cause: ['items_dropped', ...gone.map((item) => item.item_id)],
    data: {
      workOrderId,
      number: order.number,
      change: 'items_dropped',
      items: gone.map((item) => item.item_id),
      by: end.by.kind,
      reason: end.reason,
    },
  }
  await tellPartner(work, order.partner_key, telling)
  await tellBrand(core, work, telling)
}

/**
 * The order itself, where it waits in the outbox or lies among the dead letters: sent after its cancellation, or
 * redriven days later, it would be a second visit. True when it was never sent at all: then there is nothing
 * the partner would have to be told of.
 */
async function callBackCreated(work: Work, workOrderId: string): Promise<boolean> {
  const back = await work.tx
    .updateTable('deliveries')
    .set({ state: 'cancelled', last_error: 'the order ended before it was taken' })
    .where('brand_id', '=', work.brandId)
    .where('destination_kind', '=', 'partner')
    .where('subject', '=', workOrderId)
    .where('type', 'in', [`${EVENT_TYPE_PREFIX}work_order.created`, `${EVENT_TYPE_PREFIX}work_order.updated`])
    .where('state', 'in', ['pending', 'sending', 'dead'])
    .returning(['type', 'first_tried_at_ms'])
    .execute()
  return back.some((one) => one.type.endsWith('.created') && one.first_tried_at_ms === null)
}
