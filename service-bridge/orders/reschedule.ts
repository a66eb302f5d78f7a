import type { Slot } from '#contracts'
import { HubError } from '#platform'
import { changeOffer } from '../cases/case-effects/offer-changes.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { isOffered, type OfferRecord } from '../offers/offer-record.ts'
import { type Telling, tellBrand, tellPartner } from '../outgoing.ts'
import { changeOrder } from './order-record.ts'

/** Another time, until somebody stands at the door: the partner is asked, and answers with an appointment. */
export async function reschedule(
  core: Core,
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
  slot: Slot,
): Promise<void> {
  const workOrderId = cases.find((record) => record.work_order_id !== null)?.work_order_id
  const order =
    workOrderId &&
    (await work.tx
      .selectFrom('work_orders')
      .select(['number', 'partner_key', 'closed_at_ms', 'arrived_at_ms'])
      .where('brand_id', '=', work.brandId)
      .where('work_order_id', '=', workOrderId)
      .executeTakeFirst())
  if (!workOrderId || !order || order.closed_at_ms !== null || order.arrived_at_ms !== null) {
    throw new HubError('STATE_FORBIDS', 'There is no visit ahead that could be moved.')
  }
  const chosen = offer.answer as { slot: Slot | null } | null
  // Asking for the time one has is no change, and a button pressed twice is one wish.
  if (chosen?.slot?.from === slot.from && chosen.slot.to === slot.to) return
  if (!isOffered(offer.terms, slot, work.atMs)) {
    throw new HubError('VALIDATION_FAILED', 'This time is not, or no longer, among those offered. Choose another.', {
      pointer: '/slot',
    })
  }
  await changeOffer(work, offer.offer_id, { answer: JSON.stringify({ ...chosen, slot }) })
  await changeOrder(work, workOrderId, { requested_slot: JSON.stringify(slot) })
  const telling: Telling = {
    type: 'work_order.updated',
    subject: workOrderId,
    cause: ['reschedule', work.atMs, slot.from],
    data: { workOrderId, number: order.number, change: 'slot_requested', slot, by: 'homeowner' },
  }
  await tellPartner(work, order.partner_key, telling)
  await tellBrand(core, work, telling)
}
