import { expect, onTestFinished, test } from 'vitest'
import { DAY, MINUTE, makeWorld } from './testing/world.ts'

test('started, the loop follows the hub’s clock by itself and stops when told', async () => {
  const world = await makeWorld()
  world.bridge.start()
  onTestFinished(() => world.bridge.stop())
  await world.fire()
  await expect.poll(() => world.brandServer.ofType('case.open').length).toBe(1)
  world.clock.advance(10 * MINUTE)
  await expect.poll(async () => (await world.onlyCase()).state, { timeout: 5_000 }).toBe('offered')
  await world.bridge.stop()
  world.clock.advance(14 * DAY)
  expect((await world.onlyCase()).state).toBe('offered')
})

test('idle says that nothing is due, and nextDueMs when something will be', async () => {
  const world = await makeWorld()
  await world.bridge.idle()
  expect(await world.bridge.nextDueMs()).toBeNull()
  await world.fire()
  await world.bridge.idle()
  expect(await world.bridge.nextDueMs()).toBe(world.clock.nowMs() + 10 * MINUTE)
})

test('a timer that cannot be handled is tried again later and holds up no other', async () => {
  const world = await makeWorld()
  await world.db.asBrand(world.brandId, (tx) =>
    tx
      .insertInto('timers')
      .values({ brand_id: world.brandId, kind: 'offer_expiry', subject: 'of_never', due_at_ms: world.clock.nowMs() })
      .execute(),
  )
  await world.fire()
  await world.pass(10 * MINUTE)
  expect((await world.onlyCase()).state).toBe('offered')
  const [stuck] = await world.db.asHub((tx) =>
    tx.selectFrom('timers').selectAll().where('subject', '=', 'of_never').execute(),
  )
  expect(stuck!.failures).toBeGreaterThan(1)
  expect(stuck!.due_at_ms).toBeGreaterThan(world.clock.nowMs())
})
