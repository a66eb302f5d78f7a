import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE, makeWorld } from '../testing/world.ts'

const live = async (world: Awaited<ReturnType<typeof makeWorld>>) =>
  (await world.bridge.cases.list(world.brandId, { live: true })).items

test('an episode left in peace that grows worse opens at once, and only once', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  const waiting = await world.fire()
  await world.pass(DAY)
  expect(await live(world)).toEqual([])
  await world.escalate(waiting, 'critical')
  expect(await live(world)).toMatchObject([{ severity: 'critical', state: 'open' }])
  await world.pass(20 * DAY)
  expect((await world.bridge.cases.list(world.brandId, {})).items).toHaveLength(2)
})

test('the alert of a declined need that grows worse opens it anew; one that stays as it was does not', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  await world.escalate(episode, 'warning')
  expect(await live(world)).toEqual([])
  await world.escalate(episode, 'critical')
  expect(await live(world)).toMatchObject([{ state: 'open' }])
})

test('a rule edited before anybody was asked owes no peace', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.resolve(episode, 'rule_changed')
  expect(await world.onlyCase()).toMatchObject({ state: 'recovered', endedBy: 'rule_changed' })
  await world.fire()
  await world.pass(10 * MINUTE)
  expect(await live(world)).toMatchObject([{ state: 'offered' }])
})

test('a rule edited after the home was asked does not ask twice; its peace runs from the asking', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.pass(10 * DAY)
  await world.resolve(episode, 'rule_removed')
  await world.fire()
  await world.pass(HOUR)
  expect(await live(world)).toEqual([])
  await world.pass(4 * DAY)
  expect(await live(world)).toMatchObject([{ state: 'offered' }])
})

test('a need that recovered by itself is left in peace for a fortnight', async () => {
  const world = await makeWorld()
  await world.resolve(await world.fire())
  await world.fire()
  await world.pass(13 * DAY)
  expect(await live(world)).toEqual([])
  await world.pass(DAY + 10 * MINUTE)
  expect(await live(world)).toMatchObject([{ state: 'offered' }])
})

test('a snoozed need that grows worse is asked about at once', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  await world.bridge.offers.snooze(token, { until: new Date(world.clock.nowMs() + 20 * DAY).toISOString() })
  await world.escalate(episode, 'critical')
  await world.bridge.idle()
  expect(await world.bridge.offers.view(token)).toMatchObject({ state: 'offered', urgency: 'critical' })
  expect(world.brandServer.ofType('notice.requested')).toHaveLength(2)
})
