import { schedule } from 'node-cron'
import type { TelemetryLog } from '#contracts'
import { type Clock, type Logger, toError } from '#platform'
import { everyDay } from './every-day.ts'

export interface Retention {
  start(): void
  /** Does now what is due; resolves when done. */
  run(): Promise<void>
  stop(): Promise<void>
}

export interface RetentionOptions {
  log: TelemetryLog
  /** Hub time. */
  clock: Clock
  logger: Logger
  /** What asks whether something is due: the wall clock or, where time is stepped, hub time once a day. */
  tick: 'cron' | 'hub-time'
  /** The highest position each consumer has safely behind it. */
  keptThrough: () => Promise<readonly number[]>
  /** How many records stay although nobody needs them. */
  spareRecords?: number
  /** Daily work beside the log: history past its time, keys and receipts nobody asks for any more. */
  daily: readonly ((nowMs: number) => Promise<void>)[]
  /** When the daily work was last done; survives restarts, so that a missed night is made up for. */
  lastDaily: { read(): Promise<number | null>; write(atMs: number): Promise<void> }
}

/** Every ten minutes: the log is a matter of gigabytes a day at full load, so this bounds what lies about. */
const TICK = '*/10 * * * *'
const DAY_MS = 86_400_000
/** Kept beyond every consumer's need, for a look at what just happened and a recorder that has to write again. */
const SPARE_RECORDS = 100_000

/**
 * Lets go of what nobody needs any more. The tick of real time only asks whether something is due; daily work
 * is judged by hub time and by when it was last done, so that neither a stopped hub nor a stepped clock misses it.
 */
export function createRetention(options: RetentionOptions): Retention {
  const { log, clock, logger, keptThrough, daily, lastDaily, spareRecords = SPARE_RECORDS } = options
  let running: Promise<void> = Promise.resolve()
  let ticking: { stop(): void | Promise<void> } | null = null

  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (thrown) {
      logger.warn({ err: toError(thrown) }, `${what} failed; it is tried again with the next tick`)
      return false
    }
  }

  const once = async (): Promise<void> => {
    await attempt('letting the log forget', async () => {
      const through = Math.min(...(await keptThrough())) - spareRecords
      if (Number.isFinite(through) && through > 0) await log.dropThrough(through)
    })
    const nowMs = clock.nowMs()
    const isDue = await lastDaily
      .read()
      .then((last) => last === null || nowMs - last >= DAY_MS)
      .catch(() => false)
    if (!isDue) return
    let done = true
    for (const work of daily) done = (await attempt('daily tidying', () => work(nowMs))) && done
    if (done) await attempt('noting the daily tidying', () => lastDaily.write(nowMs))
  }

  const run = (): Promise<void> => (running = running.then(once))
  return {
    start() {
      ticking = options.tick === 'cron' ? schedule(TICK, () => void run()) : everyDay(clock, () => void run())
      void run()
    },
    run,
    async stop() {
      await ticking?.stop()
      await running
    },
  }
}
