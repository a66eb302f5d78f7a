import type { Selectable, Updateable } from 'kysely'
import type { WorkOrdersTable } from '#store'
import { type CaseRecord, lockCases } from '../cases/case-record.ts'
import type { Work } from '../core.ts'

export type OrderRecord = Selectable<WorkOrdersTable>

/** The order with its cases, cases first: the order in which homeowners' calls lock them too. */
export async function lockOrder(work: Work, workOrderId: string): Promise<OrderRecord | null> {
  const items = await work.tx
    .selectFrom('order_items')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .execute()
  await lockCases(
    work,
    items.map((item) => item.case_id),
  )
  const row = await work.tx
    .selectFrom('work_orders')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

/** Items of the order that are still to be done, with their cases. */
export async function liveItems(work: Work, workOrderId: string): Promise<{ item_id: string; case_id: string }[]> {
  return work.tx
    .selectFrom('order_items')
    .select(['item_id', 'case_id'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .where('live', '=', true)
    .orderBy('item_id')
    .execute()
}

/** The cases of what is still to be done, locked. */
export async function liveCases(work: Work, workOrderId: string): Promise<CaseRecord[]> {
  const items = await liveItems(work, workOrderId)
  return lockCases(
    work,
    items.map((item) => item.case_id),
  )
}

/** Changes columns, and notes that there is something new for a partner that polls. */
export async function changeOrder(
  work: Work,
  workOrderId: string,
  change: Omit<Updateable<WorkOrdersTable>, 'updated_at_ms'>,
): Promise<void> {
  await work.tx
    .updateTable('work_orders')
    .set({ ...change, updated_at_ms: work.atMs })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .execute()
}
