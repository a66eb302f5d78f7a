import { expect, test } from 'vitest'
import type { OfferView } from '#contracts'
import { DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

const cases = async (world: World) => (await world.bridge.cases.list(world.brandId, {})).items
const stateOf = async (world: World, component: string) =>
  (await cases(world)).find((one) => one.component === component)?.state
const offers = async (world: World) => (await world.bridge.offers.list(world.brandId, {})).items
const asked = (world: World) => world.brandServer.ofType('notice.requested')
const needsOf = (view: OfferView) => view.needs.map((need) => need.component.key).sort()

/** A home whose filter and fan need service; both in one offer. */
async function twoNeeds(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { token: string }> {
  const world = await makeWorld(options)
  await world.rule({ key: 'fan-worn', component: 'fan', service: { job: 'replace-fan', duration: 'PT1H' } })
  await world.fire()
  await world.fire({ component: 'fan', ruleKey: 'fan-worn' })
  await world.pass(10 * MINUTE)
  return Object.assign(world, { token: await world.offerToken() })
}

test('what a home needs is one offer, one message, one visit long enough for all, one order of two items', async () => {
  const world = await twoNeeds()
  expect(await offers(world)).toHaveLength(1)
  expect(asked(world)).toHaveLength(1)
  expect(JSON.stringify(asked(world)[0]!.event.data)).toContain('您家有2项需要')
  const view = await world.bridge.offers.view(world.token)
  expect(needsOf(view)).toEqual(['fan', 'hepa-filter'])
  expect(view.charge).toMatchObject({ payer: 'homeowner', totalMinor: 12_900 })
  expect(view.charge.lines.filter((line) => line.kind === 'inspection')).toHaveLength(1)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  expect(order.packet.items.map((item) => item.diagnosis.component).sort()).toEqual(['fan', 'hepa-filter'])
  expect(order.packet.workOrder.charge.totalMinor).toBe(12_900)
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
})

test('slots are long enough for all that is to be done', async () => {
  const world = await makeWorld({
    agreement: { hours: { days: [1, 2, 3, 4, 5, 6], from: '09:00', to: '18:00', slot: 'PT1H' } },
  })
  await world.rule({ key: 'fan-worn', component: 'fan', service: { job: 'replace-fan', duration: 'PT2H' } })
  await world.fire()
  await world.pass(10 * MINUTE)
  const length = async () => {
    const [slot] = (await world.bridge.offers.view(await world.offerToken())).slots
    return (Date.parse(slot!.to) - Date.parse(slot!.from)) / HOUR
  }
  expect(await length()).toBe(1)
  await world.fire({ component: 'fan', ruleKey: 'fan-worn' })
  await world.pass(10 * MINUTE)
  expect(await length()).toBe(3)
})

test('a need that comes later joins the offer that waits: another revision, no second message', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  const before = await world.bridge.offers.view(token)
  await world.fire({ component: 'fan' })
  await world.pass(10 * MINUTE)
  expect(await offers(world)).toHaveLength(1)
  expect(asked(world)).toHaveLength(1)
  const after = await world.bridge.offers.view(token)
  expect(needsOf(after)).toEqual(['fan', 'hepa-filter'])
  expect(after.revision).toBeGreaterThan(before.revision)
  const choice = { slot: after.slots[0]!, shareWith: ['fixit'] }
  await expect(world.bridge.offers.accept(token, { ...choice, revision: before.revision })).rejects.toMatchObject({
    code: 'OFFER_CHANGED',
  })
  await world.bridge.offers.accept(token, { ...choice, revision: after.revision })
  await world.bridge.idle()
  expect((await world.onlyOrder()).packet.items).toHaveLength(2)
})

test('what is worse than all the offer asks for is told', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.fire({ component: 'fan', severity: 'critical' })
  await world.pass(10 * MINUTE)
  expect(await offers(world)).toHaveLength(1)
  expect(asked(world)).toHaveLength(2)
  expect(await world.bridge.offers.view(await world.offerToken())).toMatchObject({ urgency: 'critical' })
})

test('a need joins a sleeping offer without waking it, unless it is worse', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  await world.bridge.offers.snooze(token, { until: new Date(world.clock.nowMs() + 5 * DAY).toISOString() })
  await world.fire({ component: 'fan' })
  await world.pass(HOUR)
  expect(await stateOf(world, 'fan')).toBe('snoozed')
  expect(asked(world)).toHaveLength(1)
  await world.fire({ component: 'sensor', severity: 'critical' })
  await world.pass(10 * MINUTE)
  expect((await cases(world)).map((one) => one.state)).toEqual(['offered', 'offered', 'offered'])
  expect(asked(world)).toHaveLength(2)
  expect(await world.bridge.offers.view(token)).toMatchObject({ state: 'offered', snoozedUntil: null })
})

test('a need that recovers leaves the rest as it is, cheaper by its part', async () => {
  const world = await makeWorld()
  await world.rule({ key: 'fan-worn', component: 'fan', service: { job: 'replace-fan', duration: 'PT1H' } })
  const filter = await world.fire()
  await world.fire({ component: 'fan', ruleKey: 'fan-worn' })
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  await world.resolve(filter)
  const view = await world.bridge.offers.view(token)
  expect(view).toMatchObject({ state: 'offered', charge: { totalMinor: 3_000 } })
  expect(needsOf(view)).toEqual(['fan'])
  expect(view.apart).toMatchObject([{ component: { key: 'hepa-filter' }, state: 'recovered' }])
  await world.acceptOffer()
  expect((await world.onlyOrder()).packet.items).toHaveLength(1)
})

test('one of two is declined, the other accepted', async () => {
  const world = await twoNeeds()
  const fan = (await cases(world)).find((one) => one.component === 'fan')!
  const view = await world.bridge.offers.decline(world.token, { reason: 'already_done', needs: [fan.id] })
  expect(view).toMatchObject({ state: 'offered', apart: [{ caseId: fan.id, state: 'declined' }] })
  expect(await stateOf(world, 'fan')).toBe('declined')
  await world.acceptOffer()
  expect(await stateOf(world, 'hepa-filter')).toBe('ordered')
  await expect(world.bridge.offers.decline(world.token, { reason: 'other', needs: [fan.id] })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('declined as a whole: both needs end', async () => {
  const world = await twoNeeds()
  await world.bridge.offers.decline(world.token, { reason: 'not_now' })
  expect((await cases(world)).map((one) => one.state)).toEqual(['declined', 'declined'])
  expect(await world.bridge.offers.view(world.token)).toMatchObject({ state: 'declined', apart: [] })
})

test('one is done oneself, the other stays offered; a change of mind brings it back into the same visit', async () => {
  const world = await twoNeeds()
  const filter = (await cases(world)).find((one) => one.component === 'hepa-filter')!
  const alone = await world.bridge.offers.selfService(world.token)
  expect(alone).toMatchObject({ state: 'offered', apart: [{ caseId: filter.id, state: 'self_service' }] })
  expect(needsOf(alone)).toEqual(['fan'])
  expect(alone.choices).toContain('visit')
  expect(await world.changes()).toEqual(['verification.started'])
  const back = await world.bridge.offers.visit(world.token)
  expect(needsOf(back)).toEqual(['fan', 'hepa-filter'])
  expect(back.apart).toEqual([])
  expect(await world.changes()).toEqual(['verification.started', 'verification.cancelled'])
  await world.acceptOffer()
  expect((await world.onlyOrder()).packet.items).toHaveLength(2)
})

test('done oneself after all else was ordered: wanting a visit gives an offer of its own', async () => {
  const world = await twoNeeds()
  await world.bridge.offers.selfService(world.token)
  await world.acceptOffer()
  expect(await world.bridge.offers.view(world.token)).toMatchObject({ state: 'accepted' })
  await world.bridge.offers.visit(world.token)
  await world.bridge.idle()
  expect(await offers(world)).toHaveLength(2)
  expect(await stateOf(world, 'hepa-filter')).toBe('offered')
  expect(await stateOf(world, 'fan')).toBe('ordered')
})

test('a need that no one visit can serve waits for the answer, and is asked about then', async () => {
  const world = await makeWorld({ agreement: { services: ['replace-hepa'] } })
  await world.rule({ key: 'fan-worn', component: 'fan', service: { job: 'replace-fan', skills: ['motors'] } })
  await world.bridge.partners.create({
    key: 'motorist',
    name: 'Motorist',
    url: null,
    by: { kind: 'platform', id: 'k' },
  })
  await world.bridge.agreements.create(
    world.brandId,
    {
      partnerKey: 'motorist',
      accountNo: 'B-1',
      coverage: ['31'],
      skills: ['motors'],
      prices: [],
      services: ['replace-fan'],
    },
    { by: { kind: 'brand', id: 'k' } },
  )
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.fire({ component: 'fan', ruleKey: 'fan-worn' })
  await world.pass(HOUR)
  expect(await stateOf(world, 'fan')).toBe('open')
  expect(await offers(world)).toHaveLength(1)
  await world.acceptOffer()
  expect(await stateOf(world, 'fan')).toBe('offered')
  expect(await offers(world)).toHaveLength(2)
})

test('what the brand covers stands in the price at nothing; the home pays its own part only', async () => {
  const world = await makeWorld()
  const young = await world.device({ installedAtMs: world.clock.nowMs() - 30 * DAY })
  await world.fire()
  await world.fire({ deviceId: young })
  await world.pass(10 * MINUTE)
  const { charge } = await world.bridge.offers.view(await world.offerToken())
  expect(charge).toMatchObject({ payer: 'homeowner', totalMinor: 9_900 })
  expect(charge.lines.filter((line) => line.coveredBy !== undefined)).toMatchObject([
    { kind: 'inspection', amountMinor: 0, coveredBy: 'warranty' },
    { kind: 'part', amountMinor: 0, coveredBy: 'warranty' },
  ])
})

test('a rule that may speak at once does not wait for what else is settling', async () => {
  const world = await makeWorld()
  await world.rule({ key: 'fan-worn', component: 'fan' })
  await world.db.asHub((tx) =>
    tx.updateTable('rules').set({ settle_ms: 0 }).where('rule_key', '=', 'fan-worn').execute(),
  )
  await world.fire()
  await world.fire({ component: 'fan', ruleKey: 'fan-worn' })
  await world.bridge.idle()
  expect(await stateOf(world, 'fan')).toBe('offered')
  await world.pass(10 * MINUTE)
  expect(await stateOf(world, 'hepa-filter')).toBe('offered')
  expect(await offers(world)).toHaveLength(1)
})

test('two that settle a few minutes apart are asked about together', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(4 * MINUTE)
  await world.fire({ component: 'fan' })
  await world.pass(7 * MINUTE)
  expect(await offers(world)).toEqual([])
  await world.pass(3 * MINUTE)
  expect(asked(world)).toHaveLength(1)
  expect(needsOf(await world.bridge.offers.view(await world.offerToken()))).toEqual(['fan', 'hepa-filter'])
})

test('a need does not wait for others for ever', async () => {
  const world = await makeWorld()
  for (const component of ['hepa-filter', 'fan', 'a', 'b', 'c', 'd']) {
    await world.fire({ component })
    await world.pass(5 * MINUTE)
  }
  const [first] = (await cases(world)).filter((one) => one.component === 'hepa-filter')
  const made = (await offers(world))[0]!
  expect(Date.parse(made.createdAt) - Date.parse(first!.openedAt)).toBeLessThanOrEqual(20 * MINUTE)
})
