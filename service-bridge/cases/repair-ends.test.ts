import { expect, test } from 'vitest'
import { instant, type Outcome } from '#contracts'
import { overchargeOf } from '../orders/overcharge.ts'
import { ordersOf, secondPartner } from '../testing/second-partner.ts'
import { DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

async function repaired(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { orderId: string }> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true, ...options })
  await world.fire()
  await world.pass(10 * MINUTE)
  const orderId = (await world.onlyOrder()).id
  await world.complete(orderId)
  return Object.assign(world, { orderId })
}

test('C19: a part is claimed and does not show: closed so, told to both, and a person looks', async () => {
  const world = await repaired()
  const { change } = await world.db.asHub(async (tx) => {
    const rows = await tx.selectFrom('control_changes').select('change').execute()
    return rows.find((row) => row.change.type === 'verification.started')!
  })
  // Against where the signal stood when the need was found: the mean of 188 and 262.1.
  expect(change).toMatchObject({ partReplaced: true, before: { filter_dp_pa: 225.05 } })
  await world.endVerification((await world.onlyCase()).id, 'not_observed')
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({
    state: 'closed',
    end: 'not_observed',
    needsReview: 'a part is claimed replaced, and the signal does not show it',
  })
  const [told] = world.partner.ofType('work_order.not_observed')
  const { objectUntil } = told!.event.data as { objectUntil: string }
  expect(Date.parse(objectUntil)).toBe(world.clock.nowMs() + 72 * HOUR)
  expect(world.brandServer.ofType('work_order.not_observed')).toHaveLength(1)
  const order = await world.onlyOrder()
  expect(order).toMatchObject({ objectUntil, items: [{ verified: 'not_observed' }] })
})

test('the partner objects within 72 hours: kept, told to the brand; later it is refused', async () => {
  const world = await repaired()
  await world.endVerification((await world.onlyCase()).id, 'not_observed')
  await world.pass(72 * HOUR - MINUTE)
  const objection = { text: 'SENTINEL-WORDS the old filter is in our workshop' }
  expect(await world.say(world.orderId, { status: 'objected', objection }, 'objection-1')).toBe('applied')
  expect(await world.say(world.orderId, { status: 'objected', objection }, 'objection-1')).toBe('replayed')
  const order = await world.onlyOrder()
  expect(order).toMatchObject({ needsReview: 'the partner objected' })
  expect(order.objectedAt).not.toBeNull()
  const [told] = world.brandServer.ofType('work_order.objected')
  expect(told!.event.data).toMatchObject({ items: [{ verified: 'not_observed' }] })
  expect(told!.body).not.toContain('SENTINEL')
  // Nothing else changes by it.
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'not_observed' })
  await world.pass(2 * MINUTE)
  await expect(world.say(world.orderId, { status: 'objected', objection })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
    status: 409,
  })
  await expect(
    world.say(world.orderId, { status: 'objected', objection: { ...objection, items: ['it_other'] } }),
  ).rejects.toMatchObject({ pointer: '/objection/items/0' })
})

test('the technician’s link shows how the repair ended and takes an objection, once and in time', async () => {
  const world = await repaired()
  const token = (await world.onlyOrder()).packet.links.job.split('/').at(-1)!
  expect(await world.bridge.jobs.view(token)).toMatchObject({ allowed: [], doubted: [] })
  await world.pass(HOUR)
  await world.endVerification((await world.onlyCase()).id, 'not_observed')
  const endedAtMs = world.clock.nowMs()
  const [item] = (await world.onlyOrder()).items
  const doubted = [{ item: item!.id, end: 'not_observed', objectUntil: instant(endedAtMs + 72 * HOUR) }]
  expect(await world.bridge.jobs.view(token)).toMatchObject({ allowed: ['objected'], doubted, status: 'completed' })
  const body = { status: 'objected', visit: 1, objection: { text: 'SENTINEL-WORDS the old one is with us' } } as const
  const after = await world.bridge.jobs.event(token, body)
  expect(after).toMatchObject({ allowed: [], doubted })
  expect(after.events.at(-1)).toMatchObject({ status: 'objected' })
  await world.bridge.idle()
  expect((await world.onlyOrder()).needsReview).toBe('the partner objected')
  expect(world.brandServer.ofType('work_order.objected')).toHaveLength(1)
  expect(JSON.stringify(world.brandServer.received)).not.toContain('SENTINEL')
  await world.pass(72 * HOUR)
  expect(await world.bridge.jobs.view(token)).toMatchObject({ allowed: [], doubted: [] })
})

test('a rework by another partner is not that one’s to pay, and the home pays nothing either way', async () => {
  const world = await repaired()
  const other = await secondPartner(world)
  await world.endVerification((await world.onlyCase()).id, 'not_fixed')
  await world.pass(10 * MINUTE)
  const [first, own] = await ordersOf(world)
  // Whoever made the repair comes first, at its own cost.
  expect(own).toMatchObject({ partnerKey: 'fixit', reworkOf: first!.id })
  expect(own!.charge).toMatchObject({ payer: 'partner', coverage: 'guarantee' })
  await world.say(own!.id, { status: 'rejected', reason: 'no_capacity' })
  const third = (await ordersOf(world))[2]!
  expect(third).toMatchObject({ partnerKey: other.key, reworkOf: first!.id })
  expect(third.charge).toMatchObject({ payer: 'brand', coverage: 'guarantee' })
})

test('a device that is removed while its repair is being proven: closed as unknown, nobody blamed or asked', async () => {
  const world = await repaired()
  const episode = { episodeId: (await world.onlyCase()).episodeIds[0]! }
  await world.resolve({ ...(await world.fire(episode)) }, 'device_removed')
  await world.bridge.idle()
  const record = await world.onlyCase()
  expect(record).toMatchObject({ state: 'closed', end: 'unverified', needsReview: null })
  expect(record.events.at(-1)).toMatchObject({ event: 'device_gone' })
  expect(world.partner.ofType('work_order.unverified')).toHaveLength(1)
  const reasons = (await world.bridge.notices.list(world.brandId, {})).items.map((one) => one.reasonCode)
  expect(reasons).not.toContain('solved_question')
  expect(await world.changes()).toContain('verification.cancelled')
})

test('a part that is not the maker’s own is shown to the brand', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  const order = await world.onlyOrder()
  await world.say(order.id, {
    status: 'completed',
    outcome: {
      items: [
        {
          item: order.items[0]!.id,
          verdict: 'confirmed',
          partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'compatible' }],
          report: { found: '', done: [], advice: '' },
        },
      ],
    },
  })
  expect((await world.onlyOrder()).needsReview).toBe('part HEPA-300 is compatible')
})

test('overcharged is what somebody has to pay more, line by line', () => {
  const agreed = {
    totalMinor: 12_900,
    lines: [
      { kind: 'inspection' as const, amountMinor: 3_000 },
      { kind: 'part' as const, sku: 'HEPA-300', amountMinor: 9_900 },
    ],
  }
  const taken = (lines: NonNullable<Outcome['charge']>['lines'], totalMinor: number): Outcome => ({
    items: [],
    charge: { lines, totalMinor },
  })
  expect(overchargeOf(agreed, { items: [] })).toBeNull()
  expect(overchargeOf(agreed, taken(agreed.lines, 12_900))).toBeNull()
  // Dearer here, cheaper there: nobody pays more.
  const moved = [
    { kind: 'inspection' as const, amountMinor: 4_000 },
    { kind: 'part' as const, sku: 'HEPA-300', amountMinor: 8_900 },
  ]
  expect(overchargeOf(agreed, taken(moved, 12_900))).toBeNull()
  // A total without lines, a line nobody agreed to, and lines that add up to more than their total.
  expect(overchargeOf(agreed, taken([], 13_000))).toEqual({ agreedMinor: 12_900, takenMinor: 13_000, lines: [] })
  const extra = [...agreed.lines, { kind: 'labour' as const, amountMinor: 5_000 }]
  const over = {
    agreedMinor: 12_900,
    takenMinor: 17_900,
    lines: [{ kind: 'labour', agreedMinor: 0, takenMinor: 5_000 }],
  }
  expect(overchargeOf(agreed, taken(extra, 17_900))).toEqual(over)
  expect(overchargeOf(agreed, taken(extra, 12_900))).toEqual(over)
})

test('overcharged: marked, told to the brand line by line and to the home, once', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  const order = await world.onlyOrder()
  await world.say(order.id, {
    status: 'completed',
    outcome: {
      items: [{ item: order.items[0]!.id, verdict: 'confirmed', report: { found: '', done: [], advice: '' } }],
      charge: { lines: [{ kind: 'labour', amountMinor: 20_000 }], totalMinor: 20_000 },
    },
  })
  await world.pass(DAY)
  expect(await world.onlyOrder()).toMatchObject({ overcharged: true, needsReview: 'overcharged' })
  expect(world.brandServer.ofType('work_order.overcharged').map((one) => one.event.data)).toMatchObject([
    { agreedMinor: 12_900, takenMinor: 20_000, lines: [{ kind: 'labour', agreedMinor: 0, takenMinor: 20_000 }] },
  ])
  const told = await overchargeNotices(world)
  expect(told).toHaveLength(1)
  // Ordered under a standing consent it has no page yet: the words say whom to ask.
  expect(told[0]!.link).toBeNull()
  expect(told[0]!.text['zh-CN']).toContain('品牌客服')
})

test('overcharged: where the home has a page the notice leads there; who is not to be contacted is not told', async () => {
  for (const consents of [true, false]) {
    const world = await makeWorld()
    await world.fire()
    await world.pass(10 * MINUTE)
    await world.acceptOffer()
    const order = await world.onlyOrder()
    if (!consents) await world.consent('contact', false)
    await world.say(order.id, {
      status: 'completed',
      outcome: {
        items: [{ item: order.items[0]!.id, verdict: 'confirmed', report: { found: '', done: [], advice: '' } }],
        charge: { lines: [{ kind: 'labour', amountMinor: 20_000 }], totalMinor: 20_000 },
      },
    })
    await world.pass(DAY)
    expect(await world.onlyOrder()).toMatchObject({ overcharged: true })
    const told = await overchargeNotices(world)
    expect(told).toHaveLength(consents ? 1 : 0)
    if (!consents) continue
    const [offer] = (await world.bridge.offers.list(world.brandId, {})).items
    expect(told[0]!.link).toBe(offer!.link)
    const { progress } = await world.bridge.offers.view(await world.offerToken())
    expect(progress!.overcharge).toEqual({ agreedMinor: 12_900, takenMinor: 20_000 })
  }
})

async function overchargeNotices(world: World) {
  const { items } = await world.bridge.notices.list(world.brandId, {})
  return items.filter((one) => one.reasonCode === 'overcharged')
}
