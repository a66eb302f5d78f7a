import { schedule } from 'node-cron'
import type { ProductDocument } from '#contracts'
import { type Clock, isHubError, type Logger, realClock, toError } from '#platform'
import { claimJob, type Database, type HealthPoint, type HistoryStore, readFact, releaseJob, writeFact } from '#store'
import { everyDay } from '../every-day.ts'
import { type FitReport, fitModels } from './fit-models.ts'
import { followLives, partsOf } from './follow-lives.ts'
import { letGo, unwatchedHomes } from './who-is-followed.ts'
import { writeHealth } from './write-health.ts'

/** What a night made of all products of all brands. */
export interface NightReport {
  atMs: number
  seconds: number
  models: (FitReport & { brandId: string })[]
}

export interface Nights {
  /** Does a night's work now, if it is due; resolves when done, with `null` when it is not due or somebody else does it. */
  run(): Promise<NightReport | null>
}

export interface NightsOptions {
  db: Database
  history: Pick<HistoryStore, 'scanColumns' | 'writeHealth'>
  /** Hub time. */
  clock: Clock
  logger: Logger
  /** Everything up to now is in the history; the time of the log it is complete to. */
  upToDate: () => Promise<number>
  /** Changes were committed: the appender may look. */
  nudgeControl?: () => void
  /** Whether the hub is being stopped. */
  signal?: AbortSignal
}

/** Asked for each ten minutes: a night missed is made up for at the next start, within that. */
const TICK = '*/10 * * * *'
const DAY_MS = 86_400_000
/** Where most homes stand it is half past two at night. */
const NIGHT_STARTS_MS = 18.5 * 3_600_000
const JOB = 'nightly-fitting'
const FACT = 'models_fitted_at'

/**
 * The nightly work on models: follow every part's life, fit each fleet, say of each part how it is. One hub of several
 * does it (a lease whose token fences whoever held it before), once a night of hub time; a night that was missed is made
 * up for at the next start, one that broke off goes on where it was.
 */
export function createNights(options: NightsOptions): Nights {
  const { db, clock, logger } = options
  let running: Promise<NightReport | null> = Promise.resolve(null)

  const once = async (): Promise<NightReport | null> => {
    try {
      const nowMs = clock.nowMs()
      if (options.signal?.aborted || !(await isNightDue(db, nowMs))) return null
      const lease = await db.asHub((tx) => claimJob(tx, JOB, nowMs))
      if (!lease) return null
      try {
        const report = await aNight(options, lease)
        await db.asHub((tx) => writeFact(tx, FACT, nowMs, nowMs))
        logger.info({ models: report.models.length, seconds: report.seconds }, 'models were fitted')
        return report
      } finally {
        await db.asHub((tx) => releaseJob(tx, lease))
      }
    } catch (thrown) {
      if (options.signal?.aborted) return null
      if (isHubError(thrown, 'FENCED')) logger.info('another hub took over fitting models')
      else logger.warn({ err: toError(thrown) }, 'fitting models failed; it is tried again with the next tick')
      return null
    }
  }

  return {
    run() {
      running = running.then(once)
      return running
    },
  }
}

/**
 * Asks for a night now and again: the tick only asks, hub time decides whether one is due. By the wall clock or, where
 * time is stepped, by hub time once a day. The first question is asked at once, so that a night missed is made up for.
 */
export function tickNights(options: { tick: 'cron' | 'hub-time'; clock: Clock; run: () => Promise<unknown> }): {
  stop(): void | Promise<void>
} {
  const ask = (): void => void options.run()
  ask()
  return options.tick === 'cron' ? schedule(TICK, ask) : everyDay(options.clock, ask)
}

/** Whether a night has begun since the last one was worked, and there is anything to work on. */
export async function isNightDue(db: Database, nowMs: number): Promise<boolean> {
  const last = await db.asHub((tx) => readFact<number>(tx, FACT))
  if (last !== null && nightOf(last) >= nightOf(nowMs)) return false
  return (await productsWithParts(db)).length > 0
}

/** Nights are counted from half past two; before it the last one is still the present. */
function nightOf(ms: number): number {
  return Math.floor((ms - NIGHT_STARTS_MS) / DAY_MS)
}

async function aNight(
  { db, history, clock, logger, upToDate, nudgeControl, signal }: NightsOptions,
  lease: NonNullable<Awaited<ReturnType<typeof claimJob>>>,
): Promise<NightReport> {
  const startedMs = realClock.nowMs()
  const nowMs = await upToDate()
  const models: NightReport['models'] = []
  const onHealth = async (points: readonly HealthPoint[]): Promise<void> => {
    // A store that is away misses a night of a chart; what is known is in the database.
    await history.writeHealth(points).catch((thrown: unknown) => {
      if (!isHubError(thrown, 'HISTORY_UNAVAILABLE')) throw thrown
      logger.warn('telemetry history is away: tonight’s health is not drawn')
    })
  }
  for (const { brandId, product } of await productsWithParts(db)) {
    signal?.throwIfAborted()
    const unwatched = await unwatchedHomes(db, brandId, nowMs)
    await letGo({ db, lease, nowMs: clock.nowMs() }, { brandId, unwatched })
    await followLives({ db, history, lease, nowMs }, { brandId, product, unwatched })
    signal?.throwIfAborted()
    const reports = await fitModels({ db, lease, nowMs: clock.nowMs() }, { brandId, product })
    models.push(...reports.map((report) => ({ brandId, ...report })))
    nudgeControl?.()
    await writeHealth({ db, lease, nowMs: clock.nowMs(), onHealth }, { brandId, product, unwatched })
  }
  return { atMs: nowMs, seconds: (realClock.nowMs() - startedMs) / 1_000, models }
}

async function productsWithParts(db: Database): Promise<{ brandId: string; product: ProductDocument }[]> {
  const rows = await db.asHub((tx) =>
    tx
      .selectFrom('products as p')
      .innerJoin('product_versions as v', (join) =>
        join
          .onRef('v.brand_id', '=', 'p.brand_id')
          .onRef('v.product_key', '=', 'p.product_key')
          .onRef('v.version', '=', 'p.current_version'),
      )
      .select(['p.brand_id', 'v.document'])
      .where('p.removed_at_ms', 'is', null)
      .orderBy('p.brand_id')
      .orderBy('p.product_key')
      .execute(),
  )
  return rows
    .map(({ brand_id, document }) => ({ brandId: brand_id, product: document as ProductDocument }))
    .filter(({ product }) => partsOf(product).length > 0)
}
