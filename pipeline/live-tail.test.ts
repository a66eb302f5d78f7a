import { expect, onTestFinished, test } from 'vitest'
import type { AlertEffect } from '#contracts'
import { silentLogger } from '#platform'
import { createLiveTail, type LiveItem, type LiveSubscription } from './live-tail.ts'
import { aReading, testLog } from './testing/hub-parts.ts'

async function setUp() {
  const { log, reader, clock } = await testLog()
  const tail = createLiveTail({ reader, logger: silentLogger })
  onTestFinished(() => tail.stop())
  const say = (brandId: string, value: number) => log.append([aReading(brandId, 'dev_1', clock.nowMs(), value)])
  return { log, tail, say }
}

async function take(subscription: LiveSubscription, count: number): Promise<LiveItem[]> {
  const items: LiveItem[] = []
  for await (const item of subscription) if (items.push(item) === count) break
  return items
}

const shown = (item: LiveItem) =>
  item.kind === 'record' && item.record.kind === 'readings' ? item.record.values.filter_dp_pa : item.kind

test('a listener sees its own brand from now on', async () => {
  const { tail, say } = await setUp()
  await say('brand_a', 1)
  const subscription = tail.subscribe({ brandId: 'brand_a', records: () => true })
  await say('brand_b', 2)
  await say('brand_a', 3)
  await say('brand_a', 4)
  expect((await take(subscription, 2)).map(shown)).toEqual([3, 4])
  expect(tail.subscribers()).toBe(0)
})

test('a listener that does not keep up loses the oldest, sees where, and slows nobody', async () => {
  const { log, tail } = await setUp()
  const slow = tail.subscribe({ brandId: 'brand_a', records: () => true })
  const quick = tail.subscribe({ brandId: 'brand_a', records: () => true })
  const many = Array.from({ length: 1_500 }, (_, i) => aReading('brand_a', 'dev_1', 1_000 + i, i))
  await log.append(many)
  // The quick one reads while the slow one has not begun.
  await take(quick, 1)
  const last = aReading('brand_a', 'dev_1', 9_000, 9_000)
  const marker = tail.subscribe({
    brandId: 'brand_a',
    records: (record) => 'values' in record && record.measuredAtMs === 9_000,
  })
  await log.append([last])
  await take(marker, 1)
  const items = await take(slow, 1_001)
  expect(items[0]).toEqual({ kind: 'gap', dropped: 501 })
  expect(shown(items.at(-1)!)).toBe(9_000)
})

test('effects reach the listeners of their brand once committed', async () => {
  const { tail } = await setUp()
  const subscription = tail.subscribe({ brandId: 'brand_a', effects: () => true })
  const effect = (brandId: string): AlertEffect => ({
    kind: 'operator.event',
    seq: 1,
    ordinal: 0,
    atMs: 0,
    brandId,
    code: 'rule.error',
    subject: 'hepa-clogged',
    detail: '',
  })
  tail.publish([effect('brand_b'), effect('brand_a')])
  expect(await take(subscription, 1)).toEqual([{ kind: 'effect', effect: effect('brand_a') }])
})

test('stopping ends every listener', async () => {
  const { tail } = await setUp()
  const subscription = tail.subscribe({ brandId: 'brand_a', records: () => true })
  const ended = take(subscription, 1)
  await tail.stop()
  expect(await ended).toEqual([])
})
