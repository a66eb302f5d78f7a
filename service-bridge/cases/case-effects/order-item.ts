import type { OutcomeItem } from '#contracts'
import type { Work } from '../../core.ts'
import type { Move } from '../case-driver.ts'
import type { CaseRecord } from '../case-record.ts'

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

/** What the technician said of the case's item; `undefined` where nobody was there. */
export async function saidOf(move: Move, record: CaseRecord): Promise<OutcomeItem | undefined> {
  if (!move.data.outcome) return undefined
  const item = await itemOf(move.work, record)
  return move.data.outcome.items.find((one) => one.item === item)
}

/** The present orders of cases, each once. */
export function ordersOf(cases: readonly CaseRecord[]): string[] {
  return [...new Set(cases.flatMap((record) => (record.work_order_id === null ? [] : [record.work_order_id])))]
}
