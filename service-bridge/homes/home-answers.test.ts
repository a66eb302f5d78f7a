import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

async function offered(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { token: string }> {
  const world = await makeWorld(options)
  await world.fire()
  await world.pass(10 * MINUTE)
  return Object.assign(world, { token: await world.offerToken() })
}
/** A home whose visit is done. */
async function visited(
  options: Parameters<typeof makeWorld>[0] = {},
): Promise<World & { token: string; orderId: string }> {
  const world = await offered(options)
  await world.acceptOffer()
  const { id } = await world.onlyOrder()
  for (const status of ['accepted', 'arrived'] as const) await world.say(id, { status })
  await world.complete(id)
  return Object.assign(world, { orderId: id })
}
const cases = async (world: World) => (await world.bridge.cases.list(world.brandId, {})).items
const STARS = { attitude: 5, quality: 4, speed: 3, solved: true }

test('no more offers of this kind: the need ends, its like end before anybody is asked, danger does not', async () => {
  const world = await offered()
  const view = await world.bridge.offers.stop(world.token, { text: 'SENTINEL-WORDS' })
  expect(view).toMatchObject({ state: 'declined', stopped: true, choices: ['resume'] })
  await world.pass(15 * DAY)
  await world.fire()
  const other = await world.device()
  await world.fire({ deviceId: other })
  await world.pass(DAY)
  expect((await cases(world)).map((one) => [one.state, one.endedBy])).toEqual(Array(3).fill(['declined', 'stopped']))
  expect(world.brandServer.ofType('notice.requested')).toHaveLength(1)
  await world.fire({ component: 'fan' })
  await world.fire({ deviceId: other, severity: 'critical', safety: 'overheat' })
  await world.pass(DAY)
  const states = (await cases(world)).filter((one) => one.endedBy !== 'stopped').map((one) => one.state)
  expect(states).toEqual(['offered', 'offered'])
  const rows = await world.db.asHub((tx) => tx.selectFrom('deliveries').select('body').execute())
  expect(JSON.stringify(rows)).not.toContain('SENTINEL-WORDS')
  const words = await world.bridge.offers.words(world.brandId, view.id, { by: BRAND_USER })
  expect(words).toEqual({ decline: null, stop: 'SENTINEL-WORDS', rating: null })
})

test('a stop ends what else of its kind the home has open, and leaves another home alone', async () => {
  const world = await makeWorld()
  const [second, elsewhere] = [await world.device(), await world.device({ homeId: await world.home() })]
  await world.fire()
  await world.fire({ deviceId: elsewhere })
  await world.pass(10 * MINUTE)
  await world.fire({ deviceId: second })
  const own = (await world.bridge.offers.list(world.brandId, { homeId: world.homeId })).items[0]!
  await world.bridge.offers.stop(own.link.split('/').at(-1)!)
  await world.pass(DAY)
  const byDevice = Object.fromEntries((await cases(world)).map((one) => [one.deviceId, one.state]))
  expect(byDevice).toEqual({ [world.deviceId]: 'declined', [second]: 'declined', [elsewhere]: 'offered' })
})

test('taken back on the page: what is still wrong is asked about again, without waiting out the peace', async () => {
  const world = await offered()
  await world.bridge.offers.stop(world.token)
  expect(await world.bridge.offers.resume(world.token)).toMatchObject({ stopped: false, choices: [] })
  await world.pass(10 * MINUTE)
  expect((await cases(world)).map((one) => one.state).sort()).toEqual(['declined', 'offered'])
  await expect(world.bridge.offers.resume(world.token)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
})

test('taken back by the brand, when the home tells it so', async () => {
  const world = await offered()
  await world.bridge.offers.stop(world.token)
  const [stop] = await world.bridge.homes.stops(world.brandId, world.homeId)
  expect(stop).toMatchObject({ category: 'air-purifier', componentKind: 'filter' })
  await world.bridge.homes.liftStop(world.brandId, world.homeId, stop!.id, { by: BRAND_USER })
  expect(await world.bridge.homes.stops(world.brandId, world.homeId)).toEqual([])
  await world.pass(10 * MINUTE)
  expect((await cases(world))[0]).toMatchObject({ state: 'offered' })
})

test('what the home meant to do itself leads back to a visit, by the same link', async () => {
  const world = await offered()
  await world.bridge.offers.selfService(world.token)
  await world.pass(2 * DAY)
  expect((await world.bridge.offers.view(world.token)).choices).toContain('accept')
  await world.acceptOffer()
  expect((await world.onlyCase()).state).toBe('ordered')
  expect(await world.changes()).toEqual(['verification.started', 'verification.cancelled'])
  await world.say((await world.onlyOrder()).id, { status: 'accepted' })
  await world.pass(30 * DAY)
  expect((await world.onlyCase()).state).toBe('scheduled')
})

test('words beside a no are kept sealed, and nowhere in plain', async () => {
  const world = await offered()
  await world.bridge.offers.decline(world.token, { reason: 'other', text: 'SENTINEL-WORDS' })
  const rows = await world.db.asHub(async (tx) => [
    await tx.selectFrom('offers').selectAll().execute(),
    await tx.selectFrom('case_events').selectAll().execute(),
    await tx.selectFrom('deliveries').selectAll().execute(),
  ])
  expect(JSON.stringify(rows)).not.toContain('SENTINEL-WORDS')
  const { items } = await world.bridge.offers.list(world.brandId, {})
  expect(await world.bridge.offers.words(world.brandId, items[0]!.id, { by: BRAND_USER })).toMatchObject({
    decline: 'SENTINEL-WORDS',
  })
})

test('stars: once a visit is done, changeable for a week, counted for the agreement', async () => {
  const world = await offered()
  await expect(world.bridge.offers.rate(world.token, STARS)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.acceptOffer()
  const { id } = await world.onlyOrder()
  for (const status of ['accepted', 'arrived'] as const) await world.say(id, { status })
  expect((await world.bridge.offers.view(world.token)).choices).not.toContain('rate')
  await world.complete(id)
  expect((await world.bridge.offers.view(world.token)).choices).toContain('rate')
  const rated = await world.bridge.offers.rate(world.token, STARS)
  expect(rated.progress?.rating).toMatchObject(STARS)
  await world.pass(6 * DAY)
  await world.bridge.offers.rate(world.token, { ...STARS, attitude: 1 })
  const [agreement] = (await world.bridge.agreements.list(world.brandId, {})).items
  expect(await world.bridge.agreements.ratings(world.brandId, agreement!.id)).toEqual({
    count: 1,
    attitude: 1,
    quality: 4,
    speed: 3,
    solvedShare: 1,
  })
  await world.pass(DAY)
  await expect(world.bridge.offers.rate(world.token, STARS)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  expect((await world.bridge.offers.view(world.token)).choices).not.toContain('rate')
})

test('stars that say it is not solved put the order before a person', async () => {
  const world = await visited()
  await world.bridge.offers.rate(world.token, { ...STARS, solved: false })
  expect(await world.onlyOrder()).toMatchObject({ needsReview: 'the home says it is not solved' })
})

test('still broken after the repair: the same case again, as rework, and brand and partner are told', async () => {
  const world = await visited()
  expect((await world.onlyCase()).state).toBe('verifying')
  const { changeId } = await world.bridge.offers.reportProblem(world.token, { kind: 'still_broken', text: 'SENTINEL' })
  expect(changeId).toMatch(/^chg_/)
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'open' })
  expect(world.partner.ofType('work_order.not_fixed')).toHaveLength(1)
  expect(await world.changes()).toContain('fault.reported')
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const orders = (await world.bridge.orders.list(world.brandId, {})).items
  expect(orders.map((order) => order.packet.workOrder.reworkOf)).toEqual([world.orderId, null])
  expect(orders[0]!.packet.workOrder.charge).toMatchObject({ coverage: 'guarantee' })
})

test('still broken a week after it was proven: the same case too', async () => {
  const world = await visited()
  await world.endVerification((await world.onlyCase()).id, 'verified')
  await world.pass(7 * DAY)
  expect((await world.bridge.offers.view(world.token)).choices).toContain('report_problem')
  await world.bridge.offers.reportProblem(world.token, { kind: 'still_broken' })
  expect((await world.onlyCase()).state).toBe('open')
})

test('a complaint about the visit is kept and read by a person; pressed twice it is one', async () => {
  const world = await visited()
  for (let i = 0; i < 2; i++)
    expect(
      await world.bridge.offers.reportProblem(world.token, { kind: 'damage', text: 'SENTINEL-WORDS' }),
    ).toMatchObject({ changeId: null })
  await world.bridge.idle()
  expect(await world.onlyOrder()).toMatchObject({ needsReview: 'the home reports a problem: damage' })
  const { items } = await world.bridge.faultReports.list(world.brandId, {})
  expect(items).toMatchObject([{ problem: 'damage', channel: 'page', hasText: true, externalRef: null }])
  expect(await world.bridge.faultReports.get(world.brandId, items[0]!.id, { by: BRAND_USER })).toMatchObject({
    text: 'SENTINEL-WORDS',
    diagnosis: null,
  })
  expect(world.brandServer.ofType('offer.problem_reported')).toHaveLength(1)
  expect(JSON.stringify(world.brandServer.ofType('offer.problem_reported'))).not.toContain('SENTINEL-WORDS')
})

test('before anybody was asked to come there is nothing to complain of', async () => {
  const world = await offered()
  await expect(world.bridge.offers.reportProblem(world.token, { kind: 'damage' })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('a gate closed on the only partner holds the offer; opened, what waited goes on in its order, not at night', async () => {
  const world = await makeWorld()
  const homes = [await world.home(), await world.home(), await world.home()]
  const gate = { scope: 'partner', subject: 'fixit', by: BRAND_USER } as const
  await world.bridge.gates.close(world.brandId, { ...gate, reason: 'complaints' })
  for (const homeId of homes) {
    await world.fire({ deviceId: await world.device({ homeId }) })
    await world.pass(HOUR)
  }
  expect((await cases(world)).map((one) => one.state)).toEqual(['open', 'open', 'open'])
  await world.pass(9 * HOUR)
  await world.bridge.gates.open(world.brandId, gate)
  await world.bridge.idle()
  expect((await cases(world)).map((one) => one.state)).toEqual(['open', 'open', 'open'])
  await world.pass(12 * HOUR)
  expect((await cases(world)).map((one) => one.state)).toEqual(['offered', 'offered', 'offered'])
  // All at the same moment of hub time: the order is that of their transactions.
  const told = await world.db.asHub((tx) =>
    tx.selectFrom('offers').select('home_id').orderBy(sql`xmin::text::bigint`).execute(),
  )
  expect(told.map((row) => row.home_id)).toEqual(homes)
})
