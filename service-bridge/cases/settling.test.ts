import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '#platform'
import { MINUTE, makeWorld, RULE, type WorldOptions } from '../testing/world.ts'

async function worldWhoseRuleWaits(settleMs: number | null, options: WorldOptions = {}) {
  const world = await makeWorld(options)
  await world.db.asBrand(world.brandId, (tx) =>
    tx
      .updateTable('rules')
      .set({ settle_ms: settleMs })
      .where('brand_id', '=', world.brandId)
      .where('rule_key', '=', RULE.key)
      .execute(),
  )
  return world
}

test('a rule that was activated without a wait asks the home at once', async () => {
  const world = await worldWhoseRuleWaits(0)
  await world.fire()
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('offered')
})

test('a rule with a wait of its own asks when that is over, not before', async () => {
  const world = await worldWhoseRuleWaits(3 * MINUTE)
  await world.fire()
  await world.pass(2 * MINUTE)
  expect((await world.onlyCase()).state).toBe('open')
  await world.pass(MINUTE)
  expect((await world.onlyCase()).state).toBe('offered')
})

const AUTO: WorldOptions = { rule: { dispatch: 'auto' }, standingShare: true }

test('an order under a standing consent waits as well, so that a storm can still hold it', async () => {
  const world = await worldWhoseRuleWaits(null, AUTO)
  await world.fire()
  await world.pass(9 * MINUTE)
  expect((await world.onlyCase()).state).toBe('open')
  await world.pass(MINUTE)
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
})

test('without a wait it leaves at once: each step calls the next, none is found by looking around', async () => {
  const world = await worldWhoseRuleWaits(0, { ...AUTO, bridge: { pollClock: new ManualClock(0) } })
  world.bridge.start()
  onTestFinished(() => world.bridge.stop())
  await world.fire()
  await expect.poll(() => world.partner.ofType('work_order.created').length).toBe(1)
  await expect
    .poll(async () => (await world.bridge.deliveries.list(world.brandId, { state: 'pending' })).items)
    .toEqual([])
})
