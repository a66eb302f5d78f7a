import { expect, test } from 'vitest'
import { instant, type PartnerQuote } from '#contracts'
import { isQuiet } from '../notices/quiet-hours.ts'
import { ordersOf, secondPartner } from '../testing/second-partner.ts'
import { DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'
import { chargeHash } from './create-order.ts'

const LINES: PartnerQuote['lines'] = [
  { kind: 'inspection', amountMinor: 3_000 },
  { kind: 'part', sku: 'HEPA-300', amountMinor: 9_900 },
  { kind: 'labour', amountMinor: 5_000 },
]

type Offered = World & { orderId: string; token: string }

async function accepted(options: Parameters<typeof makeWorld>[0] = {}): Promise<Offered> {
  const world = await makeWorld(options)
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  return Object.assign(world, { orderId: (await world.onlyOrder()).id, token: await world.offerToken() })
}

function quote(world: World, orderId: string, more: Partial<PartnerQuote> = {}): Promise<string> {
  const validUntil = instant(world.clock.nowMs() + 2 * DAY)
  return world.say(orderId, {
    status: 'quoted',
    quote: { version: 2, lines: LINES, reason: 'The housing is cracked too.', validUntil, ...more },
  })
}

const view = (world: Offered) => world.bridge.offers.view(world.token)
const decided = (world: World) => world.partner.ofType('work_order.quote_decided').map((one) => one.event.data)

test.each([
  ['ordered', []],
  ['scheduled', ['accepted']],
  ['in_progress', ['accepted', 'arrived']],
  ['awaiting_parts', ['accepted', 'arrived', 'awaiting_parts']],
] as const)('C12: quoted while %s, asked, accepted, and on from there', async (state, said) => {
  const world = await accepted()
  for (const status of said) await world.say(world.orderId, { status })
  expect((await world.onlyCase()).state).toBe(state)
  const before = (await world.onlyOrder()).charge
  expect(await quote(world, world.orderId)).toBe('applied')
  expect((await world.onlyCase()).state).toBe('awaiting_quote')
  const asked = await view(world)
  expect(asked.choices).toContain('quote')
  expect(asked.progress?.waitingFor).toBe('quote')
  expect(asked.quote).toMatchObject({
    version: 2,
    lines: LINES,
    agreedMinor: 12_900,
    totalMinor: 17_900,
    reason: 'The housing is cracked too.',
    ifDeclined: 'cancel',
  })

  const after = await world.bridge.offers.quote(world.token, 2, { decision: 'accept' })
  await world.bridge.idle()
  expect(after).toMatchObject({ quote: null, charge: { totalMinor: 17_900, quoteVersion: 2 } })
  expect((await world.onlyCase()).state).toBe(state)
  const { charge, packet, quotes } = await world.onlyOrder()
  expect(charge).toMatchObject({ lines: LINES, payer: before.payer, coverage: before.coverage })
  expect(charge.acceptance).toEqual({ method: 'page', sha256: chargeHash(charge) })
  expect(charge.acceptance!.sha256).not.toBe(before.acceptance!.sha256)
  // What was sent stays what was sent.
  expect(packet.workOrder.charge).toEqual(before)
  expect(quotes).toMatchObject([{ version: 2, state: 'accepted' }])
  expect(decided(world)).toMatchObject([{ version: 2, decision: 'accept', next: 'continue', charge }])
  // Twice is once.
  await world.bridge.offers.quote(world.token, 2, { decision: 'accept' })
  await expect(world.bridge.offers.quote(world.token, 2, { decision: 'decline' })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
  expect(decided(world)).toHaveLength(1)
})

test('C12: no, and the partner cannot do it for the agreed price: the visit is off, told in that order', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'accepted' })
  await quote(world, world.orderId)
  await world.bridge.offers.quote(world.token, 2, { decision: 'decline' })
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'cancelled' })
  expect(await world.onlyOrder()).toMatchObject({ state: 'cancelled', endReason: 'quote_refused' })
  const events = world.partner.received.map((one) => [one.event.type, Number(one.event.sequence)] as const)
  const told = (type: string) => events.find(([one]) => one === `beforehand.work_order.${type}`)![1]
  expect(told('quote_decided')).toBeLessThan(told('cancelled'))
  expect(decided(world)).toMatchObject([{ decision: 'decline', next: 'cancelled', charge: { totalMinor: 12_900 } }])
  await expect(
    world.bridge.orders.site({ orderId: world.orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({ status: 410 })
})

test('C12: no, and the partner goes on for what was agreed', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'arrived' })
  await quote(world, world.orderId, { ifDeclined: 'continue' })
  await world.bridge.offers.quote(world.token, 2, { decision: 'decline' })
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('in_progress')
  expect((await world.onlyOrder()).charge).toMatchObject({ totalMinor: 12_900, quoteVersion: 1 })
  expect(decided(world)).toMatchObject([{ decision: 'decline', next: 'continue', charge: { totalMinor: 12_900 } }])
  expect(await world.complete(world.orderId)).toBe('applied')
})

test('a newer version takes the place of an older one; an older that comes late is kept and asks nothing', async () => {
  const world = await accepted()
  await quote(world, world.orderId, { version: 3 })
  expect(await quote(world, world.orderId, { version: 2 })).toBe('old')
  await quote(world, world.orderId, { version: 4, lines: [{ kind: 'labour', amountMinor: 4_000 }] })
  expect((await view(world)).quote).toMatchObject({ version: 4, totalMinor: 4_000 })
  await expect(world.bridge.offers.quote(world.token, 3, { decision: 'accept' })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
  await expect(world.bridge.offers.quote(world.token, 2, { decision: 'accept' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  await world.bridge.offers.quote(world.token, 4, { decision: 'accept' })
  expect((await world.onlyOrder()).charge.totalMinor).toBe(4_000)
  expect((await world.onlyOrder()).quotes.map((one) => [one.version, one.state])).toEqual([
    [3, 'replaced'],
    [4, 'accepted'],
  ])
})

test('out of its validity: a no of its own, told as such; too late to decide', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'accepted' })
  await quote(world, world.orderId, { ifDeclined: 'continue' })
  await world.pass(2 * DAY)
  expect((await world.onlyCase()).state).toBe('scheduled')
  expect(decided(world)).toMatchObject([{ version: 2, decision: 'expired', next: 'continue' }])
  await expect(world.bridge.offers.quote(world.token, 2, { decision: 'accept' })).rejects.toMatchObject({
    code: 'OFFER_EXPIRED',
  })
  await expect(
    quote(world, world.orderId, { version: 3, validUntil: instant(world.clock.nowMs() - 1) }),
  ).rejects.toMatchObject({ code: 'VALIDATION_FAILED', pointer: '/quote/validUntil' })
})

test('the answer to the order is owed anew after the decision, and not while the home thinks', async () => {
  const world = await accepted()
  await quote(world, world.orderId)
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('awaiting_quote')
  await world.bridge.offers.quote(world.token, 2, { decision: 'accept' })
  await world.pass(3 * HOUR)
  expect((await world.onlyCase()).state).toBe('ordered')
  await world.pass(2 * HOUR)
  expect(await world.onlyOrder()).toMatchObject({ endReason: 'lapsed' })
})

test('the visit goes on while the home thinks; what is done without an answer is done for the agreed price', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'accepted' })
  await quote(world, world.orderId)
  await world.say(world.orderId, { status: 'arrived' })
  expect((await world.onlyCase()).state).toBe('awaiting_quote')
  const { items } = (await world.onlyOrder()).packet
  await world.say(world.orderId, {
    status: 'completed',
    outcome: {
      items: [{ item: items[0]!.id, verdict: 'confirmed', report: { found: 'x', done: [], advice: '' } }],
      charge: { lines: LINES, totalMinor: 17_900 },
    },
  })
  expect((await world.onlyCase()).state).toBe('verifying')
  expect(await world.onlyOrder()).toMatchObject({ overcharged: true, quotes: [{ state: 'withdrawn' }] })
  await expect(world.bridge.offers.quote(world.token, 2, { decision: 'accept' })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('the home is asked, never at night, and only where it may be asked', async () => {
  // Ten in the evening in Shanghai.
  const world = await accepted()
  world.clock.advanceTo(Date.UTC(2026, 5, 2, 14, 0))
  await quote(world, world.orderId)
  const notices = (await world.bridge.notices.list(world.brandId, {})).items.filter((one) => one.reasonCode === 'quote')
  expect(notices).toHaveLength(1)
  const quiet = { from: '21:00', to: '08:30', timeZone: 'Asia/Shanghai' }
  expect(isQuiet(world.clock.nowMs(), quiet)).toBe(true)
  expect(isQuiet(Date.parse(notices[0]!.sendAfter), quiet)).toBe(false)
  expect(notices[0]!.link).toContain('/h/')
  expect(notices[0]!.text['zh-CN']!.length).toBeLessThanOrEqual(60)

  const silent = await accepted()
  await silent.consent('contact', false)
  await quote(silent, silent.orderId)
  const reasons = (await silent.bridge.notices.list(silent.brandId, {})).items.map((one) => one.reasonCode)
  expect(reasons).not.toContain('quote')
  expect((await silent.onlyOrder()).needsReview).toBe('the home cannot be asked about the quote')
})

test('an order dispatched without an offer gets a page on which the home decides', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  const { id } = await world.onlyOrder()
  await world.say(id, { status: 'accepted' })
  await quote(world, id)
  const token = await world.offerToken()
  const asked = await world.bridge.offers.view(token)
  expect(asked).toMatchObject({ state: 'accepted', quote: { totalMinor: 17_900 } })
  await world.bridge.offers.quote(token, 2, { decision: 'accept' })
  expect((await world.onlyCase()).state).toBe('scheduled')
  expect((await world.onlyOrder()).charge.totalMinor).toBe(17_900)
})

test('given back after it was quoted: the next partner’s quote is asked on the page the home has, about its own order', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  const other = await secondPartner(world, { agreement: { prices: [{ kind: 'inspection', amountMinor: 5_000 }] } })
  await world.fire()
  await world.pass(10 * MINUTE)
  const partners = { fixit: world, mendit: other }
  const [first] = await ordersOf(world)
  const speaker = partners[first!.partnerKey as 'fixit']
  const next = partners[first!.partnerKey === 'fixit' ? 'mendit' : 'fixit']
  const priced = (version: number, amountMinor: number) => ({
    status: 'quoted' as const,
    quote: {
      version,
      lines: [{ kind: 'labour' as const, amountMinor }],
      reason: 'more to do',
      validUntil: instant(world.clock.nowMs() + DAY),
    },
  })
  await speaker.say(first!.id, { status: 'accepted' })
  await speaker.say(first!.id, priced(2, 30_000))
  const token = await world.offerToken()
  await speaker.say(first!.id, { status: 'cancelled', reason: 'no_capacity' })
  const second = (await ordersOf(world))[1]!
  expect(second.state).toBe('sent')
  await next.say(second.id, { status: 'accepted' })
  expect(await next.say(second.id, priced(2, 20_000))).toBe('applied')
  const asked = await world.bridge.offers.view(token)
  expect(asked).toMatchObject({ state: 'accepted', quote: { totalMinor: 20_000, workOrder: second.id } })
  expect((await world.bridge.offers.list(world.brandId, {})).items).toHaveLength(1)
  await world.bridge.offers.quote(token, 2, { decision: 'accept' })
  expect((await world.bridge.orders.get(world.brandId, second.id)).charge.totalMinor).toBe(20_000)
})

test('the database keeps the charge: only an accepted quote replaces it, by exactly what was accepted', async () => {
  const world = await accepted()
  await quote(world, world.orderId)
  const { charge } = await world.onlyOrder()
  const dearer = { ...charge, totalMinor: 17_900, quoteVersion: 2 }
  const set = (change: object) =>
    world.db.asBrand(world.brandId, (tx) => tx.updateTable('work_orders').set(change).execute())
  // Not accepted yet.
  await expect(set({ charge: JSON.stringify(dearer), charge_sha256: '1'.repeat(64) })).rejects.toThrow('frozen')
  await world.bridge.offers.quote(world.token, 2, { decision: 'accept' })
  const now = (await world.onlyOrder()).charge
  const more = JSON.stringify({ ...now, totalMinor: 99_900 })
  await expect(set({ charge: more, charge_sha256: now.acceptance!.sha256 })).rejects.toThrow('frozen')
  await expect(set({ charge: JSON.stringify(now), charge_sha256: '2'.repeat(64) })).rejects.toThrow('frozen')
})
