import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { BRAND_USER, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'
import { SWEEPS } from './home-sweep.ts'

/** Tables that hang on a home and keep something of it on purpose; each says what, and why that is nobody. */
const KEPT: Record<string, string> = {
  consents:
    'the proof that sharing was allowed: purpose, text, recipient, times; withdrawn, and of an id without a person',
  home_erasures: 'that the home asked, and what was taken away',
  devices: 'the appliance itself, which no longer stands in the home',
  case_episodes: 'which alerts of the appliance a need joined',
  order_items: 'verdict, cause and parts of each appliance that was repaired',
  offer_items: 'which needs were asked together',
  ratings: 'how the partner did, in numbers; its words are swept',
}

const erase = (world: World) =>
  world.db.asBrand(world.brandId, (tx) => world.bridge.homes.erase(tx, world.brandId, world.homeId, { by: BRAND_USER }))
const report = (world: World) => world.bridge.homes.erasure(world.brandId, world.homeId)

async function withOrder() {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'accepted' })
  return { world, orderId: order.id }
}

test('every table that hangs on a home is swept, or says what it keeps', async () => {
  const world = await makeWorld()
  const { rows } = await world.db.asHub((tx) =>
    sql<{ name: string }>`
      WITH RECURSIVE hanging AS (
        SELECT attrelid AS id FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE a.attname = 'home_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        UNION
        SELECT f.conrelid FROM pg_constraint f JOIN hanging h ON f.confrelid = h.id
         WHERE f.contype = 'f' AND f.confrelid <> 'devices'::regclass)
      SELECT DISTINCT id::regclass::text AS name FROM hanging ORDER BY 1`.execute(tx),
  )
  const unknown = rows.map((row) => row.name).filter((name) => !(name in SWEEPS) && !(name in KEPT))
  expect(unknown).toEqual([])
})

test('with nothing on its way it is done at once; asked again it says the same', async () => {
  const world = await makeWorld()
  const done = await erase(world)
  expect(done).toMatchObject({ state: 'done', removed: { people: 1, homes: 1 } })
  expect(await report(world)).toEqual(done)
  await expect(world.bridge.homes.erasure(world.brandId, 'home_none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a live order is called off and its partner told; the link is dead, and what was queued is gone', async () => {
  const { world, orderId } = await withOrder()
  const token = await world.offerToken()
  world.brandServer.behave((_request, response) => response.writeHead(503).end())
  await world.say(orderId, { status: 'dispatched' })
  expect(await erase(world)).toMatchObject({ state: 'running' })
  await world.bridge.idle()
  expect(await world.onlyOrder()).toMatchObject({ state: 'cancelled' })
  expect(world.partner.ofType('work_order.cancelled')).toHaveLength(1)
  await expect(world.bridge.offers.view(token)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  world.brandServer.behave((_request, response) => response.writeHead(410).end())
  await world.pass(25 * HOUR)
  expect(await report(world)).toMatchObject({ state: 'done' })
  const bodies = await world.db.asHub((tx) =>
    // What the appliance itself reported is not the home's.
    tx
      .selectFrom('deliveries')
      .select(['type', 'state', 'body'])
      .where('state', '<>', 'pending')
      .where('type', 'not like', 'beforehand.alert.%')
      .execute(),
  )
  expect(bodies.length).toBeGreaterThan(0)
  expect(bodies.filter((row) => row.body !== '')).toEqual([])
})

test('why the brand called it off: sealed, told to nobody, shown to the brand, and gone with the home', async () => {
  const { world, orderId } = await withOrder()
  const everything = () =>
    world.db.asHub(async (tx) =>
      JSON.stringify([
        await tx.selectFrom('case_events').selectAll().execute(),
        await tx.selectFrom('cases').selectAll().execute(),
        await tx.selectFrom('deliveries').selectAll().execute(),
        await tx.selectFrom('audit').selectAll().execute(),
      ]),
    )
  await world.bridge.orders.cancel(world.brandId, orderId, { by: BRAND_USER, reason: 'SENTINEL-REASON' })
  await world.bridge.idle()
  expect(await everything()).not.toContain('SENTINEL-REASON')
  expect(world.partner.ofType('work_order.cancelled')).toMatchObject([{ event: { data: { reason: 'called_off' } } }])
  const said = async () => (await world.onlyCase()).events.at(-1)
  expect(await said()).toMatchObject({ event: 'cancelled', why: 'called_off', words: 'SENTINEL-REASON' })
  await erase(world)
  expect(await said()).toMatchObject({ event: 'cancelled', words: null })
})

test('called off by the brand after the home was forgotten: its words are not taken', async () => {
  const { world, orderId } = await withOrder()
  await world.say(orderId, { status: 'arrived' })
  await erase(world)
  await world.say(orderId, { status: 'awaiting_parts' })
  const record = await world.onlyCase()
  await world.bridge.cases.cancel(world.brandId, record.id, { by: BRAND_USER, reason: 'SENTINEL-REASON' })
  expect((await world.onlyCase()).events.at(-1)).toMatchObject({ event: 'cancelled', words: null })
})

test('somebody at the door finishes; what is written then of the home is not kept, and a day later it is over', async () => {
  const { world, orderId } = await withOrder()
  await world.say(orderId, { status: 'arrived' })
  expect((await erase(world)).state).toBe('running')
  await world.pass(3 * HOUR)
  expect((await report(world)).state).toBe('running')
  await world.complete(orderId)
  const order = await world.onlyOrder()
  expect(order).toMatchObject({
    state: 'completed',
    outcome: { items: [{ verdict: 'confirmed', report: { found: '' } }] },
  })
  await world.pass(2 * HOUR)
  expect((await report(world)).state).toBe('done')
})

test('nobody ever says that the visit ended: a day later it is over all the same', async () => {
  const { world, orderId } = await withOrder()
  await world.say(orderId, { status: 'arrived', technician: { ref: 'T-1', name: 'SENTINEL-TECHNICIAN' } })
  const { dueBy } = await erase(world)
  await world.pass(24 * HOUR)
  const done = await report(world)
  expect(done.state).toBe('done')
  expect(Date.parse(done.doneAt!)).toBeLessThanOrEqual(Date.parse(dueBy))
})

test('a sweep that dies half way is done again by the next process', async () => {
  const { world, orderId } = await withOrder()
  await world.say(orderId, { status: 'arrived' })
  await erase(world)
  await world.complete(orderId)
  const before = await report(world)
  // The last write of a sweep fails, as with a process that dies there: nothing of that sweep is there.
  await world.owner('ALTER TABLE home_erasures ADD CONSTRAINT dies CHECK (sweeps < 2)')
  await world.pass(HOUR)
  expect(await report(world)).toEqual(before)
  await world.owner('ALTER TABLE home_erasures DROP CONSTRAINT dies')
  await world.bridge.stop()
  const next = world.another()
  world.clock.advance(2 * HOUR)
  await next.idle()
  expect(await next.homes.erasure(world.brandId, world.homeId)).toMatchObject({ state: 'done' })
})
