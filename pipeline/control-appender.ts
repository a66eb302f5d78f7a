import { sql } from 'kysely'
import type { ControlChange, ControlEntry, ControlRecord, TelemetryLog } from '#contracts'
import { type Clock, HubError, type Logger, realSleep } from '#platform'
import { type Database, markAppended, type Tx } from '#store'
import { untilDone } from './back-off.ts'
import { CommitOrder, type Snapshot } from './commit-order.ts'

/** The one way of changes into the log. */
export interface ControlAppender {
  /** Begins moving rows; resolves once those that waited from before are in the log. */
  start(): Promise<void>
  /** A change was just committed: look now. */
  nudge(): void
  /**
   * The position of a committed change, once it is in the log and the edge has learnt of it.
   * @throws HubError `CONTROL_LOG_BEHIND` after `timeoutMs` of real time; the change stays queued.
   */
  appended(changeId: string, timeoutMs: number): Promise<number>
  /** True when no committed change waits. */
  isIdle(): Promise<boolean>
  stop(): Promise<void>
}

export interface ControlAppenderOptions {
  db: Database
  log: TelemetryLog
  /** Hub time, noted with each row. */
  clock: Clock
  logger: Logger
  /** Told of each record in order, after it has its position and before anybody is told so. */
  onAppended?: (records: readonly ControlRecord[]) => Promise<void> | void
}

/** Rows per append: one unit of the log, and the most that a crash in between repeats. */
const ROWS_MAX = 200
/** Rows written by other threads or processes come without a nudge. */
const POLL_MS = 500
/** While a row waits for one that is still being committed. */
const GAP_POLL_MS = 5

/** Positions remembered for callers that ask after the fact: a bulk registration asks for ten thousand. */
const RECENT_MAX = 50_000
/** A change that came neither before the question nor soon after it may be from an earlier run. */
const ASK_STORE_AFTER_MS = 200

interface Row {
  ordinal: number
  changeId: string
  brandId: string | null
  change: ControlChange
}

interface Waiter {
  resolve: (seq: number) => void
}

/**
 * Moves committed control changes from Postgres into the log, in their order, and notes the position
 * of each. A crash between the two appends a change again; readers apply an id once. While Postgres
 * or the log is away it waits and tries on: changes are late then, never lost.
 */
export function createControlAppender(options: ControlAppenderOptions): ControlAppender {
  const { db, log, clock, logger, onAppended } = options
  const stopping = new AbortController()
  const waiters = new Map<string, Set<Waiter>>()
  const recent = new Map<string, number>()
  let wake: (() => void) | null = null
  let nudged = false
  let running: Promise<void> | null = null

  const retry = <T>(what: string, attempt: () => Promise<T>): Promise<T | null> =>
    untilDone(attempt, { what, logger, signal: stopping.signal })

  const readLast = async (): Promise<number> =>
    db.asHub(async (tx) => {
      const row = await tx
        .selectFrom('control_changes')
        .select((eb) => eb.fn.max('ordinal').as('last'))
        .where('seq', 'is not', null)
        .executeTakeFirst()
      return row?.last ?? 0
    })

  /** Moves what may go now; true when there may be more at once. */
  const moveSome = async (order: CommitOrder): Promise<boolean> => {
    const found = await retry('reading the control outbox', () => db.asHub((tx) => readWaiting(tx)))
    if (!found) return false
    const rows = order.take(found.rows, found.snapshot)
    if (rows.length === 0) return false
    const entries = rows.map(
      ({ changeId, brandId, change }): ControlEntry => ({ kind: 'control', changeId, brandId, change }),
    )
    const receipt = await retry('appending control changes', () => log.append(entries))
    if (!receipt) return false
    const records = entries.map(
      (entry, i): ControlRecord => ({ ...entry, seq: receipt.firstSeq + i, receivedAtMs: receipt.receivedAtMs }),
    )
    await retry('learning control changes', async () => onAppended?.(records))
    await retry('noting positions of control changes', () =>
      db.asHub((tx) =>
        markAppended(
          tx,
          rows.map(({ ordinal }, i) => ({ ordinal, seq: receipt.firstSeq + i })),
          clock.nowMs(),
        ),
      ),
    )
    for (const record of records) settle(record.changeId, record.seq)
    return found.rows.length === ROWS_MAX
  }

  const readWaiting = async (tx: Tx): Promise<{ rows: Row[]; snapshot: Snapshot }> => {
    // Rows and snapshot in one statement: they must be of the same moment.
    const rows = await tx
      .selectFrom('control_changes')
      .select(['ordinal', 'change_id as changeId', 'brand_id as brandId', 'change'])
      .select([
        sql<string>`pg_snapshot_xmin(pg_current_snapshot())::text`.as('xmin'),
        sql<string>`pg_snapshot_xmax(pg_current_snapshot())::text`.as('xmax'),
      ])
      .where('seq', 'is', null)
      .orderBy('ordinal')
      .limit(ROWS_MAX)
      .execute()
    return {
      snapshot: { xmin: BigInt(rows[0]?.xmin ?? 0), xmax: BigInt(rows[0]?.xmax ?? 0) },
      rows,
    }
  }

  const settle = (changeId: string, seq: number): void => {
    if (recent.size >= RECENT_MAX) recent.delete(recent.keys().next().value!)
    recent.set(changeId, seq)
    for (const waiter of waiters.get(changeId) ?? []) waiter.resolve(seq)
    waiters.delete(changeId)
  }

  const rest = async (ms: number): Promise<void> => {
    if (nudged || stopping.signal.aborted) return
    const timer = new AbortController()
    await Promise.race([new Promise<void>((resolve) => (wake = resolve)), realSleep(ms, timer.signal)])
    timer.abort()
    wake = null
  }

  const run = async (order: CommitOrder): Promise<void> => {
    while (!stopping.signal.aborted) {
      nudged = false
      if (await moveSome(order)) continue
      await rest(order.waiting ? GAP_POLL_MS : POLL_MS)
    }
  }

  const nudge = (): void => {
    nudged = true
    wake?.()
  }

  const positionOf = async (changeId: string): Promise<number | null> => {
    const row = await db.asHub((tx) =>
      tx.selectFrom('control_changes').select('seq').where('change_id', '=', changeId).executeTakeFirst(),
    )
    return row?.seq ?? null
  }

  return {
    async start() {
      if (running !== null) return
      const order = new CommitOrder((await retry('reading the control outbox', readLast)) ?? 0)
      while (await moveSome(order)) if (stopping.signal.aborted) return
      running = run(order)
    },
    nudge,
    async appended(changeId, timeoutMs) {
      const known = recent.get(changeId)
      if (known !== undefined) return known
      const { promise, resolve } = Promise.withResolvers<number>()
      const waiter = { resolve }
      const waiting = waiters.get(changeId) ?? new Set()
      waiters.set(changeId, waiting.add(waiter))
      const giveUp = new AbortController()
      const waited = (ms: number): Promise<null> => realSleep(ms, giveUp.signal).then(() => null)
      try {
        nudge()
        const seq =
          (await Promise.race([promise, waited(Math.min(ASK_STORE_AFTER_MS, timeoutMs))])) ??
          (await positionOf(changeId).catch(() => null)) ??
          (await Promise.race([promise, waited(Math.max(0, timeoutMs - ASK_STORE_AFTER_MS))]))
        if (seq !== null) return seq
        throw new HubError(
          'CONTROL_LOG_BEHIND',
          `The change ${changeId} is stored and will take effect; the log has not taken it within ${timeoutMs} ms.`,
        )
      } finally {
        giveUp.abort()
        waiting.delete(waiter)
        if (waiting.size === 0 && waiters.get(changeId) === waiting) waiters.delete(changeId)
      }
    },
    async isIdle() {
      const row = await db.asHub((tx) =>
        tx
          .selectFrom('control_changes')
          .select((eb) => eb.fn.countAll().as('waiting'))
          .where('seq', 'is', null)
          .executeTakeFirstOrThrow(),
      )
      return Number(row.waiting) === 0
    },
    async stop() {
      stopping.abort()
      wake?.()
      await running?.catch(() => undefined)
    },
  }
}

/** Real time: a request that waits for its change is a socket that waits. */
export const APPENDED_WITHIN_MS = 5_000
