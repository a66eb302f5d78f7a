import type { Core, Work } from '../core.ts'
import { tellBrand } from '../outgoing.ts'
import { type CaseRecord, changeCase } from './case-record.ts'

/** Puts a case before a person of the brand. The first open reason stays until somebody acknowledges it. */
export async function flagReview(core: Core, work: Work, record: CaseRecord, reason: string): Promise<void> {
  if (record.needs_review !== null) return
  await changeCase(work, record, { needs_review: reason })
  await tellBrand(core, work, {
    type: 'case.needs_review',
    subject: record.case_id,
    cause: [record.events, reason],
    data: {
      caseId: record.case_id,
      deviceId: record.device_id,
      component: record.component,
      state: record.state,
      reason,
    },
  })
}

/** The same for an order. */
export async function flagOrderReview(core: Core, work: Work, workOrderId: string, reason: string): Promise<void> {
  const flagged = await work.tx
    .updateTable('work_orders')
    .set({ needs_review: reason, updated_at_ms: work.atMs })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .where('needs_review', 'is', null)
    .returning('number')
    .executeTakeFirst()
  if (!flagged) return
  await tellBrand(core, work, {
    type: 'work_order.needs_review',
    subject: workOrderId,
    cause: [reason, work.atMs],
    data: { workOrderId, number: flagged.number, reason },
  })
}
