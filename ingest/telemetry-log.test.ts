import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { ManualClock } from '#platform'
import { openLog, openReader, quarantined, readAll, reading, START_MS, temporaryFolder } from './testing/parts.ts'

function blocks(dir: string): number {
  const db = new DatabaseSync(join(dir, 'telemetry.db'), { readOnly: true })
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM block').get()?.n)
  } finally {
    db.close()
  }
}

test('positions begin at 1, have no gaps, and are those a reader finds', async () => {
  const { log, dir, clock } = await openLog()
  expect(log.headSeq()).toBe(0)
  expect(await log.append([reading(), quarantined()])).toEqual({ firstSeq: 1, lastSeq: 2, receivedAtMs: START_MS })
  clock.advance(5)
  expect(await log.append([reading()])).toEqual({ firstSeq: 3, lastSeq: 3, receivedAtMs: START_MS + 5 })
  expect(log.headSeq()).toBe(3)
  expect(readAll(openReader(dir))).toEqual([
    { ...reading(), seq: 1, receivedAtMs: START_MS },
    { ...quarantined(), payload: new Uint8Array(Buffer.from('{"dp":1}')), seq: 2, receivedAtMs: START_MS },
    { ...reading(), seq: 3, receivedAtMs: START_MS + 5 },
  ])
})

test('what arrives in one turn is synced together, and each sender learns its own positions', async () => {
  const { log, dir } = await openLog()
  const receipts = await Promise.all(Array.from({ length: 100 }, () => log.append([reading(), reading()])))
  expect(receipts.map(({ firstSeq }) => firstSeq)).toEqual(Array.from({ length: 100 }, (_, i) => i * 2 + 1))
  expect(blocks(dir)).toBe(1)
})

test('hub time never goes back along the log, nor over a restart', async () => {
  const { log, dir } = await openLog()
  await log.append([reading()])
  await log.close()

  const { log: later } = await openLog({ dir, clock: new ManualClock(START_MS - 3_600_000) })
  expect(later.logId).toBe(log.logId)
  expect(later.headSeq()).toBe(1)
  expect(later.nowMs()).toBe(START_MS)
  expect(await later.append([reading()])).toEqual({ firstSeq: 2, lastSeq: 2, receivedAtMs: START_MS })
})

test('closing syncs what was handed over and refuses what comes after', async () => {
  const { log, dir } = await openLog()
  const appends = Array.from({ length: 50 }, () => log.append([reading()]))
  const closed = log.close()
  await expect(log.append([reading()])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' })
  await closed
  expect((await Promise.all(appends)).at(-1)!.lastSeq).toBe(50)
  expect(readAll(openReader(dir))).toHaveLength(50)
  expect(log.health()).toMatchObject({ ok: false, code: 'LOG_UNAVAILABLE' })
})

test('beyond its bound the log asks sources to wait, and loses nothing of what they had in hand', async () => {
  const { log, dir } = await openLog({ pendingBytesMax: 200 })
  expect(log.hasRoom()).toBe(true)
  const appends = Array.from({ length: 20 }, () => log.append([reading()]))
  expect(log.pendingBytes()).toBeGreaterThan(200)
  expect(log.hasRoom()).toBe(false)
  await log.whenRoom()
  expect(log.hasRoom()).toBe(true)
  await Promise.all(appends)
  expect(log.pendingBytes()).toBe(0)
  expect(readAll(openReader(dir))).toHaveLength(20)
})

test('a source that does not wait is refused before memory runs out; what was taken is kept', async () => {
  const { log, dir } = await openLog({ pendingBytesMax: 100 })
  const results = await Promise.allSettled(Array.from({ length: 200 }, () => log.append([reading()])))
  const kept = results.filter(({ status }) => status === 'fulfilled').length
  const refused = results.filter((result) => result.status === 'rejected')
  expect(kept).toBeGreaterThan(0)
  expect(refused.length).toBeGreaterThan(0)
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'LOG_UNAVAILABLE' })
  expect(readAll(openReader(dir))).toHaveLength(kept)
  expect((await log.append([reading()])).firstSeq).toBe(kept + 1)
})

test('a block larger than one commit takes several, in order', async () => {
  const { log, dir } = await openLog({ pendingBytesMax: 16 * 1_048_576 })
  const payload = new Uint8Array(200_000).fill(7)
  await Promise.all(Array.from({ length: 20 }, () => log.append([quarantined({ payload })])))
  expect(blocks(dir)).toBeGreaterThan(1)
  expect(readAll(openReader(dir)).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

test('an entry that cannot be written takes nothing of its append to disk, and the log goes on', async () => {
  const { log, dir } = await openLog()
  const change = { type: 'rule.paused', ruleKey: 1n } as never
  const bad = log.append([reading(), { kind: 'control', changeId: 'chg_1', brandId: null, change }])
  await expect(bad).rejects.toThrow(TypeError)
  await expect(log.append([])).rejects.toThrow('needs an entry')
  expect(await log.append([reading()])).toMatchObject({ firstSeq: 1 })
  expect(readAll(openReader(dir))).toHaveLength(1)
})

test('ten seconds of hub time without records give a tick; records give none; an hour gives few', async () => {
  const { log, dir, clock } = await openLog({ idleTickMs: 10_000 })
  const reader = openReader(dir)
  const { signal } = new AbortController()
  clock.advance(9_999)
  await log.append([reading()])
  clock.advance(9_999)
  await log.append([reading()])
  clock.advance(10_000)
  await reader.waitForMore(2, signal)
  expect(readAll(reader).map(({ kind }) => kind)).toEqual(['readings', 'readings', 'tick'])
  expect(readAll(reader).at(-1)!.receivedAtMs).toBe(START_MS + 29_998)

  const before = log.headSeq()
  clock.advance(3_600_000)
  await reader.waitForMore(before, signal)
  await log.append([reading()])
  const during = readAll(reader).filter(({ seq }) => seq > before)
  expect(during.at(-1)!.receivedAtMs).toBe(clock.nowMs())
  expect(during.length).toBeLessThanOrEqual(3)
})

test('below the disk reserve appends are refused and health says so', async () => {
  const { log, dir } = await openLog({ diskReserveBytes: Number.MAX_SAFE_INTEGER })
  expect(log.health()).toMatchObject({ ok: false, code: 'DISK_FULL' })
  await expect(log.append([reading()])).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(log.pendingBytes()).toBe(0)
  await log.close()
  const { log: roomy } = await openLog({ dir })
  expect(roomy.health()).toEqual({ ok: true })
  expect(await roomy.append([reading()])).toMatchObject({ firstSeq: 1 })
})

test('a second owner of the folder is refused and told who has it', async () => {
  const { log, dir } = await openLog()
  const second = openLog({ dir })
  await expect(second).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' })
  await expect(second).rejects.toThrow(`process ${process.pid}`)
  await log.append([reading()])
  await log.close()
  const { log: third } = await openLog({ dir })
  expect(third.headSeq()).toBe(1)
})

test('a file that is not a log is refused with its name, and left as it was', async () => {
  const noise = temporaryFolder()
  writeFileSync(join(noise, 'telemetry.db'), 'This is a shopping list, not a log. '.repeat(200))
  await expect(openLog({ dir: noise })).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await expect(openLog({ dir: noise })).rejects.toThrow(join(noise, 'telemetry.db'))

  const foreign = temporaryFolder()
  const db = new DatabaseSync(join(foreign, 'telemetry.db'))
  db.exec('CREATE TABLE recipes (name TEXT)')
  db.close()
  const before = readFileSync(join(foreign, 'telemetry.db'))
  await expect(openLog({ dir: foreign })).rejects.toThrow('another program')
  expect(readFileSync(join(foreign, 'telemetry.db')).equals(before)).toBe(true)

  const { log, dir } = await openLog()
  await log.close()
  const newer = new DatabaseSync(join(dir, 'telemetry.db'))
  newer.exec('PRAGMA user_version = 2')
  newer.close()
  await expect(openLog({ dir })).rejects.toThrow('newer hub')
})

test('dropping removes whole blocks from the front; the newest stays and keeps the position', async () => {
  const { log, dir } = await openLog()
  for (let block = 0; block < 5; block++) await log.append([reading(), reading()])
  const reader = openReader(dir)
  await log.dropThrough(5)
  expect(reader.firstSeq()).toBe(5)
  expect(readAll(reader).map(({ seq }) => seq)).toEqual([5, 6, 7, 8, 9, 10])
  await Promise.all([log.dropThrough(99), log.dropThrough(100)])
  expect(reader.firstSeq()).toBe(9)
  await log.close()
  const { log: again } = await openLog({ dir })
  expect(again.headSeq()).toBe(10)
  expect((await again.append([reading()])).firstSeq).toBe(11)
})

test('appends go on while a long range is dropped', async () => {
  const { log, dir } = await openLog()
  for (let block = 0; block < 200; block++) await log.append([reading()])
  const dropped = log.dropThrough(200)
  const appended = await log.append([reading()])
  await dropped
  expect(appended.firstSeq).toBe(201)
  const kept = readAll(openReader(dir)).map(({ seq }) => seq)
  expect(kept.at(-1)).toBe(201)
  expect(kept.length).toBeLessThanOrEqual(2)
})
