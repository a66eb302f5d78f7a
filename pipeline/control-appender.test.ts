import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { ControlRecord } from '#contracts'
import { silentLogger } from '#platform'
import { testBrand, testDatabase } from '#store/testing'
import { type ControlAppender, createControlAppender } from './control-appender.ts'
import { aDevice, aProduct, commitChange, testLog } from './testing/hub-parts.ts'

const WAIT_MS = 10_000

async function setUp() {
  const { db, appUrl } = await testDatabase()
  const brandId = await testBrand(db)
  const { log, reader, clock } = await testLog()
  const seen: ControlRecord[] = []
  const open = (onAppended: (records: readonly ControlRecord[]) => void = (records) => seen.push(...records)) => {
    const appender: ControlAppender = createControlAppender({ db, log, clock, logger: silentLogger, onAppended })
    onTestFinished(() => appender.stop())
    return appender
  }
  const inLog = () => reader.read(0, { records: 1_000 }).filter((record) => record.kind === 'control')
  const commit = (change: Parameters<typeof commitChange>[2]) => commitChange(db, brandId, change, clock)
  return { db, appUrl, brandId, log, reader, clock, seen, open, inLog, commit }
}

test('changes enter the log in their order, each told with its position once the edge knows it', async () => {
  const { brandId, seen, open, inLog, commit } = await setUp()
  const first = await commit({ type: 'product.version', version: 1, product: aProduct() })
  const appender = open()
  await appender.start()
  const second = await commit({ type: 'device.added', device: aDevice('dev_1') })
  expect(await appender.appended(second, WAIT_MS)).toBe(2)
  expect(await appender.appended(first, WAIT_MS)).toBe(1)
  expect(seen.map((record) => [record.seq, record.changeId])).toEqual([
    [1, first],
    [2, second],
  ])
  expect(inLog()).toEqual(seen)
  expect(seen[1]).toMatchObject({ brandId, change: { type: 'device.added', device: { deviceId: 'dev_1' } } })
  expect(await appender.isIdle()).toBe(true)
})

test('a change that began first and commits last is not overtaken', async () => {
  const { appUrl, brandId, open, inLog, commit } = await setUp()
  const appender = open()
  await appender.start()
  const slow = new pg.Client(appUrl)
  await slow.connect()
  onTestFinished(() => slow.end())
  await slow.query(`BEGIN; SELECT set_config('hub.scope', 'hub', true)`)
  await slow.query(
    `INSERT INTO control_changes (change_id, brand_id, change, committed_at_ms) VALUES ('chg_slow', $1, $2, 0)`,
    [brandId, JSON.stringify({ type: 'rule.paused', ruleKey: 'first' })],
  )
  const fast = await commit({ type: 'rule.paused', ruleKey: 'second' })
  await expect(appender.appended(fast, 300)).rejects.toMatchObject({ code: 'CONTROL_LOG_BEHIND' })
  await slow.query('COMMIT')
  await appender.appended(fast, WAIT_MS)
  expect(inLog().map((record) => record.kind === 'control' && record.changeId)).toEqual(['chg_slow', fast])
})

test('a rolled back change leaves a hole that holds nothing up', async () => {
  const { appUrl, open, commit } = await setUp()
  const appender = open()
  await appender.start()
  const gone = new pg.Client(appUrl)
  await gone.connect()
  onTestFinished(() => gone.end())
  await gone.query(`BEGIN; SELECT set_config('hub.scope', 'hub', true)`)
  await gone.query(`INSERT INTO control_changes (change_id, change, committed_at_ms) VALUES ('chg_gone', '{}', 0)`)
  await gone.query('ROLLBACK')
  expect(await appender.appended(await commit({ type: 'rule.paused', ruleKey: 'r' }), WAIT_MS)).toBe(1)
})

test('what was appended and not yet noted when the hub died is appended again under the same id', async () => {
  const { db, open, inLog, commit } = await setUp()
  const change = await commit({ type: 'rule.paused', ruleKey: 'r' })
  const first = open()
  await first.start()
  await first.stop()
  // The kill: the position never reached Postgres.
  await db.asHub((tx) => tx.updateTable('control_changes').set({ seq: null }).execute())
  const second = open()
  await second.start()
  expect(inLog().map((record) => record.kind === 'control' && [record.seq, record.changeId])).toEqual([
    [1, change],
    [2, change],
  ])
})

test('an edge that cannot learn at once is asked again before anybody is told', async () => {
  const { open, inLog, commit } = await setUp()
  let failures = 2
  const appender = open(() => {
    if (failures-- > 0) throw new Error('away')
  })
  await appender.start()
  expect(await appender.appended(await commit({ type: 'rule.paused', ruleKey: 'r' }), WAIT_MS)).toBe(1)
  expect(inLog()).toHaveLength(1)
})
