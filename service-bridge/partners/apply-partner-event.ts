import { instant, type Outcome, type PartnerEvent, type PartnerStatus, type Verdict } from '#contracts'
import { HubError } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import type { CaseEvent } from '../cases/case-words.ts'
import { flagOrderReview, flagReview } from '../cases/review.ts'
import type { Core, Work } from '../core.ts'
import { tellRescheduled } from '../notices/appointment-notice.ts'
import { takeObjection } from '../orders/objection.ts'
import { endOrder } from '../orders/order-end.ts'
import { tellVisitOpen } from '../orders/order-news.ts'
import { changeOrder, liveCases, liveItems, type OrderRecord } from '../orders/order-record.ts'
import { dropWords, sealWords } from '../orders/order-words.ts'
import { noticeOvercharge } from '../orders/overcharge.ts'
import { comingVisit, progressTo, TERMINAL_RANK } from '../orders/progress.ts'
import { newestQuote } from '../orders/quote-record.ts'
import { clearSla, followSla } from '../orders/sla.ts'
import { tellBrand } from '../outgoing.ts'
import { clearTimer } from '../timers.ts'
import type { Actor } from '../views.ts'
import { checkSaying } from './check-saying.ts'

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
  awaiting_parts: 'accepted',
  customer_absent: 'accepted',
  technician_absent: 'accepted',
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
 * rank), then carried to the cases. What makes no sense where a case stands is put before a
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
  const live = await liveItems(work, order.work_order_id)
  checkSaying(
    order,
    event,
    live.map((item) => item.item_id),
  )
  const atMs = event.at === undefined ? work.atMs : Math.min(Date.parse(event.at), work.atMs + SAID_AHEAD_MS_MAX)
  const visit = event.visit ?? (await visitMeant(work, order, atMs))
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

/** Left unsaid, it is the visit under way or to come; for what was said late, the one it was about. */
async function visitMeant(work: Work, order: OrderRecord, atMs: number): Promise<number> {
  return atMs > (await lastSaidAt(work, order)) ? comingVisit(order) : order.visit
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
  const workOrderId = order.work_order_id
  if (event.status === 'objected') return takeObjection(core, work, order, event)
  if (event.status === 'quoted') return takeQuote(core, happen, work, order, saying, place)
  const live = new Set((await liveItems(work, workOrderId)).map((item) => item.item_id))
  const words = await kept(core, work, order, event)
  const outcome = words.outcome && doneIn(order.outcome, words.outcome, live)
  const partlyDone =
    event.outcome?.items.some((item) => live.has(item.item) && item.verdict === 'not_accessible') ?? false
  const present = { visit: order.visit, rank: order.rank, status: order.status, atMs: await lastSaidAt(work, order) }
  const answer = progressTo(present, { status: event.status, ...place, partlyDone })
  if (answer.kind === 'contradiction') {
    await flagOrderReview(core, work, workOrderId, `the partner said ${event.status} after ${order.status}`)
    return 'contradiction'
  }
  if (answer.kind !== 'advance') return 'old'
  // Ended by us: whatever comes now is kept, but the visit is off. A late yes is none any more: somebody else may come.
  if (order.closed_at_ms !== null) {
    await flagOrderReview(core, work, workOrderId, `the partner said ${event.status} of a closed order`)
    return 'closed'
  }

  const terminal = answer.progress.rank === TERMINAL_RANK
  const taken = order.accepted_at_ms === null && !REFUSALS.has(event.status)
  const left = LEFT_AGAIN.has(event.status) || partlyDone
  await changeOrder(work, workOrderId, {
    status: event.status,
    visit: answer.progress.visit,
    rank: answer.progress.rank,
    state: partlyDone ? 'accepted' : (ORDER_STATE[event.status] ?? order.state),
    ...(taken ? { accepted_at_ms: work.atMs } : {}),
    ...(event.status === 'arrived' ? { arrived_at_ms: place.atMs } : {}),
    // Nobody is at the door any more: until the next arrival the visit can be called off again, and has no time yet.
    ...(left ? { arrived_at_ms: null, appointment: null } : {}),
    ...(event.status === 'rescheduled' && !event.appointment ? { appointment: null } : {}),
    ...(terminal ? { closed_at_ms: work.atMs } : {}),
    ...(outcome && outcome.items.length > 0 ? { outcome: JSON.stringify(outcome) } : {}),
    ...(event.appointment ? { appointment: JSON.stringify(event.appointment), requested_slot: null } : {}),
    ...whoComes(event, words),
  })
  await followSla(work, order, event)
  if (terminal) await clearSla(work, workOrderId)
  await tellUpdated(core, work, order, saying, { visit: answer.progress.visit, atMs: place.atMs })
  const disposition = await carryToCases(core, happen, work, order, saying)
  if (event.status === 'completed') {
    await noticeOvercharge(core, work, order, event.outcome!)
    await noticeStrangeParts(core, work, order, event.outcome!)
  }
  if (disposition === 'applied') await tellWhoWaits(core, work, order, event, { left, visit: place.visit })
  return disposition
}

/** Whoever waits at home hears of another time, or that there is none yet. */
async function tellWhoWaits(
  core: Core,
  work: Work,
  order: OrderRecord,
  event: PartnerEvent,
  { left, visit }: { left: boolean; visit: number },
): Promise<void> {
  const timed = event.status === 'appointed' || event.status === 'rescheduled' || (left && event.appointment)
  if (timed) return tellRescheduled(core, work, order, event)
  if (left) await tellVisitOpen(core, work, order, { status: event.status, visit })
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

/** A partner's clock may be a time zone off; one that is years ahead must not make all that follows look late. */
const SAID_AHEAD_MS_MAX = 86_400_000

const LEFT_AGAIN: ReadonlySet<PartnerStatus> = new Set(['customer_absent', 'technician_absent', 'awaiting_parts'])
const REFUSALS: ReadonlySet<PartnerStatus> = new Set(['rejected', 'failed', 'cancelled'])

function whoComes(event: PartnerEvent, words: PartnerEvent): { external_id?: string; technician?: string } {
  return {
    ...(event.externalId === undefined ? {} : { external_id: event.externalId }),
    ...(event.technician === undefined ? {} : { technician: JSON.stringify(words.technician) }),
  }
}

/** A part that is not the maker's own, where the order asked for those: said to the brand, which answers for it. */
async function noticeStrangeParts(core: Core, work: Work, order: OrderRecord, outcome: Outcome): Promise<void> {
  if (!order.packet.workOrder.requirements.genuineParts) return
  const strange = outcome.items.flatMap((item) => item.partsUsed ?? []).find((part) => part.origin !== 'genuine')
  if (strange) await flagOrderReview(core, work, order.work_order_id, `part ${strange.sku} is ${strange.origin}`)
}

/** What is done so far: items of earlier visits, and those of this one that could be reached. */
function doneIn(before: Outcome | null, said: Outcome, live: ReadonlySet<string>): Outcome {
  const now = said.items.filter((item) => live.has(item.item) && item.verdict !== 'not_accessible')
  return { ...before, ...said, items: [...(before?.items ?? []), ...now] }
}

/** C12: by its version, wherever the order stands; one that ran out on its way is refused. */
async function takeQuote(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  saying: Saying,
  place: { visit: number; atMs: number },
): Promise<string> {
  const { event } = saying
  const quote = event.quote!
  const newest = await newestQuote(work, order.work_order_id)
  if (newest && newest.version >= quote.version) return 'old'
  if (order.closed_at_ms !== null) {
    await flagOrderReview(core, work, order.work_order_id, 'the partner quoted for a closed order')
    return 'closed'
  }
  if (Date.parse(quote.validUntil) <= work.atMs) {
    throw new HubError('VALIDATION_FAILED', `The quote is valid until ${quote.validUntil}, which has passed.`, {
      pointer: '/quote/validUntil',
    })
  }
  await changeOrder(work, order.work_order_id, {
    status: 'quoted',
    ...whoComes(event, await kept(core, work, order, event)),
  })
  // The home has the word now; the answer to the order is owed anew once it has spoken.
  await clearTimer(work, 'accept_by', order.work_order_id)
  await tellUpdated(core, work, order, saying, place)
  return carryToCases(core, happen, work, order, saying)
}

async function tellUpdated(
  core: Core,
  work: Work,
  order: OrderRecord,
  { event, webhookId }: Saying,
  place: { visit: number; atMs: number },
): Promise<void> {
  await tellBrand(core, work, {
    type: 'work_order.updated',
    subject: order.work_order_id,
    cause: ['partner', webhookId],
    data: {
      workOrderId: order.work_order_id,
      number: order.number,
      status: event.status,
      visit: place.visit,
      at: instant(place.atMs),
      reason: event.reason ?? null,
    },
  })
}

async function carryToCases(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  saying: Saying,
): Promise<string> {
  const { event } = saying
  const items = await liveItems(work, order.work_order_id)
  const cases = await liveCases(work, order.work_order_id)
  const eventOf = (record: CaseRecord): CaseEvent => {
    if (event.status !== 'completed') return CASE_EVENT[event.status as keyof typeof CASE_EVENT]
    const item = items.find((one) => one.case_id === record.case_id)!.item_id
    return VERDICT_EVENT[event.outcome!.items.find((one) => one.item === item)!.verdict]
  }
  const options = {
    by: saying.by,
    why: event.reason ?? event.status,
    data: {
      workOrderId: order.work_order_id,
      ...(event.outcome ? { outcome: event.outcome } : {}),
      ...(event.quote ? { quote: event.quote } : {}),
    },
  }
  let disposition = 'applied'
  for (const [happening, together] of Map.groupBy(cases, eventOf)) {
    // What is said of the visit is said of all of it; where one case stands elsewhere, the others still hear it.
    const result = await happen(work, together, happening, options)
    if (result.kind === 'moved') continue
    for (const record of together) {
      const alone = together.length > 1 ? await happen(work, [record], happening, options) : result
      if (alone.kind === 'moved') continue
      disposition = 'needs_review'
      await flagReview(core, work, record, reasonNotMoved(record, event.status))
    }
  }
  // Given up by the partner, it is over there even where no case could follow.
  if (REFUSALS.has(event.status)) {
    const end = { by: saying.by, reason: event.reason ?? event.status, endReason: event.status }
    await endOrder(core, work, order.work_order_id, end)
  }
  if (disposition !== 'applied')
    await flagOrderReview(core, work, order.work_order_id, `the partner said ${event.status}`)
  return disposition
}

function reasonNotMoved(record: CaseRecord, status: string): string {
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
