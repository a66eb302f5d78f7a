import { expect, test } from 'vitest'
import { DAY, HOUR, makeWorld } from '../testing/world.ts'

test('an alert joins the case that was opened again, not a later one that is over', async () => {
  const world = await makeWorld({ bridge: { policy: { coolDownMs: HOUR, offersPerHome: 20 } } })
  const { bridge, brandId } = world
  await world.fire()
  await world.pass(HOUR)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'accepted' })
  await world.complete(order.id, 'confirmed', false)
  const first = await world.onlyCase()
  await world.endVerification(first.id, 'unverified')
  const link = (await bridge.offers.get(brandId, first.offerId!)).link.split('/').at(-1)!

  // Another need of the same component comes and is called off.
  await world.pass(DAY)
  await world.fire()
  await world.pass(HOUR)
  const [second] = (await bridge.cases.list(brandId, { live: true })).items
  expect(second!.id).not.toBe(first.id)
  await bridge.cases.cancel(brandId, second!.id, { by: { kind: 'brand', id: 'key' }, reason: 'test' })

  // Then the home says that the first was never solved, and the appliance says so too.
  await bridge.offers.solved(link, { solved: false })
  const episode = await world.fire()
  await world.pass(DAY)
  const live = (await bridge.cases.list(brandId, { live: true })).items
  expect(live.map((one) => one.id)).toEqual([first.id])
  expect((await bridge.cases.get(brandId, first.id)).episodeIds).toContain(episode.episodeId)
})
