import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogEntry } from '#contracts'
import { silentLogger } from '#platform'
import { type Database, type HistoryStore, openDuckHistory } from '#store'
import { testBrand, testDatabase } from '#store/testing'
import { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts'
import { aReading, testLog } from './testing/hub-parts.ts'

async function setUp() {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const { log, reader, clock } = await testLog()
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-history-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const openHistory = async (): Promise<HistoryStore> => {
    const history = await openDuckHistory({ dir, logger: silentLogger, threads: 1 })
    onTestFinished(() => history.close())
    return history
  }
  const record = async (history: HistoryStore, over: Partial<RecorderOptions> = {}): Promise<Recorder> => {
    const recorder = createRecorder({ reader, history, db, logger: silentLogger, restMs: 0, ...over })
    onTestFinished(() => recorder.stop())
    await recorder.start()
    return recorder
  }
  const t0 = clock.nowMs()
  const reading = (minute: number, value = minute) => aReading(brandId, 'dev_1', t0 + minute * 60_000, value)
  const append = (...entries: LogEntry[]) => log.append(entries)
  const stored = async (history: HistoryStore) => {
    const page = await history.range({ deviceId: 'dev_1', fromMs: 0, toMs: t0 + 1e12, limit: 1_000 })
    return page.rows.map((row) => [row.seq, row.values.filter_dp_pa])
  }
  return { db, brandId, log, reader, openHistory, record, reading, append, stored }
}

/** The real store, away while told so. */
function faulty(history: HistoryStore) {
  let away: 'no' | 'before' | 'after' = 'no'
  let attempts = 0
  const waiting: (() => void)[] = []
  const store: HistoryStore = Object.create(history, {
    write: {
      value: async (...args: Parameters<HistoryStore['write']>) => {
        attempts++
        for (const wake of waiting.splice(0)) wake()
        if (away === 'before') throw new Error('connection refused')
        await history.write(...args)
        if (away === 'after') throw new Error('connection lost before the answer')
      },
    },
    position: { value: () => history.position() },
  })
  return {
    store,
    set: (state: typeof away) => void (away = state),
    attempts: () => attempts,
    attempted: () => new Promise<void>((resolve) => waiting.push(resolve)),
  }
}

test('readings reach the history once each, with their place in the log', async () => {
  const { openHistory, record, reading, append, stored } = await setUp()
  const history = await openHistory()
  const recorder = await record(history)
  await append(reading(0), reading(1))
  const { lastSeq } = await append(reading(1), { kind: 'tick' }, reading(2))
  await recorder.caughtUp(lastSeq)
  expect(await stored(history)).toEqual([
    [1, 0],
    [2, 1],
    [5, 2],
  ])
  expect(recorder.status()).toMatchObject({ writtenSeq: 5, rows: 3, duplicates: 1, failures: 0 })
  expect((await history.position())?.seq).toBe(5)
})

test('a store that is away delays history and loses nothing', async () => {
  const { openHistory, record, reading, append, stored } = await setUp()
  const history = await openHistory()
  const fault = faulty(history)
  const recorder = await record(fault.store)
  fault.set('before')
  await append(reading(0))
  await fault.attempted()
  await append(reading(1), reading(2))
  await fault.attempted()
  expect(recorder.status().failures).toBeGreaterThan(0)
  fault.set('no')
  await recorder.caughtUp(3)
  expect((await stored(history)).map(([seq]) => seq)).toEqual([1, 2, 3])
  expect(recorder.status().failures).toBe(0)
})

test('a write whose answer was lost is not written again', async () => {
  const { openHistory, record, reading, append, stored } = await setUp()
  const history = await openHistory()
  const fault = faulty(history)
  const recorder = await record(fault.store)
  fault.set('after')
  await append(reading(0), reading(1))
  await recorder.caughtUp(2)
  expect(fault.attempts()).toBe(1)
  expect(await stored(history)).toHaveLength(2)
})

test('a new recorder goes on where the rows end, and knows what was sent before', async () => {
  const { openHistory, record, reading, append, stored } = await setUp()
  const history = await openHistory()
  const first = await record(history)
  await append(reading(0), reading(1))
  await first.caughtUp(2)
  await first.stop()
  await append(reading(1), reading(2))
  const second = await record(history)
  await second.caughtUp(4)
  expect(second.status()).toMatchObject({ rows: 1, duplicates: 1 })
  expect((await stored(history)).map(([seq]) => seq)).toEqual([1, 2, 4])
})

test('quarantined payloads and what devices say of themselves are kept beside, once', async () => {
  const { db, brandId, openHistory, record, append } = await setUp()
  await registerDevice(db, brandId)
  const history = await openHistory()
  const recorder = await record(history)
  const presence = (epoch: number, state: 'connected' | 'disconnected'): LogEntry => ({
    kind: 'control',
    changeId: `chg_${epoch}${state}`,
    brandId,
    change: { type: 'presence', deviceId: 'dev_1', epoch, state, graceful: true },
  })
  const { lastSeq } = await append(
    {
      kind: 'quarantined',
      brandId,
      deviceId: 'dev_1',
      code: 'NOT_FINITE',
      pointer: '/filter_dp_pa',
      detail: 'not a finite number',
      payload: Buffer.from('{"filter_dp_pa":1e400}'),
      truncated: false,
      via: 'v1/devices/me/telemetry',
    },
    {
      kind: 'control',
      changeId: 'chg_a',
      brandId,
      change: { type: 'attributes', deviceId: 'dev_1', values: { firmware: '1.4.2' } },
    },
    presence(2, 'connected'),
    presence(1, 'disconnected'),
  )
  await recorder.caughtUp(lastSeq)
  await recorder.stop()
  const rows = await db.asBrand(brandId, (tx) =>
    tx.selectFrom('quarantine').select(['seq', 'code', 'payload']).execute(),
  )
  expect(rows).toEqual([{ seq: 1, code: 'NOT_FINITE', payload: Buffer.from('{"filter_dp_pa":1e400}') }])
  const device = await db.asBrand(brandId, (tx) =>
    tx.selectFrom('devices').select(['attributes', 'presence', 'presence_epoch']).executeTakeFirst(),
  )
  expect(device).toEqual({ attributes: { firmware: '1.4.2' }, presence: 'connected', presence_epoch: 2 })
})

test('another log than the history was filled from is refused', async () => {
  const { openHistory, record, reading, append } = await setUp()
  const history = await openHistory()
  await (await record(history)).caughtUp((await append(reading(0))).lastSeq)
  const other = await testLog()
  await expect(record(history, { reader: other.reader })).rejects.toMatchObject({ code: 'LOG_MISMATCH' })
})

async function registerDevice(db: Database, brandId: string): Promise<void> {
  await db.asHub(async (tx) => {
    await tx
      .insertInto('products')
      .values({ brand_id: brandId, product_key: 'ap-300', current_version: 1, created_at_ms: 0, updated_at_ms: 0 })
      .execute()
    await tx
      .insertInto('devices')
      .values({
        brand_id: brandId,
        device_id: 'dev_1',
        serial: 'SN-1',
        product_key: 'ap-300',
        owner_since_ms: 0,
        created_at_ms: 0,
        updated_at_ms: 0,
      })
      .execute()
  })
}

test('an empty history begins with the oldest record of a log that has forgotten its first ones', async () => {
  const { openHistory, record, reading, append, stored, log, reader } = await setUp()
  await append(reading(0), reading(1))
  await append(reading(2))
  await log.dropThrough(2)
  const { lastSeq } = await append(reading(3))
  await vi.waitUntil(() => reader.firstSeq() === 3)
  const history = await openHistory()
  const recorder = await record(history)
  await recorder.caughtUp(lastSeq)
  expect(await stored(history)).toEqual([
    [3, 2],
    [4, 3],
  ])
})

test('a history that lacks records the log has forgotten is refused', async () => {
  const { openHistory, record, reading, append, log, reader } = await setUp()
  const history = await openHistory()
  const { lastSeq } = await append(reading(0))
  const before = await record(history)
  await before.caughtUp(lastSeq)
  await before.stop()
  await append(reading(1))
  await append(reading(2))
  await log.dropThrough(2)
  await append(reading(3))
  await vi.waitUntil(() => reader.firstSeq() === 3)
  await expect(record(history)).rejects.toMatchObject({ code: 'LOG_GAP' })
})
