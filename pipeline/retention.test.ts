import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '#platform'
import { createRetention } from './retention.ts'
import { testLog } from './testing/hub-parts.ts'

const DAY_MS = 86_400_000

async function setUp(spareRecords = 0) {
  const { log, reader, clock } = await testLog()
  const positions = { rules: 0, history: 0 }
  const tidied: number[] = []
  let last: number | null = null
  let failing = false
  const retention = createRetention({
    log,
    clock,
    logger: silentLogger,
    tick: 'hub-time',
    spareRecords,
    keptThrough: async () => Object.values(positions),
    daily: [
      async (nowMs) => {
        if (failing) throw new Error('away')
        tidied.push(nowMs)
      },
    ],
    lastDaily: { read: async () => last, write: async (atMs) => void (last = atMs) },
  })
  onTestFinished(() => retention.stop())
  const fail = (value: boolean) => void (failing = value)
  return { log, reader, clock, positions, tidied, retention, fail }
}

test('the log forgets only what every consumer has behind it', async () => {
  const { log, reader, positions, retention } = await setUp()
  for (let i = 0; i < 10; i++) await log.append([{ kind: 'tick' }])
  positions.rules = 9
  positions.history = 4
  await retention.run()
  expect(reader.firstSeq()).toBe(5)
  expect(reader.read(4, { records: 100 })).toHaveLength(6)
})

test('and keeps some to look back', async () => {
  const { log, reader, positions, retention } = await setUp(3)
  for (let i = 0; i < 10; i++) await log.append([{ kind: 'tick' }])
  positions.rules = positions.history = 10
  await retention.run()
  expect(reader.firstSeq()).toBe(8)
})

test('daily work is done once a day of hub time, made up for when missed, repeated when it failed', async () => {
  const { clock, tidied, retention, fail } = await setUp()
  const t0 = clock.nowMs()
  await retention.run()
  await retention.run()
  expect(tidied).toEqual([t0])
  clock.advance(3 * DAY_MS)
  fail(true)
  await retention.run()
  fail(false)
  await retention.run()
  await retention.run()
  expect(tidied).toEqual([t0, t0 + 3 * DAY_MS])
})
