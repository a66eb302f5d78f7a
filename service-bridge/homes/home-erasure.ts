import { CASE_STATES_OVER, instant } from '#contracts'
import { HubError } from '#platform'
import { writeAudit } from '#store'
import type { Happen } from '../cases/case-driver.ts'
import { lockCases } from '../cases/case-record.ts'
import { type Core, note, type Work } from '../core.ts'
import { setTimer } from '../timers.ts'
import type { Actor, ErasureView } from '../views.ts'
import { consentChanged } from './consent-changes.ts'
import { SWEEPS, tracesOf } from './home-sweep.ts'

/** Promised, in hub time: what is in flight or at the door when the home asks is over by then. */
const ERASED_WITHIN_MS = 24 * 3_600_000
/** What was in flight at one sweep has landed or come back by the next. */
const SWEEP_AGAIN_MS = 3_600_000

/**
 * Forgets a home, in the transaction in which it asked: consents end, needs and orders are called off where nobody
 * has arrived, and everything is swept once. A timer sweeps again until nothing of the home moves any more, at the
 * latest a day later; a crash in between changes nothing, because the timer is a row of the same transaction.
 */
export async function eraseHome(
  core: Core,
  happen: Happen,
  work: Work,
  { homeId, by }: { homeId: string; by: Actor },
): Promise<void> {
  const { tx, brandId, atMs } = work
  await tx
    .updateTable('homes')
    .set({ erased_at_ms: atMs })
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .execute()
  await tx
    .updateTable('consents')
    .set({ withdrawn_at_ms: atMs })
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .where('granted', '=', true)
    .where('withdrawn_at_ms', 'is', null)
    .execute()
  await consentChanged(core, happen, work, { homeId, by })
  await endNeeds(happen, work, homeId, by)
  await tx
    .insertInto('home_erasures')
    .values({
      brand_id: brandId,
      home_id: homeId,
      requested_at_ms: atMs,
      requested_by: `${by.kind}:${by.id ?? ''}`,
      due_by_ms: atMs + ERASED_WITHIN_MS,
      swept_at_ms: atMs,
      sweeps: 0,
      removed: '{}',
    })
    .execute()
  await sweepHome(work, homeId)
}

/** What is not with a partner yet ends here; somebody at the door finishes. */
async function endNeeds(happen: Happen, work: Work, homeId: string, by: Actor): Promise<void> {
  const live = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('state', 'not in', [...CASE_STATES_OVER])
    .execute()
  for (const record of await lockCases(
    work,
    live.map((row) => row.case_id),
  )) {
    await happen(work, [record], 'cancelled', { by, why: 'the home was erased' })
  }
}

/** One sweep, counted into the report; also what the timer does. */
export async function sweepHome(work: Work, homeId: string): Promise<void> {
  const erasure = await work.tx
    .selectFrom('home_erasures')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .forUpdate()
    .executeTakeFirst()
  if (!erasure || erasure.done_at_ms !== null) return
  const home = await tracesOf(work, homeId, work.atMs >= erasure.due_by_ms)
  const removed = { ...erasure.removed }
  for (const [what, sweep] of Object.entries(SWEEPS)) {
    const count = Number(await sweep(work, home))
    if (count > 0) removed[what] = (removed[what] ?? 0) + count
  }
  const moving = await stillMoving(work, homeId, home.subjects)
  const done = !moving || work.atMs >= erasure.due_by_ms
  await work.tx
    .updateTable('home_erasures')
    .set({
      swept_at_ms: work.atMs,
      sweeps: erasure.sweeps + 1,
      removed: JSON.stringify(removed),
      done_at_ms: done ? work.atMs : null,
    })
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .execute()
  if (!done) {
    await setTimer(work, 'erasure', homeId, Math.min(work.atMs + SWEEP_AGAIN_MS, erasure.due_by_ms))
    return
  }
  await writeAudit(work.tx, {
    brandId: work.brandId,
    atMs: work.atMs,
    actor: 'hub',
    action: 'home.erasure_done',
    subject: homeId,
    detail: { removed, sweeps: erasure.sweeps + 1 },
  })
  note(work, 'home.erased', homeId)
}

/** An attempt in the air, a cancellation on its way, or somebody at the door: there may be more to take away. */
async function stillMoving(work: Work, homeId: string, subjects: readonly string[]): Promise<boolean> {
  const order = await work.tx
    .selectFrom('work_orders')
    .select('work_order_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('closed_at_ms', 'is', null)
    .executeTakeFirst()
  if (order) return true
  if (subjects.length === 0) return false
  const delivery = await work.tx
    .selectFrom('deliveries')
    .select('delivery_id')
    .where('brand_id', '=', work.brandId)
    .where('subject', 'in', [...subjects])
    .where('state', 'in', ['pending', 'sending'])
    .executeTakeFirst()
  return delivery !== undefined
}

/** How far it is; NOT_FOUND for a home that never asked. */
export async function erasureOf(work: Work, homeId: string): Promise<ErasureView> {
  const row = await work.tx
    .selectFrom('home_erasures')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', 'Nobody asked to erase such a home.')
  return {
    homeId,
    state: row.done_at_ms === null ? 'running' : 'done',
    requestedAt: instant(row.requested_at_ms),
    dueBy: instant(row.due_by_ms),
    sweptAt: instant(row.swept_at_ms),
    doneAt: row.done_at_ms === null ? null : instant(row.done_at_ms),
    removed: row.removed,
  }
}
