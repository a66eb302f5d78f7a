import { join } from 'node:path'
import pg from 'pg'
import { openLogReader } from '#ingest'
import { createRulesRunner } from '#pipeline'
import { type Logger, type SecretBox, systemClock, systemRandom } from '#platform'
import { createEvaluator } from '#rules'
import { createServiceBridge } from '#service-bridge'
import { type Database, openDatabase, openDuckHistory, startEmbeddedPostgres } from '#store'
import type { Ledger } from './ledger.ts'

export interface Verdict {
  /** Sentences about what is wrong; none is the claim. */
  faults: string[]
  counts: Record<string, number>
}

/** Everything that follows from the log or from what the service loop did; emptied for the reading from the start. */
const DERIVED = [
  'alerts',
  'alert_transitions',
  'log_positions',
  'evaluator_state',
  'quarantine',
  'deliveries',
  'delivery_attempts',
  'cases',
  'case_events',
  'case_episodes',
  'service_effects',
  'offers',
  'offer_items',
  'work_orders',
  'order_items',
  'partner_events',
  'timers',
  'notices',
  'notice_receipts',
]
const REPLAY = 'replayed'

/** Looks into the stopped hub's folder: is everything there that was promised, and does the log alone give the same? */
export async function verify(
  dataDir: string,
  options: { ledger: Ledger; box: SecretBox; logger: Logger },
): Promise<Verdict> {
  const { ledger, box, logger } = options
  const faults: string[] = []
  const counts: Record<string, number> = { acknowledged: ledger.size }
  const reader = openLogReader({ dir: join(dataDir, 'log') })
  const postgres = await startEmbeddedPostgres({ dir: join(dataDir, 'postgres'), logger })
  try {
    const logged = new Map<string, number>()
    for (let at = 0; ; ) {
      const records = reader.read(at, { records: 5_000 })
      for (const record of records)
        if (record.kind === 'readings')
          logged.set(`${record.deviceId} ${record.measuredAtMs}`, Number(record.values.filter_dp_pa))
      if (records.length === 0) break
      at = records.at(-1)!.seq
    }
    counts.logged = logged.size
    tell(
      faults,
      'acknowledged and not in the log',
      ledger.missing((id, atMs) => logged.get(`${id} ${atMs}`)),
    )

    const history = await openDuckHistory({ dir: join(dataDir, 'history'), logger })
    try {
      const stored = new Map<string, number>()
      for (const [deviceId] of ledger.devices())
        for (let cursor: string | null = null; ; ) {
          const page = await history.range({
            deviceId,
            fromMs: 0,
            toMs: Number.MAX_SAFE_INTEGER,
            limit: 10_000,
            ...(cursor === null ? {} : { cursor }),
          })
          for (const row of page.rows) {
            const key = `${deviceId} ${row.measuredAtMs}`
            if (stored.has(key)) faults.push(`read twice from the history: ${key}`)
            stored.set(key, Number(row.values.filter_dp_pa))
          }
          cursor = page.nextCursor
          if (cursor === null) break
        }
      counts.stored = stored.size
      tell(
        faults,
        'acknowledged and not in the history',
        ledger.missing((id, atMs) => stored.get(`${id} ${atMs}`)),
      )
    } finally {
      await history.close()
    }

    const replayUrls = await copyDatabase(postgres.ownerUrl, postgres.appUrl)
    const lived = await openDatabase({ url: postgres.appUrl, logger })
    const replayed = await openDatabase({ url: replayUrls.appUrl, logger })
    try {
      await readFromEmpty(replayed, { reader, box, logger })
      // A storm is counted when needs are decided: live over the trial, here all at once. What either life held for
      // the brand went no further there; that it is there at all, once and about the same part, has to agree.
      const heldOnce = new Set([...(await heldIn(lived)), ...(await heldIn(replayed))])
      counts.held = heldOnce.size
      for (const what of ['alerts', 'alert_transitions', 'cases', 'orders'] as const) {
        const [was, is] = [await rowsOf(lived, what, heldOnce), await rowsOf(replayed, what, heldOnce)]
        counts[what] = was.length
        tell(
          faults,
          `${what} that only the killed hub knows`,
          was.filter((row) => !is.includes(row)),
        )
        tell(
          faults,
          `${what} that only the log knows`,
          is.filter((row) => !was.includes(row)),
        )
      }
    } finally {
      await lived.close()
      await replayed.close()
    }
  } finally {
    reader.close()
    await postgres.stop()
  }
  return { faults, counts }
}

function tell(faults: string[], what: string, rows: readonly string[]): void {
  if (rows.length > 0) faults.push(`${rows.length} ${what}, the first: ${rows[0]}`)
}

/** What brands set up, without anything that followed from it. */
async function copyDatabase(ownerUrl: string, appUrl: string): Promise<{ appUrl: string }> {
  const renamed = (url: string, name: string): string => url.replace(/\/beforehand\?/, `/${name}?`)
  const run = async (url: string, ...statements: string[]): Promise<void> => {
    const client = new pg.Client(url)
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  await run(
    renamed(ownerUrl, 'postgres'),
    `DROP DATABASE IF EXISTS ${REPLAY}`,
    `CREATE DATABASE ${REPLAY} TEMPLATE beforehand`,
  )
  await run(renamed(ownerUrl, REPLAY), `TRUNCATE ${DERIVED.join(', ')} CASCADE`)
  return { appUrl: renamed(appUrl, REPLAY) }
}

/** The same log, one undisturbed life; nothing is sent anywhere. */
async function readFromEmpty(
  db: Database,
  { reader, box, logger }: { reader: ReturnType<typeof openLogReader>; box: SecretBox; logger: Logger },
): Promise<void> {
  const bridge = createServiceBridge({
    db,
    box,
    clock: systemClock,
    random: systemRandom,
    logger,
    publicUrl: 'http://127.0.0.1',
    allowLoopback: true,
    policy: { settleMs: 0 },
  })
  const runner = createRulesRunner({
    reader,
    db,
    evaluator: createEvaluator(),
    clock: systemClock,
    logger,
    onEffects: (tx, effects) => bridge.onEffects(tx, effects),
  })
  await runner.start()
  await runner.caughtUp(reader.headSeq())
  await runner.stop()
  // Timers that are due: from the open case to the order.
  await bridge.idle()
  await bridge.stop()
}

async function heldIn(db: Database): Promise<string[]> {
  const rows = await db.asHub((tx) =>
    tx.selectFrom('cases').select('case_id').where('hold_id', 'is not', null).execute(),
  )
  return rows.map((row) => row.case_id)
}

/** Rows as text, so that sets of them compare; without what a clock of either life put in. */
async function rowsOf(
  db: Database,
  what: 'alerts' | 'alert_transitions' | 'cases' | 'orders',
  heldOnce: ReadonlySet<string>,
): Promise<string[]> {
  return db.asHub(async (tx) => {
    const rows =
      what === 'cases'
        ? await tx
            .selectFrom('cases')
            .select(['case_id', 'device_id', 'component', 'state'])
            .orderBy('case_id')
            .execute()
        : what === 'orders'
          ? await tx
              .selectFrom('order_items')
              .select(['work_order_id', 'item_id', 'case_id', 'live'])
              .orderBy('item_id')
              .execute()
          : await tx.selectFrom(what).selectAll().orderBy('episode_id').execute()
    if (what === 'orders') return rows.filter((row) => !heldOnce.has(caseOf(row))).map((row) => JSON.stringify(row))
    if (what === 'cases')
      return rows.map((row) => JSON.stringify(heldOnce.has(caseOf(row)) ? { ...row, state: 'held or not' } : row))
    return rows.map((row) => JSON.stringify(row))
  })
}

const caseOf = (row: object): string => ('case_id' in row ? String(row.case_id) : '')
