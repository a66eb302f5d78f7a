import { expect, test } from 'vitest'
import { BRAND_USER, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

const AS_BRAND = { by: BRAND_USER, reason: 'looked into it' }

/** So many homes of one city with one appliance each, whose filters clog one after the other. */
async function storm(world: World, count: number, everyMs = MINUTE, firmware = '1.4.2'): Promise<void> {
  for (let i = 0; i < count; i++) {
    const deviceId = await world.device({ homeId: await world.home(), firmware })
    await world.fire({ deviceId })
    await world.pass(everyMs)
  }
}
const states = async (world: World) => (await world.bridge.cases.list(world.brandId, {})).items.map((one) => one.state)
const countOf = async (world: World, state: string) => (await states(world)).filter((one) => one === state).length
const holds = async (world: World) => (await world.bridge.fleetHolds.list(world.brandId, {})).items

test('one too many within the hour holds all that still settle, with one word to the brand; what follows joins', async () => {
  const world = await makeWorld()
  await storm(world, 5)
  expect(await countOf(world, 'held')).toBe(0)
  await storm(world, 1)
  expect(await states(world)).toEqual(Array(6).fill('held'))
  await storm(world, 3)
  await world.pass(HOUR)
  expect(await states(world)).toEqual(Array(9).fill('held'))
  const [held, ...more] = world.brandServer.ofType('fleet.held')
  expect(more).toEqual([])
  expect(held!.event.data).toMatchObject({
    rule: 'hepa-clogged',
    product: 'ap-300',
    firmware: '1.4.2',
    region: '3101',
    cases: 6,
    limit: 5,
    possibleDefect: false,
  })
  expect(world.brandServer.ofType('case.held')).toEqual([])
  expect(world.brandServer.ofType('notice.requested')).toEqual([])
  expect(await holds(world)).toMatchObject([{ state: 'held', cases: 9, limit: 5 }])
})

test('released: they settle again and are offered; those that come after are counted anew', async () => {
  const world = await makeWorld()
  await storm(world, 7)
  const [hold] = await holds(world)
  expect(await world.bridge.fleetHolds.release(world.brandId, hold!.id, AS_BRAND)).toMatchObject({ state: 'released' })
  await world.bridge.idle()
  expect(await states(world)).toEqual(Array(7).fill('open'))
  await world.pass(9 * MINUTE)
  expect(await countOf(world, 'offered')).toBe(0)
  await world.pass(MINUTE)
  expect(await countOf(world, 'offered')).toBe(7)
  await storm(world, 5)
  expect(await countOf(world, 'held')).toBe(0)
  await storm(world, 1)
  expect(await holds(world)).toHaveLength(2)
  expect(await countOf(world, 'offered')).toBe(7)
  await expect(world.bridge.fleetHolds.drop(world.brandId, hold!.id, AS_BRAND)).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('dropped: cancelled, and nobody was asked', async () => {
  const world = await makeWorld()
  await storm(world, 6)
  const [hold] = await holds(world)
  await world.bridge.fleetHolds.drop(world.brandId, hold!.id, AS_BRAND)
  await world.pass(HOUR)
  expect(await states(world)).toEqual(Array(6).fill('cancelled'))
  expect(world.brandServer.ofType('notice.requested')).toEqual([])
  expect(world.brandServer.ofType('fleet.dropped')).toHaveLength(1)
  const { items } = await world.bridge.cases.list(world.brandId, {})
  expect(items[0]).toMatchObject({ endedBy: 'storm_dropped', holdId: hold!.id })
})

test('two of a hundred: a larger fleet has a larger limit', async () => {
  const world = await makeWorld()
  await world.db.asBrand(world.brandId, async (tx) => {
    const [row] = await tx.selectFrom('devices').selectAll().execute()
    const twins = Array.from({ length: 350 }, (_, i) => ({
      ...row!,
      device_id: `dev_${String(i).padStart(26, '0')}`,
      serial: `TWIN-${i}`,
      tags: [],
      home_id: null,
      extended_warranty: null,
      attributes: JSON.stringify({ firmware: '1.4.2' }),
    }))
    await tx.insertInto('devices').values(twins).execute()
  })
  await storm(world, 7, 0)
  expect(await countOf(world, 'held')).toBe(0)
  await storm(world, 1, 0)
  expect(await holds(world)).toMatchObject([{ limit: 7, population: 358 }])
})

test('another firmware, another city, another hour: no storm', async () => {
  const world = await makeWorld()
  await storm(world, 3, 0, '1.4.2')
  await storm(world, 3, 0, '1.5.0')
  for (let i = 0; i < 3; i++) {
    const homeId = await world.home({ region: '320102' })
    await world.fire({ deviceId: await world.device({ homeId, region: '320102', firmware: '1.4.2' }) })
  }
  await world.pass(61 * MINUTE)
  await storm(world, 2, 0, '1.4.2')
  expect(await holds(world)).toEqual([])
})

test('a need that recovers leaves the hold; one that its home reports is let go from it alone', async () => {
  const world = await makeWorld()
  const episodes = []
  for (let i = 0; i < 6; i++)
    episodes.push(await world.fire({ deviceId: await world.device({ homeId: await world.home() }) }))
  await world.bridge.idle()
  expect(await countOf(world, 'held')).toBe(6)
  await world.resolve(episodes[0]!)
  expect(await countOf(world, 'recovered')).toBe(1)
  const [hold] = await holds(world)
  expect(hold).toMatchObject({ cases: 5 })
})

test('danger is told to every home at once; only dispatch is held, and the brand hears of a possible defect', async () => {
  const world = await makeWorld({ rule: { safety: 'gas' } })
  for (let i = 0; i < 6; i++)
    await world.fire({ deviceId: await world.device({ homeId: await world.home() }), severity: 'critical' })
  await world.pass(HOUR)
  expect(await countOf(world, 'held')).toBe(6)
  const told = world.brandServer.ofType('notice.requested').map((one) => (one.event.data as { kind: string }).kind)
  expect(told).toEqual(Array(6).fill('safety'))
  expect(world.brandServer.ofType('fleet.held')[0]!.event.data).toMatchObject({ safety: 'gas', possibleDefect: true })
})

test('more than a batch: all are held and all are let go, also over a crash', { timeout: 120_000 }, async () => {
  const world = await makeWorld()
  const homeId = await world.home()
  const ids = await Promise.all(Array.from({ length: 130 }, () => world.device({ homeId: homeId, firmware: '2' })))
  // A fleet of thousands, so that well over a hundred come before the one too many.
  await world.db.asBrand(world.brandId, async (tx) => {
    const row = await tx.selectFrom('devices').selectAll().where('device_id', '=', ids[0]!).executeTakeFirstOrThrow()
    for (let part = 0; part < 6; part++) {
      const twins = Array.from({ length: 1_000 }, (_, i) => ({
        ...row,
        device_id: `dev_${String(part * 1_000 + i).padStart(26, '0')}`,
        serial: `TWIN-${part}-${i}`,
        tags: [],
        home_id: null,
        extended_warranty: null,
        attributes: JSON.stringify({ firmware: '2' }),
      }))
      await tx.insertInto('devices').values(twins).execute()
    }
  })
  for (const deviceId of ids) await world.fire({ deviceId })
  await world.another().idle()
  expect(await holds(world)).toMatchObject([{ state: 'held', limit: 122, cases: 130 }])
  const [hold] = await holds(world)
  await world.bridge.fleetHolds.drop(world.brandId, hold!.id, AS_BRAND)
  await world.another().idle()
  expect(await holds(world)).toMatchObject([{ state: 'dropped', cases: 0 }])
})
