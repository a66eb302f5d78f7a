import { appendFileSync, closeSync, fsyncSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { silentLogger } from '#platform'
import { type HistoryRow, openDuckHistory } from '#store'

/**
 * How fast the embedded history takes and gives back readings of four metrics, beside SQLite
 * inserts and a plain CSV append on the same disk in the same run, all of them synced per batch.
 */
const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000)
const BATCH = 10_000
const DEVICES = 1_000

function batchOf(from: number): HistoryRow[] {
  return Array.from({ length: BATCH }, (_, i) => {
    const seq = from + i + 1
    const at = 1.795e12 + seq * 10
    const noise = Math.sin(seq * 12.9898) * 43_758.5453
    const chance = noise - Math.floor(noise)
    return {
      seq,
      brandId: 'brand_bench',
      deviceId: `dev_${seq % DEVICES}`,
      receivedAtMs: at,
      measuredAtMs: at - 40,
      serverTime: false,
      imported: false,
      values: {
        filter_dp_pa: Math.round((131 + chance * 9) * 10) / 10,
        fan_rpm: 900 + Math.round(chance * 200),
        pm25_ugm3: Math.round(chance * 350) / 10,
        temperature_c: Math.round((21 + chance * 4) * 100) / 100,
      },
    }
  })
}

async function measured(write: (batch: HistoryRow[]) => Promise<void> | void): Promise<number> {
  let spentMs = 0
  for (let from = 0; from < ROWS; from += BATCH) {
    const batch = batchOf(from)
    const start = performance.now()
    await write(batch)
    spentMs += performance.now() - start
  }
  return (ROWS / spentMs) * 1_000
}

const dir = mkdtempSync(join(tmpdir(), 'beforehand-bench-'))
try {
  const store = await openDuckHistory({ dir: join(dir, 'duck'), logger: silentLogger })
  const duck = await measured((batch) => store.write(batch, { logId: 'log_bench', seq: batch.at(-1)!.seq }))

  const scanStart = performance.now()
  let scanned = 0
  for await (const batch of store.scanFleet({ fromMs: 0, toMs: 9e12 })) scanned += batch.length
  const scan = (scanned / (performance.now() - scanStart)) * 1_000

  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  const one = { deviceId: 'dev_7', fromMs: 0, toMs: 9e12 }
  const rangeMs = await timed(() => store.range({ ...one, limit: 1_000 }))
  const span = { deviceId: 'dev_7', metrics: ['filter_dp_pa'], fromMs: 1.795e12, toMs: 1.795e12 + ROWS * 10 + 1 }
  const bucketsMs = await timed(() => store.downsample({ ...span, everyMs: 60_000, aggregation: 'mean' }))
  const lastMs = await timed(() => store.last('dev_7'))
  const tidyMs = await timed(() => store.deleteDevice('dev_9').then(() => store.tidy(1.795e12 + ROWS * 10)))
  await store.close()

  const sqlite = new DatabaseSync(join(dir, 'rows.sqlite'))
  sqlite.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE r (seq INTEGER, received INTEGER, measured INTEGER, device TEXT, a REAL, b REAL, c REAL, d REAL)',
  )
  const insert = sqlite.prepare('INSERT INTO r VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const inserted = await measured((batch) => {
    sqlite.exec('BEGIN')
    for (const { seq, receivedAtMs, measuredAtMs, deviceId, values } of batch) {
      insert.run(seq, receivedAtMs, measuredAtMs, deviceId, ...(Object.values(values) as number[]))
    }
    sqlite.exec('COMMIT')
  })
  sqlite.close()

  const csv = openSync(join(dir, 'rows.csv'), 'a')
  const appended = await measured((batch) => {
    const lines = batch.map(
      (r) => `${r.seq},${r.receivedAtMs},${r.measuredAtMs},${r.deviceId},${Object.values(r.values).join(',')}\n`,
    )
    appendFileSync(csv, lines.join(''))
    fsyncSync(csv)
  })
  closeSync(csv)

  const rate = (n: number): string => Math.round(n).toLocaleString('en')
  console.log(`history, ${rate(ROWS)} rows of 4 metrics, ${DEVICES} devices, batches of ${rate(BATCH)}`)
  console.log(
    `  write  ${rate(duck)} rows/s    (SQLite ${rate(inserted)}, ratio ${(duck / inserted).toFixed(2)}; CSV ${rate(appended)})`,
  )
  console.log(`  scan   ${rate(scan)} rows/s = ${rate(scan * 4)} samples/s, ${rate(scanned)} rows`)
  console.log(
    `  range of 1,000 ${rangeMs.toFixed(0)} ms, downsample ${bucketsMs.toFixed(0)} ms, last ${lastMs.toFixed(0)} ms, delete one device ${tidyMs.toFixed(0)} ms`,
  )
} finally {
  rmSync(dir, { recursive: true, force: true })
}
