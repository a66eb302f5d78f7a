import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '#platform'
import { ordersOf, secondPartner } from '../testing/second-partner.ts'
import { BRAND_USER, MINUTE, makeWorld, RULE, type WorldOptions } from '../testing/world.ts'

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

test('what settles in one home and needs no question is one visit with an item each', async () => {
  const world = await worldWhoseRuleWaits(null, AUTO)
  await world.rule({ key: 'fan-worn', component: 'fan', dispatch: 'auto' })
  await world.fire()
  await world.pass(4 * MINUTE)
  await world.fire({ ruleKey: 'fan-worn', component: 'fan' })
  // The first waits for the second, which will have settled soon.
  await world.pass(6 * MINUTE)
  expect((await world.bridge.orders.list(world.brandId, {})).items).toEqual([])
  await world.pass(4 * MINUTE)
  const order = await world.onlyOrder()
  expect(order.packet.items.map((item) => item.diagnosis.component).toSorted()).toEqual(['fan', 'hepa-filter'])
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)

  // Refused, it looks for its next partner as one visit, by itself and by hand.
  await world.say(order.id, { status: 'rejected', reason: 'no_capacity' })
  const cases = (await world.bridge.cases.list(world.brandId, {})).items
  expect(cases.map((one) => one.state)).toEqual(['rerouting', 'rerouting'])
  await world.bridge.cases.retry(world.brandId, cases[1]!.id, { by: BRAND_USER })
  const [, again] = await ordersOf(world)
  expect(again).toMatchObject({ state: 'sent', partnerKey: 'fixit' })
  expect(again!.caseIds.toSorted()).toEqual(cases.map((one) => one.id).toSorted())
})

test('a visit of several needs that its partner gives up is one message to the home, which waits for one other', async () => {
  const world = await worldWhoseRuleWaits(null, AUTO)
  await world.rule({ key: 'fan-worn', component: 'fan', dispatch: 'auto' })
  await world.fire()
  await world.fire({ ruleKey: 'fan-worn', component: 'fan' })
  await world.pass(10 * MINUTE)
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'accepted' })
  await world.say(order.id, { status: 'failed', reason: 'part_missing' })
  const notices = (await world.bridge.notices.list(world.brandId, {})).items
  expect(notices.filter((one) => one.reasonCode === 'order_cancelled')).toHaveLength(1)
  const other = await secondPartner(world)
  await world.bridge.idle()
  expect(other.server.ofType('work_order.created')).toHaveLength(1)
  expect((await ordersOf(world))[1]!.caseIds).toHaveLength(2)
})

test('needs that no one partner can do are two visits, though nobody is asked', async () => {
  const world = await worldWhoseRuleWaits(null, AUTO)
  const service = { job: 'replace-fan', skills: ['fans'], duration: 'PT30M' }
  await world.rule({ key: 'fan-worn', component: 'fan', dispatch: 'auto', service })
  await secondPartner(world, { agreement: { skills: ['fans'] } })
  await world.fire()
  await world.fire({ ruleKey: 'fan-worn', component: 'fan' })
  await world.pass(10 * MINUTE)
  const orders = await ordersOf(world)
  expect(orders.map((one) => one.partnerKey).toSorted()).toEqual(['fixit', 'mendit'])
  for (const order of orders) expect(order.caseIds).toHaveLength(1)
})
