import { instant, type PartnerEvent, type SlaMissed, type SlaPromise } from '#contracts'
import { gateInTheWay } from '../cases/gate.ts'
import type { Core, Work } from '../core.ts'
import { type Telling, tellBrand, tellPartner } from '../outgoing.ts'
import { clearTimer, setTimer, type TimerKind } from '../timers.ts'
import { changeOrder, type OrderRecord } from './order-record.ts'

/** What a partner promised with the order, each a timer of its own until it is kept. */
const TIMERS: Readonly<Record<SlaPromise, TimerKind>> = {
  acceptBy: 'accept_by',
  bookBy: 'book_by',
  arriveBy: 'arrive_by',
  finishBy: 'finish_by',
}
const DAY_MS = 86_400_000

export async function armSla(work: Work, workOrderId: string, sla: Record<SlaPromise, string>): Promise<void> {
  for (const [promise, kind] of Object.entries(TIMERS) as [SlaPromise, TimerKind][])
    await setTimer(work, kind, workOrderId, Date.parse(sla[promise]))
}

export async function clearSla(work: Work, workOrderId: string): Promise<void> {
  for (const kind of Object.values(TIMERS)) await clearTimer(work, kind, workOrderId)
  await clearTimer(work, 'quote_expiry', workOrderId)
}

/** How long the partner has for a promise, as the order says: from its writing to the promise. */
function given(order: OrderRecord, promise: SlaPromise): number {
  const { createdAt, sla } = order.packet.workOrder
  return Date.parse(sla[promise]) - Date.parse(createdAt)
}

/** The answer is owed anew, from now: a quote was in the way of it, or a gate of ours. */
export async function askAcceptAnew(work: Work, order: OrderRecord): Promise<void> {
  if (order.state !== 'sent') return
  const acceptByMs = work.atMs + given(order, 'acceptBy')
  await changeOrder(work, order.work_order_id, { accept_by_ms: acceptByMs })
  await setTimer(work, 'accept_by', order.work_order_id, acceptByMs)
}

/** What a word of the partner keeps, or owes anew. `order` as it was before. */
export async function followSla(work: Work, order: OrderRecord, event: PartnerEvent): Promise<void> {
  const id = order.work_order_id
  await clearTimer(work, 'accept_by', id)
  switch (event.status) {
    case 'appointed':
    case 'rescheduled':
      if (event.appointment === undefined) await owe(work, id, 'bookBy', work.atMs + given(order, 'bookBy'))
      else {
        await clearTimer(work, 'book_by', id)
        await followAppointment(work, order, event)
      }
      break
    case 'dispatched':
    case 'en_route':
      await clearTimer(work, 'book_by', id)
      break
    case 'arrived':
      await clearTimer(work, 'book_by', id)
      await clearTimer(work, 'arrive_by', id)
      break
    case 'awaiting_parts':
    case 'customer_absent':
    case 'technician_absent':
      await owe(work, id, 'bookBy', work.atMs + given(order, 'bookBy'))
  }
}

async function owe(work: Work, workOrderId: string, promise: SlaPromise, dueMs: number): Promise<void> {
  await setTimer(work, TIMERS[promise], workOrderId, dueMs)
}

/** A later time that the home asked for is nobody's delay; one the partner chose is its own. */
async function followAppointment(work: Work, order: OrderRecord, event: PartnerEvent): Promise<void> {
  const wished = order.requested_slot
  const { appointment } = event
  if (!appointment) return
  const asWished = wished !== null && Date.parse(wished.from) <= Date.parse(appointment.from)
  if (!asWished && event.reason !== 'customer_request') return
  const endMs = Date.parse(appointment.to)
  for (const [promise, dueMs] of [
    ['arriveBy', endMs],
    ['finishBy', endMs + DAY_MS],
  ] as const) {
    const present = await work.tx
      .selectFrom('timers')
      .select('due_at_ms')
      .where('brand_id', '=', work.brandId)
      .where('kind', '=', TIMERS[promise])
      .where('subject', '=', order.work_order_id)
      .executeTakeFirst()
    if (present && present.due_at_ms < dueMs) await owe(work, order.work_order_id, promise, dueMs)
  }
}

/** Says once to both that a promise passed; which visit it was about makes it that one telling. */
export async function tellMissed(
  core: Core,
  work: Work,
  order: OrderRecord,
  promise: SlaPromise,
  visit: number,
): Promise<void> {
  const mark = `${promise} ${visit}`
  if (order.missed.includes(mark)) return
  await changeOrder(work, order.work_order_id, { missed: [...order.missed, mark] })
  const data: SlaMissed = {
    workOrderId: order.work_order_id,
    number: order.number,
    promise,
    visit,
    missedAt: instant(work.atMs),
  }
  const telling: Telling = {
    type: 'work_order.sla_missed',
    subject: order.work_order_id,
    cause: [promise, visit],
    data,
  }
  await tellPartner(work, order.partner_key, telling)
  await tellBrand(core, work, telling)
}

/** Whether the order never reached its partner because a gate of the brand keeps it: no promise runs meanwhile. */
export async function heldByUs(work: Work, order: OrderRecord): Promise<boolean> {
  const created = await work.tx
    .selectFrom('deliveries')
    .select('delivery_id')
    .where('brand_id', '=', work.brandId)
    .where('subject', '=', order.work_order_id)
    .where('destination_kind', '=', 'partner')
    .where('subject_sequence', '=', 1)
    .where('state', '=', 'pending')
    .where('first_tried_at_ms', 'is', null)
    .executeTakeFirst()
  if (!created) return false
  const cases = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select(['c.rule_key', 'c.region'])
    .where('i.brand_id', '=', work.brandId)
    .where('i.work_order_id', '=', order.work_order_id)
    .execute()
  const closed = await gateInTheWay(work.tx, {
    brandId: work.brandId,
    ruleKeys: cases.flatMap((row) => row.rule_key ?? []),
    region: cases[0]?.region ?? null,
    partnerKey: order.partner_key,
  })
  return closed !== null
}
