import { expect, test } from 'vitest'
import type { PartnerEvent } from '#contracts'
import { ordersOf, type SecondPartner, secondPartner } from '../testing/second-partner.ts'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, OPERATOR, type World } from '../testing/world.ts'

/** An order at Fixit, with Mendit second in rank and known to the home. */
async function ordered(options: Parameters<typeof makeWorld>[0] = {}, share = true) {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true, ...options })
  const other = await secondPartner(world, { share })
  await world.fire()
  await world.pass(10 * MINUTE)
  return { world, other, orderId: (await world.onlyOrder()).id }
}

async function liveItems(world: World): Promise<number> {
  const rows = await world.db.asHub((tx) =>
    tx.selectFrom('order_items').select('item_id').where('live', '=', true).execute(),
  )
  return rows.length
}

async function expectRerouted(world: World, other: SecondPartner): Promise<void> {
  const [first, second] = await ordersOf(world)
  expect(await world.onlyCase()).toMatchObject({ state: 'ordered', workOrderId: second!.id })
  expect(second).toMatchObject({ partnerKey: 'mendit', state: 'sent', reworkOf: null, caseIds: first!.caseIds })
  expect(second!.charge).toMatchObject({ payer: 'homeowner', coverage: 'out_of_warranty' })
  expect(second!.packet.items[0]!.id).not.toBe(first!.packet.items[0]!.id)
  expect(world.partner.ofType('work_order.cancelled').map((one) => one.event.subject)).toEqual([first!.id])
  expect(other.server.ofType('work_order.created').map((one) => one.event.subject)).toEqual([second!.id])
  expect(await liveItems(world)).toBe(1)
}

test.each([
  ['C10', { status: 'rejected', reason: 'no_capacity' }, 'rejected'],
  ['C22', { status: 'failed', reason: 'part_missing' }, 'failed'],
  ['C22', { status: 'cancelled', reason: 'no_capacity' }, 'cancelled'],
] as [string, Partial<PartnerEvent> & { status: PartnerEvent['status'] }, string][])(
  '%s: %o ends the order there and asks the next partner',
  async (row, event, state) => {
    const { world, other, orderId } = await ordered()
    if (row === 'C22') await world.say(orderId, { status: 'accepted' })
    expect(await world.say(orderId, event)).toBe('applied')
    await expectRerouted(world, other)
    expect((await ordersOf(world))[0]).toMatchObject({ state })
    expect((await world.onlyCase()).events.map((one) => one.row)).toContain(row)
    // Its answers are beside the point now, its yes too.
    expect(['old', 'closed']).toContain(await world.say(orderId, { status: 'accepted' }))
    expect(await world.onlyCase()).toMatchObject({ state: 'ordered' })
  },
)

test('C10: acceptBy passes: told, ended there, the next is asked; a late yes is kept and moves nothing', async () => {
  const { world, other, orderId } = await ordered()
  await world.pass(4 * HOUR)
  await expectRerouted(world, other)
  expect(world.partner.ofType('work_order.sla_missed')[0]!.event.data).toMatchObject({ promise: 'acceptBy', visit: 1 })
  expect(world.brandServer.ofType('work_order.sla_missed')).toHaveLength(1)
  expect((await ordersOf(world))[0]).toMatchObject({ endReason: 'lapsed', missed: ['acceptBy 1'] })

  expect(await world.say(orderId, { status: 'accepted' })).toBe('closed')
  expect((await ordersOf(world))[0]).toMatchObject({ state: 'cancelled', acceptedAt: null })
  expect((await world.bridge.orders.get(world.brandId, orderId)).events).toMatchObject([
    { status: 'accepted', disposition: 'closed' },
  ])
  await expect(
    world.bridge.orders.site({ orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({ status: 410 })
  // The one that has the order now goes on undisturbed.
  const second = (await ordersOf(world))[1]!
  expect(await other.say(second.id, { status: 'accepted' })).toBe('applied')
  expect((await world.onlyCase()).state).toBe('scheduled')
})

test('C10: only partners the home agreed to are asked; with none left a person is told and it waits', async () => {
  const { world, other, orderId } = await ordered({}, false)
  await world.say(orderId, { status: 'rejected', reason: 'no_part' })
  expect(await world.onlyCase()).toMatchObject({ state: 'rerouting', needsReview: 'no consented partner can come' })
  expect(world.brandServer.ofType('case.no_partner')).toHaveLength(1)
  await world.pass(3 * DAY)
  expect(await ordersOf(world)).toHaveLength(1)
  expect(world.brandServer.ofType('case.no_partner')).toHaveLength(1)
  expect(other.server.received).toEqual([])
  // The home agrees to the other one.
  await world.consent('share', true, 'mendit')
  await world.bridge.idle()
  await expectRerouted(world, other)
})

test('C10: a changed agreement makes a partner that refused worth asking again', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.say((await world.onlyOrder()).id, { status: 'rejected', reason: 'price' })
  expect((await world.onlyCase()).state).toBe('rerouting')
  await world.pass(HOUR)
  const [agreement] = (await world.bridge.agreements.list(world.brandId, {})).items
  await world.bridge.agreements.update(world.brandId, agreement!.id, {
    agreement: { ...agreement!.agreement, settlement: { mode: 'fixed', amountMinor: 9_000 } },
    by: BRAND_USER,
  })
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('ordered')
  expect(await ordersOf(world)).toHaveLength(2)
  expect(await liveItems(world)).toBe(1)
})

test('a partner that joins the brand later is found by what waits for one', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.consent('share', true, 'mendit')
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.say((await world.onlyOrder()).id, { status: 'failed', reason: 'other' })
  expect((await world.onlyCase()).state).toBe('rerouting')
  const other = await secondPartner(world, { share: false })
  await world.bridge.idle()
  await expectRerouted(world, other)
})

test('what the home accepted stays its price: a dearer partner is not sent in place of the first', async () => {
  const world = await makeWorld()
  const dear = await secondPartner(world, {
    share: false,
    agreement: { prices: [{ kind: 'inspection', amountMinor: 99_900 }] },
  })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  await world.consent('share', true, 'mendit')
  await world.say((await world.onlyOrder()).id, { status: 'rejected', reason: 'price' })
  await world.consent('share', true, 'mendit')
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('rerouting')
  expect(dear.server.received).toEqual([])
  expect((await world.bridge.offers.view(await world.offerToken())).progress).toMatchObject({ waitingFor: 'partner' })
})

test('named when accepting: the second of two gets the order with the charge and the time that were agreed', async () => {
  const world = await makeWorld()
  const other = await secondPartner(world, { share: false })
  await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  const view = await world.bridge.offers.view(token)
  const slot = view.slots.at(-1)!
  await world.bridge.offers.accept(token, { slot, shareWith: ['fixit', 'mendit'], revision: view.revision })
  await world.bridge.idle()
  await world.say((await world.onlyOrder()).id, { status: 'rejected', reason: 'no_capacity' })
  await expectRerouted(world, other)
  const [first, second] = await ordersOf(world)
  expect(second!.charge).toEqual(first!.charge)
  expect(second!.packet.workOrder.window.slots).toEqual([slot])
})

test('a closed gate keeps the next partner from being asked, never the cancellation from leaving', async () => {
  const { world, other, orderId } = await ordered()
  await world.bridge.gates.close(world.brandId, { scope: 'partner', subject: 'mendit', reason: 'x', by: BRAND_USER })
  await world.say(orderId, { status: 'rejected', reason: 'no_capacity' })
  expect(world.partner.ofType('work_order.cancelled')).toHaveLength(1)
  expect((await world.onlyCase()).state).toBe('rerouting')
  await world.bridge.gates.open(world.brandId, { scope: 'partner', subject: 'mendit', by: BRAND_USER })
  await world.bridge.idle()
  await expectRerouted(world, other)
})

test('no promise runs while a gate of ours keeps the order from its partner, who does not find it by polling either', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  const view = await world.bridge.offers.view(token)
  await world.bridge.offers.accept(token, { slot: view.slots[0]!, shareWith: ['fixit'], revision: view.revision })
  // Written, and before it has left the gate is closed.
  const gate = { scope: 'region', subject: '31' } as const
  await world.bridge.gates.close(world.brandId, { ...gate, reason: 'x', by: BRAND_USER })
  await world.pass(12 * HOUR)
  expect(world.partner.received).toEqual([])
  expect((await world.bridge.orders.listForPartner('fixit', {})).items).toEqual([])
  expect(await world.onlyOrder()).toMatchObject({ state: 'sent', missed: [] })
  await world.bridge.gates.open(world.brandId, { ...gate, by: BRAND_USER })
  await world.bridge.idle()
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
  expect((await world.bridge.orders.listForPartner('fixit', {})).items).toHaveLength(1)
  await world.pass(4 * HOUR)
  expect(await world.onlyOrder()).toMatchObject({ state: 'cancelled', missed: ['acceptBy 1'] })
})

test.each([
  ['500, as long as it lasts', 500],
  ['410, and a dead letter at once', 410],
])('case 37: the first partner answers %s: another comes, and nothing brings its order back', async (_what, status) => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  const other = await secondPartner(world)
  world.partner.behave((_request, response) => response.writeHead(status).end())
  await world.fire()
  await world.pass(10 * MINUTE)
  const orderId = (await world.onlyOrder()).id
  await world.pass(5 * HOUR)
  expect((await ordersOf(world))[0]).toMatchObject({ id: orderId, state: 'cancelled', endReason: 'lapsed' })
  expect(other.server.ofType('work_order.created')).toHaveLength(1)
  expect(await liveItems(world)).toBe(1)
  const list = () => world.bridge.deliveries.list(world.brandId, { subject: orderId, endpointId: 'fixit' })
  const created = (await list()).items.find((one) => one.type.endsWith('.created'))!
  expect(created.state).toBe('cancelled')
  await expect(
    world.bridge.deliveries.redrive(world.brandId, { id: created.id }, { by: BRAND_USER }),
  ).rejects.toMatchObject({ code: 'STATE_FORBIDS' })

  const seen = world.partner.received.length
  world.partner.behave((_request, response) => response.writeHead(200).end())
  await world.bridge.partners.update('fixit', { state: 'active', by: OPERATOR })
  await world.bridge.deliveries.redrive(world.brandId, { endpointId: 'fixit' }, { by: BRAND_USER })
  await world.pass(HOUR)
  const types = world.partner.received.slice(seen).map((one) => one.event.type)
  expect(types).not.toContain('beforehand.work_order.created')
  expect(types).toContain('beforehand.work_order.cancelled')
})

test('a partner that lets orders lapse is asked after a dearer one', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  const lapse = async () => {
    await world.fire()
    await world.pass(10 * MINUTE)
    await world.pass(4 * HOUR)
    const record = (await world.bridge.cases.list(world.brandId, { live: true })).items[0]!
    await world.bridge.cases.cancel(world.brandId, record.id, { by: BRAND_USER, reason: 'test' })
    await world.pass(15 * DAY)
  }
  for (let i = 0; i < 5; i++) await lapse()
  const other = await secondPartner(world, { agreement: { prices: [{ kind: 'inspection', amountMinor: 90_000 }] } })
  await world.fire()
  await world.pass(10 * MINUTE)
  expect(other.server.ofType('work_order.created')).toHaveLength(1)
})

test('C21: consent withdrawn while another partner is looked for: nobody is to come any more', async () => {
  const { world, orderId } = await ordered({}, false)
  await world.say(orderId, { status: 'rejected', reason: 'no_part' })
  await world.consent('share', false)
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'cancelled' })
  await world.pass(2 * DAY)
  expect(await ordersOf(world)).toHaveLength(1)
})
