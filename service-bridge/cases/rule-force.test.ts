import { expect, test } from 'vitest'
import type { RuleStatus } from '#store'
import { DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

/** What the API commits before the runner has come to the change in the log. */
async function setRule(world: World, status: RuleStatus): Promise<void> {
  await world.db.asBrand(world.brandId, (tx) =>
    tx.updateTable('rules').set({ status }).where('rule_key', '=', 'hepa-clogged').execute(),
  )
}

async function moveDevice(world: World): Promise<void> {
  await world.db.asBrand(world.brandId, (tx) =>
    tx.updateTable('devices').set({ home_id: null }).where('device_id', '=', world.deviceId).execute(),
  )
}

for (const status of ['paused', 'deleted', 'shadow'] as const) {
  test(`a rule just ${status} offers nothing any more, though its alerts are not resolved yet (C4)`, async () => {
    const world = await makeWorld()
    const episode = await world.fire()
    await setRule(world, status)
    await world.pass(DAY)
    expect((await world.onlyCase()).state).toBe('open')
    expect(world.brandServer.ofType('notice.requested')).toEqual([])
    await world.resolve(episode, 'rule_removed')
    expect((await world.onlyCase()).state).toBe('recovered')
  })
}

test('a rule just paused sends nobody under a standing consent (C5)', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await setRule(world, 'paused')
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('open')
  expect(world.partner.ofType('work_order.created')).toEqual([])
})

test('a yes to the offer of a rule just paused waits for a person, and goes out with the rule in force (C9)', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await setRule(world, 'paused')
  await world.acceptOffer()
  expect(await world.onlyCase()).toMatchObject({ state: 'accepted', needsReview: 'the rule is out of force' })
  expect(world.partner.ofType('work_order.created')).toEqual([])
  await setRule(world, 'active')
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('ordered')
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
})

test('an order accepted before an edit of its rule ended the alert is still placed', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await setRule(world, 'paused')
  await world.acceptOffer()
  await world.resolve(episode, 'rule_changed')
  await setRule(world, 'active')
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('ordered')
})

test('a warning of danger from a rule just paused is not sent: it was found to be wrong', async () => {
  const world = await makeWorld({ rule: { safety: 'gas' } })
  await setRule(world, 'paused')
  await world.fire()
  await world.pass(HOUR)
  expect(world.brandServer.ofType('notice.requested')).toEqual([])
})

test('a device that has just left a home causes no offer to that home, and no order', async () => {
  const asked = await makeWorld()
  await asked.fire()
  await moveDevice(asked)
  await asked.pass(DAY)
  expect((await asked.onlyCase()).state).toBe('open')

  const accepted = await makeWorld()
  await accepted.fire()
  await accepted.pass(10 * MINUTE)
  await moveDevice(accepted)
  await accepted.acceptOffer()
  expect((await accepted.onlyCase()).state).toBe('accepted')
  expect(accepted.partner.ofType('work_order.created')).toEqual([])
})
