import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { assertPosition } from './log-position.ts'
import { openLogReader } from './log-reader.ts'
import { openLog, openReader, readAll, reading, temporaryFolder } from './testing/parts.ts'

test('a reader in another thread follows the log as it grows', async () => {
  const { log, dir } = await openLog()
  const worker = new Worker(new URL('./testing/reading-worker.ts', import.meta.url), {
    workerData: { dir, throughSeq: 40 },
  })
  onTestFinished(async () => {
    await worker.terminate()
  })
  await once(worker, 'message')
  const report = once(worker, 'message')
  for (let i = 0; i < 20; i++) await log.append([reading(), reading()])
  const [{ seen }] = await report
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
})

test('reading stops at the limit inside a block and goes on there; any position may be asked for again', async () => {
  const { log, dir } = await openLog()
  await log.append(Array.from({ length: 10 }, (_, i) => reading({ values: { n: i } })))
  await log.append(Array.from({ length: 10 }, (_, i) => reading({ values: { n: 10 + i } })))
  const reader = openReader(dir)
  const numbers = (after: number, records: number): unknown[] =>
    reader.read(after, { records }).map((record) => record.kind === 'readings' && record.values.n)
  expect(numbers(0, 4)).toEqual([0, 1, 2, 3])
  expect(numbers(4, 8)).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
  expect(numbers(2, 3)).toEqual([2, 3, 4])
  expect(numbers(12, 100)).toEqual([12, 13, 14, 15, 16, 17, 18, 19])
  expect(numbers(20, 100)).toEqual([])
})

test('waiting ends with the next record, with the signal, or with the reader', async () => {
  const { log, dir } = await openLog()
  const reader = openReader(dir)
  const stop = new AbortController()
  const more = reader.waitForMore(0, stop.signal)
  await log.append([reading()])
  await more
  expect(reader.headSeq()).toBe(1)
  const aborted = reader.waitForMore(1, stop.signal)
  stop.abort()
  await aborted
  const closed = reader.waitForMore(1, new AbortController().signal)
  reader.close()
  await closed
})

test('a log that was closed can still be read', async () => {
  const { log, dir } = await openLog()
  await log.append([reading()])
  await log.close()
  expect(readAll(openReader(dir))).toHaveLength(1)
})

test('a position whose records were dropped is a gap', async () => {
  const { log, dir } = await openLog()
  for (let i = 0; i < 4; i++) await log.append([reading()])
  await log.dropThrough(2)
  const reader = openReader(dir)
  expect(() => reader.read(1, { records: 1 })).toThrow(expect.objectContaining({ code: 'LOG_GAP' }))
  expect(reader.read(2, { records: 9 }).map(({ seq }) => seq)).toEqual([3, 4])
  const { logId } = reader
  expect(() => assertPosition(reader, { logId, seq: 1 }, 'the recorder')).toThrow(
    expect.objectContaining({ code: 'LOG_GAP' }),
  )
  assertPosition(reader, { logId, seq: 2 }, 'the recorder')
})

test('a position of another log, or beyond the end of this one, is a mismatch', async () => {
  const { log, dir } = await openLog()
  await log.append([reading()])
  const reader = openReader(dir)
  const mismatch = expect.objectContaining({ code: 'LOG_MISMATCH' })
  expect(() => assertPosition(reader, { logId: 'log_other', seq: 1 }, 'the recorder')).toThrow(mismatch)
  expect(() => assertPosition(reader, { logId: reader.logId, seq: 2 }, 'the recorder')).toThrow(mismatch)
  expect(() => reader.read(2, { records: 1 })).toThrow(mismatch)
  assertPosition(reader, { logId: reader.logId, seq: 0 }, 'the recorder')
})

test('no log, a changed byte, a block of an unknown format: each says what and where', async () => {
  const empty = temporaryFolder()
  expect(() => openLogReader({ dir: empty })).toThrow(join(empty, 'telemetry.db'))

  const { log, dir } = await openLog()
  await log.append([reading(), reading()])
  await log.append([reading()])
  await log.close()
  const db = new DatabaseSync(join(dir, 'telemetry.db'))
  db.exec(
    "UPDATE block SET bytes = CAST(substr(bytes, 1, 20) || x'00' || substr(bytes, 22) AS BLOB) WHERE last_seq = 2",
  )
  db.exec('UPDATE block SET format = 9 WHERE last_seq = 3')
  db.close()
  const reader = openReader(dir)
  expect(() => reader.read(0, { records: 9 })).toThrow('positions 1 to 2 does not match its checksum')
  expect(() => reader.read(2, { records: 9 })).toThrow('block format 9 is unknown')
})
