import { expect, test } from 'vitest'
import { instant } from '#contracts'
import { BRAND_USER, DAY, MINUTE, makeWorld, type World } from '../testing/world.ts'

const traces = (world: World): Promise<Record<string, unknown>> =>
  world.db.asBrand(world.brandId, (tx) => world.bridge.homes.traces(tx, world.brandId, world.homeId))

test('a home sees every word it said and that was said of it', async () => {
  const world = await makeWorld()
  const { bridge, brandId, deviceId } = world
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'accepted' })
  await world.say(order.id, {
    status: 'quoted',
    quote: {
      version: 2,
      lines: [{ kind: 'labour', amountMinor: 17_900 }],
      reason: 'QUOTE-WORDS',
      validUntil: instant(world.clock.nowMs() + DAY),
    },
  })
  const token = await world.offerToken()
  await bridge.offers.quote(token, 2, { decision: 'accept' })
  await bridge.offers.reportProblem(token, { kind: 'conduct', text: 'PROBLEM-WORDS' })
  await world.say(order.id, { status: 'arrived' })
  await world.complete(order.id)
  const stars = { attitude: 5, quality: 4, speed: 3, solved: true }
  await bridge.offers.rate(token, { ...stars, text: 'RATING-WORDS' })
  await world.db.asBrand(brandId, (tx) =>
    bridge.faultReports.file(
      tx,
      brandId,
      {
        device: deviceId,
        channel: 'hotline',
        externalRef: 'T-1',
        symptomCode: 'weak-airflow',
        text: 'FAULT-WORDS',
        reportedAt: instant(world.clock.nowMs()),
      },
      { by: BRAND_USER },
    ),
  )
  expect(await traces(world)).toMatchObject({
    faultReports: expect.arrayContaining([
      expect.objectContaining({ channel: 'page', problem: 'conduct', text: 'PROBLEM-WORDS' }),
      expect.objectContaining({ channel: 'hotline', externalRef: 'T-1', text: 'FAULT-WORDS' }),
    ]),
    ratings: [{ workOrder: order.id, ...stars, text: 'RATING-WORDS' }],
    workOrders: [{ quotes: [{ version: 2, reason: 'QUOTE-WORDS', state: 'accepted' }] }],
  })
})

test('a no with its words, no more offers, and a visit called off after a yes', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'other', text: 'AFTER-A-YES' })
  expect(await traces(world)).toMatchObject({ offers: [{ words: { decline: 'AFTER-A-YES' } }] })

  const other = await makeWorld()
  await other.fire()
  await other.pass(10 * MINUTE)
  await other.bridge.offers.stop(await other.offerToken(), { text: 'STOP-WORDS' })
  expect(await traces(other)).toMatchObject({
    offerStops: [{ category: 'air-purifier' }],
    offers: [{ words: { stop: 'STOP-WORDS' } }],
  })
})
