import { expect, test } from 'vitest'
import { DAY, HOUR, makeWorld } from '../testing/world.ts'

test('where no signal tells a recovery, work done alone is watched once and then waits for its time', async () => {
  const world = await makeWorld()
  const watches = async () => (await world.changes()).filter((type) => type === 'verification.started').length
  await world.fire()
  await world.pass(HOUR)
  await world.bridge.offers.selfService(await world.offerToken())
  const { id } = await world.onlyCase()
  expect(await watches()).toBe(1)
  // The rules answer at once, as often as they are asked: asking again at once would never end.
  await world.endVerification(id, 'unverified', 1)
  expect(await watches()).toBe(1)
  expect((await world.onlyCase()).state).toBe('self_serviced')
  await world.pass(15 * DAY)
  expect((await world.onlyCase()).state).toBe('offered')
})
