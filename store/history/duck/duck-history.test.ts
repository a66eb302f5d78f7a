import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '#platform'
import type { HistoryStore } from '../history.ts'
import { describeHistoryContract } from '../testing/history-contract.ts'
import { row } from '../testing/history-place.ts'
import { openDuckHistory } from './duck-history.ts'
import { ShapeBook } from './shapes.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 18, 12)

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-history-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const open = (dir: string): Promise<HistoryStore> => openDuckHistory({ dir, logger: silentLogger, memoryMiB: 128 })

describeHistoryContract('DuckDB', async () => {
  const dir = await temporaryFolder()
  return { open: () => open(dir) }
})

async function rowCount(store: HistoryStore): Promise<number> {
  let count = 0
  for await (const batch of store.scanFleet({ fromMs: 0, toMs: NOW + 99 * DAY })) count += batch.length
  return count
}

test('killed in the middle of writing, it holds exactly what its position says', async () => {
  const dir = await temporaryFolder()
  const source = `
    import { openDuckHistory } from ${JSON.stringify(join(import.meta.dirname, 'duck-history.ts'))}
    import { silentLogger } from '#platform'
    const store = await openDuckHistory({ dir: ${JSON.stringify(dir)}, logger: silentLogger, memoryMiB: 128 })
    for (let seq = 0; ; seq += 100) {
      const rows = Array.from({ length: 100 }, (_, i) => ({ seq: seq + i + 1, brandId: 'brand_a', deviceId: 'dev_' + i,
        receivedAtMs: ${NOW} + seq * 1000000, measuredAtMs: ${NOW} + seq * 1000000, serverTime: false, imported: false, values: { n: seq + i } }))
      await store.write(rows, { logId: 'log_a', seq: seq + 100 })
      console.log(seq + 100)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: import.meta.dirname })
  let acknowledged = 0
  child.stdout.on('data', (chunk: Buffer) => {
    acknowledged = Number(chunk.toString().trim().split('\n').at(-1))
    if (acknowledged >= 2_000) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  expect(acknowledged).toBeGreaterThanOrEqual(2_000)
  const store = await open(dir)
  onTestFinished(() => store.close())
  const position = await store.position()
  expect(position!.seq).toBeGreaterThanOrEqual(acknowledged)
  expect(await rowCount(store)).toBe(position!.seq)
})

test('a write-ahead file that cannot be read is put aside, and the position says from where to record again', async () => {
  const dir = await temporaryFolder()
  const first = await open(dir)
  await first.write([row({ seq: 1, at: NOW })], { logId: 'log_a', seq: 1 })
  await first.close()
  // A copy of the files of a store at work is what a kill would leave.
  const working = await open(dir)
  for (let seq = 2; seq <= 40; seq++) await working.write([row({ seq, at: NOW + seq })], { logId: 'log_a', seq })
  const copy = await temporaryFolder()
  await cp(dir, copy, { recursive: true })
  await working.close()
  const [name] = (await readdir(copy)).filter((file) => file.endsWith('.wal'))
  const wal = await readFile(join(copy, name!))
  wal.fill(0x5a, wal.length >> 2, wal.length >> 1)
  await writeFile(join(copy, name!), wal)

  const store = await open(copy)
  onTestFinished(() => store.close())
  expect(await store.position()).toEqual({ logId: 'log_a', seq: 1, safeSeq: 1 })
  expect((await readdir(copy)).some((file) => file.includes('.wal.unreadable-'))).toBe(true)
  const again = Array.from({ length: 39 }, (_, i) => row({ seq: i + 2, at: NOW + i + 2 }))
  await store.write(again, { logId: 'log_a', seq: 40 })
  expect(await rowCount(store)).toBe(40)
})

test('a file that cannot be read is named', async () => {
  const dir = await temporaryFolder()
  await writeFile(join(dir, 'readings-2026-11-16.1.duckdb'), 'not a database')
  await expect(open(dir)).rejects.toMatchObject({
    code: 'STORAGE_CORRUPT',
    message: expect.stringContaining('readings-2026-11-16.1.duckdb'),
  })
})

test('after tidying, no byte of a deleted device is left on the disk', async () => {
  const dir = await temporaryFolder()
  const store = await open(dir)
  onTestFinished(() => store.close())
  const secret = { note: 'only-of-the-deleted-device' }
  await store.write(
    [
      row({ seq: 1, at: NOW - 9 * DAY, device: 'dev_gone', values: secret }),
      row({ seq: 2, at: NOW, device: 'dev_gone', values: secret }),
      row({ seq: 3, at: NOW, device: 'dev_kept', values: { note: 'of the other' } }),
    ],
    { logId: 'log_a', seq: 3 },
  )
  await store.deleteDevice('dev_gone')
  await store.tidy(NOW)
  const files = (await readdir(dir)).filter((name) => name.startsWith('readings-'))
  expect(files.length).toBeGreaterThan(0)
  for (const name of files) {
    expect((await readFile(join(dir, name))).includes('only-of-the-deleted-device'), name).toBe(false)
  }
  expect(await rowCount(store)).toBe(1)
})

test('a scan under way goes on over the file it began with while that is rewritten', async () => {
  const dir = await temporaryFolder()
  const store = await open(dir)
  onTestFinished(() => store.close())
  const rows = Array.from({ length: 30_000 }, (_, i) =>
    row({ seq: i + 1, at: NOW - 20 * DAY + i, device: `dev_${i % 50}` }),
  )
  await store.write(rows, { logId: 'log_a', seq: 30_000 })
  await store.write([row({ seq: 30_001, at: NOW })], { logId: 'log_a', seq: 30_001 })
  let seen = 0
  for await (const batch of store.scanFleet({ fromMs: 0, toMs: NOW })) {
    if (seen === 0) await store.tidy(NOW)
    seen += batch.length
  }
  expect(seen).toBe(30_000)
  expect(await rowCount(store)).toBe(30_001)
  const generations = (await readdir(dir)).filter((name) => name.startsWith('readings-') && name.endsWith('.duckdb'))
  expect(generations.toSorted()).toEqual(['readings-2026-10-26.2.duckdb', 'readings-2026-11-16.1.duckdb'])
})

test('what a crash left of a rewriting is cleared away at the next opening', async () => {
  const dir = await temporaryFolder()
  const store = await open(dir)
  await store.write([row({ seq: 1, at: NOW })], { logId: 'log_a', seq: 1 })
  await store.close()
  await writeFile(join(dir, 'readings-2026-11-16.2.duckdb.unfinished'), 'half')
  const again = await open(dir)
  onTestFinished(() => again.close())
  expect(await rowCount(again)).toBe(1)
  await expect(stat(join(dir, 'readings-2026-11-16.2.duckdb.unfinished'))).rejects.toThrow()
})

test('a history of another log is refused', async () => {
  const store = await open(await temporaryFolder())
  onTestFinished(() => store.close())
  await store.write([row({ seq: 1 })], { logId: 'log_a', seq: 1 })
  await expect(store.write([row({ seq: 2 })], { logId: 'log_b', seq: 2 })).rejects.toMatchObject({
    code: 'LOG_MISMATCH',
  })
})

test('devices that report only what changed do not make a shape per combination', () => {
  const book = new ShapeBook()
  const metrics = Array.from({ length: 12 }, (_, i) => `metric_${i}`)
  for (let bits = 1; bits < 2 ** metrics.length; bits++) {
    const values = Object.fromEntries(metrics.flatMap((key, i) => (bits & (1 << i) ? [[key, i]] : [])))
    const { shape, places } = book.fit(values)
    const keys = Object.keys(values)
    expect(keys.every((key, i) => shape.metrics[shape.places.indexOf(places[i]!)]?.key === key)).toBe(true)
  }
  expect(book.shapes.length).toBeLessThan(1_100)
})
