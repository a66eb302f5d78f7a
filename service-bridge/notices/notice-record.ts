import { type Selectable, sql } from 'kysely'
import { NOTICE_REASONS, type NoticeReason } from '#contracts'
import type { NoticesTable } from '#store'
import type { Core, Work } from '../core.ts'
import { type HomeFacts, quietHoursOf } from '../facts.ts'
import { PROMOTIONS_PER_HOME, PROMOTIONS_WINDOW_MS } from '../policy.ts'
import { quietOverAt } from './quiet-hours.ts'

export type NoticeRecord = Selectable<NoticesTable>

/** What opens a conversation, and so counts against the cap of a home. */
const ASKING = (Object.keys(NOTICE_REASONS) as NoticeReason[]).filter((reason) => NOTICE_REASONS[reason] === 'asks')
/** Needs that one message may stand for; what a brand wrote itself is never mixed with them. */
const JOINABLE: readonly NoticeReason[] = ['offer', 'offer_again', 'inform']

/** Notices of one home are thought of one at a time: two needs that settle together must see each other. */
export async function lockHomeNotices({ tx, brandId }: Work, homeId: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`notices ${brandId} ${homeId}`}, 0))`.execute(tx)
}

export async function lockNotice(work: Work, noticeId: string): Promise<NoticeRecord | null> {
  const row = await work.tx
    .selectFrom('notices')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('notice_id', '=', noticeId)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

export async function changeNotice(
  work: Work,
  noticeId: string,
  change: Partial<Omit<NoticeRecord, 'text' | 'about'>> & { text?: string; about?: string },
): Promise<void> {
  await work.tx
    .updateTable('notices')
    .set({ ...change, updated_at_ms: work.atMs })
    .where('brand_id', '=', work.brandId)
    .where('notice_id', '=', noticeId)
    .execute()
}

/** A message to this home that nobody was asked to send yet and that can take in another need; `null` without one. */
export async function waitingNotice(work: Work, homeId: string): Promise<NoticeRecord | null> {
  const row = await work.tx
    .selectFrom('notices')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('status', '=', 'requested')
    .where('told_at_ms', 'is', null)
    .where('reason_code', 'in', JOINABLE)
    .where('tried', '=', sql<string[]>`'{}'`)
    .orderBy('send_after_ms')
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

export const isJoinable = (reason: NoticeReason): boolean => JOINABLE.includes(reason)

/** The first moment outside quiet hours at which the home's cap leaves room for one more of this reason. */
export async function earliestFor(
  core: Core,
  work: Work,
  { home, reason, notBeforeMs }: { home: HomeFacts; reason: NoticeReason; notBeforeMs: number },
): Promise<number> {
  const quiet = quietHoursOf(home)
  let atMs = quietOverAt(Math.max(notBeforeMs, work.atMs), quiet)
  if (NOTICE_REASONS[reason] !== 'asks') return atMs
  const { noticesPerHome, noticesPerHomeWindowMs } = core.policy
  const caps = [{ reasons: ASKING, max: noticesPerHome, windowMs: noticesPerHomeWindowMs }]
  if (reason === 'promotion')
    caps.push({ reasons: ['promotion'], max: PROMOTIONS_PER_HOME, windowMs: PROMOTIONS_WINDOW_MS })
  for (const { reasons, max, windowMs } of caps) {
    const times = await timesOf(work, home.homeId, reasons, { afterMs: work.atMs - windowMs, limit: max })
    // The oldest of the last so many leaves the window first, and makes room for one.
    const oldest = times.length < max ? undefined : times.at(-1)
    if (oldest !== undefined && oldest + windowMs > atMs) atMs = quietOverAt(oldest + windowMs, quiet)
  }
  return atMs
}

/** When the home was, or will be, spoken to for these reasons, newest first. */
async function timesOf(
  work: Work,
  homeId: string,
  reasons: readonly NoticeReason[],
  { afterMs, limit }: { afterMs: number; limit: number },
): Promise<number[]> {
  const at = sql<number>`coalesce(told_at_ms, send_after_ms)`
  const rows = await work.tx
    .selectFrom('notices')
    .select(at.as('at'))
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('reason_code', 'in', reasons)
    .where('status', 'not in', ['withdrawn', 'suppressed'])
    .where(at, '>', afterMs)
    .orderBy('at', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => row.at)
}
