import { expect, onTestFinished, test } from 'vitest'
import type { AlertEffect, ControlChange, LogEntry, RuleDocument } from '#contracts'
import { derivedId, silentLogger } from '#platform'
import { createEvaluator } from '#rules'
import { testDatabase } from '#store/testing'
import { createControlAppender } from './control-appender.ts'
import { createRulesRunner } from './rules-runner.ts'
import { aDevice, aProduct, aReading, testLog } from './testing/hub-parts.ts'

const BRAND = 'brand_a'
const MINUTE_MS = 60_000
const rule: RuleDocument = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250 },
  for: '1m',
  noData: 'alert',
}

test('case 19: when everybody falls silent that is one event, device alerts are inhibited, and who stays silent is told after', async () => {
  const { log, reader, clock } = await testLog()
  const { db } = await testDatabase()
  const names = Array.from({ length: 24 }, (_, i) => `dev_${String(i).padStart(2, '0')}`)
  const control = (change: ControlChange): LogEntry => ({
    kind: 'control',
    changeId: derivedId('chg', JSON.stringify(change)),
    brandId: BRAND,
    change,
  })
  await log.append([
    control({ type: 'product.version', version: 1, product: aProduct() }),
    ...names.map((name, i) =>
      control({ type: 'device.added', device: aDevice(name, { homeId: `home_${i}`, region: '310115' }) }),
    ),
    control({ type: 'rule.activated', rule, version: 1, mode: 'active', canaryShare: 1, activation: 'chg_a' }),
  ])
  const effects: AlertEffect[] = []
  const appender = createControlAppender({ db, log, clock, logger: silentLogger })
  const runner = createRulesRunner({
    reader,
    db,
    evaluator: createEvaluator(),
    clock,
    logger: silentLogger,
    onCommitted: (more) => void effects.push(...more),
    nudgeControl: () => appender.nudge(),
  })
  onTestFinished(async () => {
    await runner.stop()
    await appender.stop()
  })
  await appender.start()
  await runner.start()
  /** One step of the world: time, what is heard, and what follows from it until nothing more does. */
  const step = async (ms: number, heard: readonly string[] = []): Promise<void> => {
    clock.advance(ms)
    await log.append([...heard.map((name) => aReading(BRAND, name, clock.nowMs(), 200)), { kind: 'tick' }])
    for (let seen = 0; seen !== reader.headSeq(); ) {
      seen = reader.headSeq()
      await runner.caughtUp(seen)
      while (!(await appender.isIdle())) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  for (let minute = 0; minute < 5; minute++) await step(MINUTE_MS, names)
  // The broker is away for ten minutes.
  for (let tick = 0; tick < 60; tick++) await step(10_000)
  // It is back, but for one device.
  const [gone, ...back] = names
  for (let minute = 0; minute < 3; minute++) await step(MINUTE_MS, back)

  const events = effects.filter((effect) => effect.kind === 'operator.event')
  expect(events).toMatchObject([
    { code: 'silence.everyone', subject: BRAND, detail: expect.stringContaining('24 of 24 devices') },
  ])
  const fired = effects.filter((effect) => effect.kind === 'alert.firing')
  expect(fired).toHaveLength(24)
  expect(fired.map((effect) => effect.kind === 'alert.firing' && effect.hush)).toEqual(Array(24).fill('inhibited'))
  const told = effects.filter((effect) => effect.kind === 'alert.current')
  expect(told.map((effect) => 'episode' in effect && effect.episode.deviceId)).toEqual([gone])
})
