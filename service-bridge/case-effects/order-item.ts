import type { CaseRecord } from '../case-record.ts'
import type { Work } from '../core.ts'

/** The item of the case in its present order; `null` without one. */
export async function itemOf(work: Work, record: CaseRecord): Promise<string | null> {
  if (record.work_order_id === null) return null
  const row = await work.tx
    .selectFrom('order_items')
    .select('item_id')
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', record.work_order_id)
    .where('case_id', '=', record.case_id)
    .executeTakeFirst()
  return row?.item_id ?? null
}
