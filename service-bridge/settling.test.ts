import { expect, test } from 'vitest'
import { MINUTE, makeWorld, RULE } from './testing/world.ts'

async function worldWhoseRuleWaits(settleMs: number | null) {
  const world = await makeWorld()
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
