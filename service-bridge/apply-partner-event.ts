import type { Selectable } from 'kysely'
import { instant, type PartnerEvent, type PartnerStatus, type Verdict } from '#contracts'
import type { WorkOrdersTable } from '#store'
import type { Happen, MoveResult } from './case-driver.ts'
import { type CaseRecord, lockCases } from './case-record.ts'
import type { CaseEvent } from './case-words.ts'
import { checkSaying } from './check-saying.ts'
import type { Core, Work } from './core.ts'
import { dropWords, sealWords } from './order-words.ts'
import { tellBrand } from './outgoing.ts'
import { noticeOvercharge } from './overcharge.ts'
import { progressTo, TERMINAL_RANK } from './progress.ts'
import { flagOrderReview, flagReview } from './review.ts'
import { clearTimer } from './timers.ts'
import type { Actor } from './views.ts'

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

/** What each status means to the case; `completed` is decided item by item, by its verdict. */
const CASE_EVENT: Readonly<Record<Exclude<PartnerStatus, 'completed' | 'objected'>, CaseEvent>> = {
  accepted: 'order_taken',
  appointed: 'order_taken',
  rescheduled: 'order_taken',
  rejected: 'order_refused',
  quoted: 'quoted',
  dispatched: 'work_started',
  en_route: 'work_started',
  arrived: 'work_started',
  awaiting_parts: 'parts_awaited',
  customer_absent: 'visit_missed',
  technician_absent: 'visit_missed',
  failed: 'order_failed',
  cancelled: 'order_failed',
}

const VERDICT_EVENT: Readonly<Record<Verdict, CaseEvent>> = {
  confirmed: 'repaired',
  other_cause: 'repaired',
  no_fault_found: 'nothing_found',
  not_accessible: 'visit_missed',
}

const ORDER_STATE: Readonly<Partial<Record<PartnerStatus, OrderRecord['state']>>> = {
  accepted: 'accepted',
  appointed: 'accepted',
  rescheduled: 'accepted',
  dispatched: 'in_progress',
  en_route: 'in_progress',
  arrived: 'in_progress',
  completed: 'completed',
  rejected: 'rejected',
  failed: 'failed',
  cancelled: 'cancelled',
}

export interface Saying {
  event: PartnerEvent
  /** Unique within the order: what makes a replay do nothing. */
  webhookId: string
  source: 'webhook' | 'job'
  by: Actor
}

/**
 * One word of a partner about its order: stored always, counted when it is news by (visit,
 * rank), then carried to the cases. What the case table does not handle yet is put before a
 * person. Returns `applied`, or why nothing changed.
 */
export async function applyPartnerEvent(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  saying: Saying,
): Promise<string> {
  const { event } = saying
  checkSaying(order, event)
  const visit = event.visit ?? order.visit
  const atMs = event.at === undefined ? work.atMs : Date.parse(event.at)
  const stored = await work.tx
    .insertInto('partner_events')
    .values({
      brand_id: work.brandId,
      work_order_id: order.work_order_id,
      webhook_id: saying.webhookId,
      source: saying.source,
      status: event.status,
      visit,
      at_ms: atMs,
      received_at_ms: work.atMs,
      body: JSON.stringify(await kept(core, work, order, event)),
      disposition: 'received',
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('webhook_id')
    .executeTakeFirst()
  if (!stored) return 'replayed'
  const disposition = await dispose(core, happen, work, order, saying, { visit, atMs })
  await work.tx
    .updateTable('partner_events')
    .set({ disposition })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .where('webhook_id', '=', saying.webhookId)
    .execute()
  return disposition
}

async function dispose(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  saying: Saying,
  place: { visit: number; atMs: number },
): Promise<string> {
  const { event } = saying
  const present = { visit: order.visit, rank: order.rank, status: order.status, atMs: await lastSaidAt(work, order) }
  const answer = progressTo(present, { status: event.status, ...place })
  if (answer.kind === 'aside') {
    await flagOrderReview(core, work, order.work_order_id, `the partner ${event.status}`)
    return 'needs_review'
  }
  if (answer.kind === 'contradiction') {
    await flagOrderReview(core, work, order.work_order_id, `the partner said ${event.status} after ${order.status}`)
    return 'contradiction'
  }
  if (answer.kind === 'old') return 'old'
  // Ended by us: whatever comes now is kept, but the visit is off.
  if (order.closed_at_ms !== null) {
    await flagOrderReview(core, work, order.work_order_id, `the partner said ${event.status} of a closed order`)
    return 'closed'
  }

  const words = await kept(core, work, order, event)
  const terminal = answer.progress.rank === TERMINAL_RANK
  const taken = order.accepted_at_ms === null && !REFUSALS.has(event.status)
  await work.tx
    .updateTable('work_orders')
    .set({
      status: event.status,
      visit: answer.progress.visit,
      rank: answer.progress.rank,
      state: ORDER_STATE[event.status] ?? order.state,
      ...(taken ? { accepted_at_ms: work.atMs } : {}),
      ...(event.status === 'arrived' ? { arrived_at_ms: place.atMs } : {}),
      // Nobody is at the door any more: until the next arrival the visit can be called off again.
      ...(LEFT_AGAIN.has(event.status) ? { arrived_at_ms: null } : {}),
      ...(terminal ? { closed_at_ms: work.atMs } : {}),
      ...(event.externalId === undefined ? {} : { external_id: event.externalId }),
      ...(event.technician === undefined ? {} : { technician: JSON.stringify(words.technician) }),
      ...(event.appointment === undefined ? {} : { appointment: JSON.stringify(event.appointment) }),
      ...(event.outcome === undefined ? {} : { outcome: JSON.stringify(words.outcome) }),
    })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .execute()
  await clearTimer(work, 'accept_by', order.work_order_id)
  await tellBrand(core, work, {
    type: 'work_order.updated',
    subject: order.work_order_id,
    cause: ['partner', saying.webhookId],
    data: {
      workOrderId: order.work_order_id,
      number: order.number,
      status: event.status,
      visit: answer.progress.visit,
      at: instant(place.atMs),
      reason: event.reason ?? null,
    },
  })
  const disposition = await carryToCases(core, happen, work, order, saying)
  if (event.status === 'completed') await noticeOvercharge(core, work, order, event.outcome!)
  return disposition
}

/** What is stored of a partner's word: texts sealed, or left out when the home was forgotten meanwhile. */
async function kept(core: Core, work: Work, order: OrderRecord, event: PartnerEvent): Promise<PartnerEvent> {
  const home = await work.tx
    .selectFrom('homes')
    .select('erased_at_ms')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .executeTakeFirst()
  return home?.erased_at_ms === null ? sealWords(core.box, order.work_order_id, event) : dropWords(event)
}

const LEFT_AGAIN: ReadonlySet<PartnerStatus> = new Set(['customer_absent', 'technician_absent', 'awaiting_parts'])
const REFUSALS: ReadonlySet<PartnerStatus> = new Set(['rejected', 'failed', 'cancelled'])

async function carryToCases(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  saying: Saying,
): Promise<string> {
  const { event } = saying
  const items = await work.tx
    .selectFrom('order_items')
    .select(['item_id', 'case_id'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .where('live', '=', true)
    .execute()
  const cases = await lockCases(
    work,
    items.map((item) => item.case_id),
  )
  const eventOf = (record: CaseRecord): CaseEvent => {
    if (event.status !== 'completed') return CASE_EVENT[event.status as keyof typeof CASE_EVENT]
    const item = items.find((one) => one.case_id === record.case_id)!.item_id
    return VERDICT_EVENT[event.outcome!.items.find((one) => one.item === item)!.verdict]
  }
  let disposition = 'applied'
  for (const record of cases) {
    const happening = eventOf(record)
    const result = await happen(work, [record], happening, {
      by: saying.by,
      why: event.reason ?? event.status,
      data: { workOrderId: order.work_order_id, ...(event.outcome ? { outcome: event.outcome } : {}) },
    })
    if (result.kind === 'moved') continue
    disposition = 'needs_review'
    await flagReview(core, work, record, `${reasonNotMoved(result, record, event.status)}`)
  }
  // Refused or given up, the order is over at this partner; the case waits for a person to choose another.
  if (REFUSALS.has(event.status)) {
    await work.tx
      .updateTable('order_items')
      .set({ live: false })
      .where('brand_id', '=', work.brandId)
      .where('work_order_id', '=', order.work_order_id)
      .execute()
  }
  if (disposition !== 'applied')
    await flagOrderReview(core, work, order.work_order_id, `the partner said ${event.status}`)
  return disposition
}

function reasonNotMoved(result: MoveResult, record: CaseRecord, status: string): string {
  if (result.kind === 'later') return `the partner said ${status}; ${result.row} is decided by a person`
  return `the partner said ${status} while the case is ${record.state}`
}

async function lastSaidAt(work: Work, order: OrderRecord): Promise<number> {
  const row = await work.tx
    .selectFrom('partner_events')
    .select((eb) => eb.fn.max('at_ms').as('at'))
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .where('disposition', 'in', ['applied', 'needs_review'])
    .executeTakeFirst()
  return Number(row?.at ?? 0)
}
