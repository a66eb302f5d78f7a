import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { ProductDocument, RuleDocument } from '#contracts'
import { createBacktests, type ServicePolicy } from '#pipeline'
import { silentLogger } from '#platform'
import { type Database, type HistoryRow, openDuckHistory, type RemoteHistory, remoteHistory } from '#store'

/**
 * How fast a rule is played over the embedded history, in a thread beside the history's as in the hub, and beside a
 * plain loop that reads the same columns and compares them: samples per second from DuckDB, decided. A sample is one
 * value of a metric the rule reads.
 */
const DEVICES = Number(process.env.BENCH_DEVICES ?? 1_000)
const HOURS = Number(process.env.BENCH_HOURS ?? 2_000)
const HOUR_MS = 3_600_000
const FROM_MS = 1.78e12
const BRAND = 'brand_bench'
const BATCH_HOURS = 20
const POLICY: ServicePolicy = {
  settleMs: 600_000,
  coolDownMs: 14 * 86_400_000,
  offersPerHome: 2,
  offersPerHomeWindowMs: 14 * 86_400_000,
}

const product: ProductDocument = {
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
    { key: 'fan_rpm', unit: 'rpm', type: 'number' },
  ],
  components: [{ key: 'hepa-filter', kind: 'filter' }],
  reporting: { mode: 'periodic', every: '1h' },
}
const document: Omit<RuleDocument, 'when'> = {
  key: 'hepa-clogged',
  name: { en: 'x', 'zh-CN': 'x' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  for: '2h',
  dispatch: 'offer',
}
const DP = { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 } as const
/** One value a reading, two, and a window of a week. */
const RULES: Readonly<Record<string, RuleDocument>> = {
  'one metric': { ...document, when: DP },
  'two metrics': { ...document, when: { all: [DP, { metric: 'fan_rpm', op: '>=', value: 1_000 }] } },
  'a window of 24 h': { ...document, when: { ...DP, agg: 'max', window: '24h' } },
}
const ids = Array.from({ length: DEVICES }, (_, i) => `dev_${String(i).padStart(6, '0')}`)

/** What a backtest asks Postgres, answered from memory: this is about the history and the evaluator. */
function memoryDatabase(): Database {
  const answers: Record<string, unknown[]> = {
    products: [{ document: product, version: 1 }],
    devices: ids.map((device_id) => ({
      device_id,
      serial: device_id,
      product_key: product.key,
      home_id: null,
      region: null,
      tags: [],
      installed_at_ms: null,
      purchased_at_ms: null,
      gateway_id: null,
      attributes: {},
      home_region: null,
      time_zone: null,
    })),
  }
  const asked = (table: string): unknown =>
    new Proxy(
      {},
      {
        get: (_target, method) => {
          const rows = answers[table.split(' ')[0]!] ?? []
          if (method === 'execute') return async () => rows
          if (method === 'executeTakeFirst') return async () => rows[0]
          if (method === 'executeTakeFirstOrThrow') return async () => ({ count: rows.length })
          return () => asked(table)
        },
      },
    )
  const tx = { selectFrom: (table: string) => asked(table) }
  return {
    asBrand: (_brand: string, work: (tx: never) => unknown) => work(tx as never),
    asHub: (work: (tx: never) => unknown) => work(tx as never),
  } as unknown as Database
}

const dir = mkdtempSync(join(tmpdir(), 'beforehand-bench-backtest-'))
const span = { fromMs: FROM_MS, toMs: FROM_MS + HOURS * HOUR_MS }
const million = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M`
const say = (name: string, text: string): void => console.log(`${name.padEnd(17)}${text}`)
try {
  await fill()
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./history-thread.ts', import.meta.url), {
    workerData: { dir, port: port1 },
    transferList: [port1],
  })
  await once(worker, 'message')
  const history = remoteHistory(port2)
  const plain = new Map<string, number>()
  for (const metrics of [['filter_dp_pa'], ['filter_dp_pa', 'fan_rpm']])
    plain.set(String(metrics.length), await plainLoop(history, metrics))
  const backtests = createBacktests({
    db: memoryDatabase(),
    history,
    logger: silentLogger,
    policy: POLICY,
    keepMs: Number.POSITIVE_INFINITY,
    upToDate: async () => ({ logId: 'log_bench', nowMs: span.toMs }),
  })
  say('backtest', `${DEVICES} devices × ${HOURS} hourly readings in DuckDB; load ${loadavg()[0]!.toFixed(1)}`)
  for (const [name, rule] of Object.entries(RULES)) {
    const cpu = process.cpuUsage()
    const own = process.threadCpuUsage()
    const start = performance.now()
    const result = await backtests.run({ brandId: BRAND, rule, ...span })
    const seconds = (performance.now() - start) / 1_000
    const used = process.cpuUsage(cpu)
    const ofThread = process.threadCpuUsage(own)
    const per = ({ user, system }: NodeJS.CpuUsage): string => million(result.samples / ((user + system) / 1e6))
    const perSecond = result.samples / seconds
    const loop = plain.get(name === 'two metrics' ? '2' : '1')!
    say(
      name,
      `${million(perSecond)} samples/s, ${per(used)} per processor second, ${per(ofThread)} of the evaluator’s thread; ${result.alerts} alerts; plain loop ${million(loop)}/s → ratio ${(perSecond / loop).toFixed(2)}`,
    )
  }
  worker.postMessage('end')
  await once(worker, 'exit')
} finally {
  rmSync(dir, { recursive: true, force: true })
}

/** Weeks of the fleet, written as the recorder writes them; those that are over lie by device, as a hub finds them. */
async function fill(): Promise<void> {
  const history = await openDuckHistory({ dir, logger: silentLogger })
  let seq = 0
  for (let hour = 0; hour < HOURS; hour += BATCH_HOURS) {
    const rows: HistoryRow[] = []
    for (let h = hour; h < Math.min(HOURS, hour + BATCH_HOURS); h++)
      for (const [i, deviceId] of ids.entries()) {
        const measuredAtMs = FROM_MS + h * HOUR_MS + i
        const values = { filter_dp_pa: 150 + 120 * Math.sin((h + i * 37) / 160), fan_rpm: h % 3 === 0 ? 1_150 : 1_020 }
        rows.push({
          seq: ++seq,
          brandId: BRAND,
          deviceId,
          receivedAtMs: measuredAtMs,
          measuredAtMs,
          serverTime: false,
          imported: false,
          values,
        })
      }
    await history.write(rows, { logId: 'log_bench', seq })
  }
  await history.tidy(FROM_MS + HOURS * HOUR_MS + 14 * 86_400_000)
  await history.close()
}

/** Samples a second when the same columns are compared with the limits and nothing is kept. */
async function plainLoop(history: RemoteHistory, metrics: readonly string[]): Promise<number> {
  const start = performance.now()
  let above = 0
  let read = 0
  for await (const batch of history.scanColumns({ brandId: BRAND, deviceIds: ids, metrics, ...span })) {
    const [dp, rpm] = batch.values as Float64Array[]
    for (let i = 0; i < dp!.length; i++) if (dp![i]! > 250 && (rpm?.[i] ?? 1_000) >= 1_000) above++
    read += metrics.length * dp!.length
  }
  if (above === 0) throw new Error('nothing was read')
  return (read / (performance.now() - start)) * 1_000
}
