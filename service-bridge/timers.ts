import type { Tx } from '#store'
import type { Work } from './core.ts'

/** What happens by itself. The subject is a case, an offer, an order or an episode. */
const TIMER_KINDS = [
  'settle',
  'cool_down',
  'offer_expiry',
  'snooze',
  'self_service',
  'place_order',
  'accept_by',
  'book_by',
  'arrive_by',
  'finish_by',
  'quote_expiry',
  'verification',
  'erasure',
  'fleet_hold',
  'notice',
  'notice_expiry',
] as const
export type TimerKind = (typeof TIMER_KINDS)[number]

/** What a timer may wait for besides its time; its arrival makes the timer due at once. */
/** `partner`: an agreement, a partner or a consent by which somebody else could come. */
export type WaitsFor = 'gate' | 'consent' | 'offer' | 'partner'

export interface DueTimer {
  brandId: string
  kind: TimerKind
  subject: string
  dueAtMs: number
}

/**
 * Sets or moves the one timer of this kind of this subject. `sinceMs` is since when the subject has waited: what is
 * woken together goes on in that order.
 */
export async function setTimer(
  work: Work,
  kind: TimerKind,
  subject: string,
  dueAtMs: number,
  waitsFor: WaitsFor | null = null,
  sinceMs = work.atMs,
): Promise<void> {
  await work.tx
    .insertInto('timers')
    .values({ brand_id: work.brandId, kind, subject, due_at_ms: dueAtMs, waits_for: waitsFor, since_ms: sinceMs })
    .onConflict((conflict) =>
      conflict
        .columns(['brand_id', 'kind', 'subject'])
        .doUpdateSet({ due_at_ms: dueAtMs, waits_for: waitsFor, since_ms: sinceMs, failures: 0 }),
    )
    .execute()
}

export async function clearTimer(work: Work, kind: TimerKind, subject: string): Promise<void> {
  await work.tx
    .deleteFrom('timers')
    .where('brand_id', '=', work.brandId)
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .execute()
}

/** Makes everything due that waits for this. */
export async function wakeTimers(work: Work, waitsFor: WaitsFor): Promise<void> {
  await work.tx
    .updateTable('timers')
    .set({ due_at_ms: work.atMs })
    .where('brand_id', '=', work.brandId)
    .where('waits_for', '=', waitsFor)
    .where('due_at_ms', '>', work.atMs)
    .execute()
}

/** Makes due what waits for a partner, at every brand this one works for. */
export async function wakeForPartner(tx: Tx, partnerKey: string, atMs: number): Promise<void> {
  await tx
    .updateTable('timers')
    .set({ due_at_ms: atMs })
    .where('waits_for', '=', 'partner')
    .where('due_at_ms', '>', atMs)
    .where('brand_id', 'in', (eb) =>
      eb.selectFrom('agreements').select('brand_id').where('partner_key', '=', partnerKey),
    )
    .execute()
}

/** The earliest due timers at `atMs`; of those due together what waited longest, then in a stable order, so that a simulation repeats. */
export async function dueTimers(tx: Tx, atMs: number, limit: number): Promise<DueTimer[]> {
  const rows = await tx
    .selectFrom('timers')
    .select(['brand_id', 'kind', 'subject', 'due_at_ms'])
    .where('due_at_ms', '<=', atMs)
    .orderBy('due_at_ms')
    .orderBy('since_ms')
    .orderBy('kind')
    .orderBy('subject')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    brandId: row.brand_id,
    kind: row.kind as TimerKind,
    subject: row.subject,
    dueAtMs: row.due_at_ms,
  }))
}

export async function nextTimerMs(tx: Tx): Promise<number | null> {
  const row = await tx
    .selectFrom('timers')
    .select((eb) => eb.fn.min('due_at_ms').as('due'))
    .executeTakeFirst()
  return row?.due === null || row?.due === undefined ? null : Number(row.due)
}

/** Takes a due timer for handling: false when it was moved or taken meanwhile. Deleted with the handler's commit. */
export async function takeTimer(work: Work, timer: DueTimer): Promise<boolean> {
  const taken = await work.tx
    .deleteFrom('timers')
    .where('brand_id', '=', timer.brandId)
    .where('kind', '=', timer.kind)
    .where('subject', '=', timer.subject)
    .where('due_at_ms', '=', timer.dueAtMs)
    .returning('subject')
    .executeTakeFirst()
  return taken !== undefined
}

/** A handler that failed is tried again later, ever more slowly, and never blocks the others. */
export async function postponeTimer(tx: Tx, timer: DueTimer, atMs: number): Promise<void> {
  const row = await tx
    .selectFrom('timers')
    .select('failures')
    .where('brand_id', '=', timer.brandId)
    .where('kind', '=', timer.kind)
    .where('subject', '=', timer.subject)
    .executeTakeFirst()
  const failures = (row?.failures ?? 0) + 1
  await tx
    .updateTable('timers')
    .set({ due_at_ms: atMs + Math.min(FAILED_MS * 2 ** failures, FAILED_MS_MAX), failures })
    .where('brand_id', '=', timer.brandId)
    .where('kind', '=', timer.kind)
    .where('subject', '=', timer.subject)
    .execute()
}

const FAILED_MS = 30_000
const FAILED_MS_MAX = 3_600_000
