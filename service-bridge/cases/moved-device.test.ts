import { expect, test } from 'vitest'
import { newId } from '#platform'
import { HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

/** The appliance goes to another home of the brand, as the API commits it. */
async function moveAway(world: World): Promise<string> {
  const homeId = newId('home')
  await world.db.asBrand(world.brandId, async (tx) => {
    const { home_id: _home, ...home } = await tx
      .selectFrom('homes')
      .selectAll()
      .where('home_id', '=', world.homeId)
      .executeTakeFirstOrThrow()
    await tx
      .insertInto('homes')
      .values({ ...home, home_id: homeId })
      .execute()
    await tx.updateTable('devices').set({ home_id: homeId }).where('device_id', '=', world.deviceId).execute()
  })
  return homeId
}

test('what an earlier home said no to gives the next home no peace: its need is its own', async () => {
  const world = await makeWorld()
  const before = await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  const homeId = await moveAway(world)
  await world.resolve(before, 'device_removed')
  await world.pass(HOUR)
  await world.fire({ activation: 'chg_2' })
  const { items } = await world.bridge.cases.list(world.brandId, { state: 'open' })
  expect(items).toMatchObject([{ homeId }])
})

test('an appliance that leaves while somebody is at the door puts the visit before a person', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  for (const status of ['accepted', 'arrived'] as const) await world.say(order.id, { status })
  await world.resolve(episode, 'device_removed')
  expect(await world.onlyCase()).toMatchObject({ state: 'in_progress', needsReview: 'the device was removed' })
})

test('an order whose alert is long over hears of it as well, in the moment the appliance leaves', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'accepted' })
  await world.resolve(episode)
  expect((await world.onlyCase()).state).toBe('scheduled')
  await world.db.asBrand(world.brandId, (tx) =>
    world.bridge.devices.gone(tx, world.brandId, world.deviceId, { by: { kind: 'brand', id: 'key_brand' } }),
  )
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'cancelled' })
  expect(await world.onlyOrder()).toMatchObject({ state: 'cancelled', endReason: 'device_gone' })
  expect(world.partner.ofType('work_order.cancelled')).toHaveLength(1)
  await expect(
    world.bridge.orders.site({ orderId: order.id, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({ status: 410 })
})
