import { expect, test } from 'vitest'
import { instant } from '#contracts'
import { BRAND_USER, DAY, HOUR, MINUTE, MORNING_MS, makeWorld, type World } from '../testing/world.ts'

const EVENING_MS = MORNING_MS + 11 * HOUR + 55 * MINUTE // 21:55 in Shanghai

async function offered(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { token: string }> {
  const world = await makeWorld(options)
  await world.fire()
  await world.pass(10 * MINUTE)
  return Object.assign(world, { token: await world.offerToken() })
}

async function firstChoice(world: World & { token: string }) {
  const view = await world.bridge.offers.view(world.token)
  return { slot: view.slots[0]!, shareWith: [view.partners[0]!.key] }
}

test('at night nobody is asked; in the morning they are', async () => {
  const world = await makeWorld({ startMs: EVENING_MS })
  await world.fire()
  await world.pass(10 * MINUTE)
  expect((await world.onlyCase()).state).toBe('open')
  expect(world.brandServer.ofType('notice.requested')).toHaveLength(0)
  await world.pass(11 * HOUR)
  expect((await world.onlyCase()).state).toBe('offered')
  const [asked] = world.brandServer.ofType('notice.requested')
  expect((asked!.event.data as { sendAfter: string }).sendAfter).toBe('2026-06-03T00:30:00.000Z')
})

test('danger is told at once, at night and without a consent, in fixed words; its case follows', async () => {
  const world = await makeWorld({ startMs: EVENING_MS, consents: [], rule: { safety: 'gas' } })
  await world.fire({ severity: 'critical' })
  await world.bridge.idle()
  const [warning] = world.brandServer.ofType('notice.requested')
  expect(warning?.event.data).toMatchObject({ kind: 'safety', reasonCode: 'safety' })
  expect(JSON.stringify(warning?.event.data)).toContain('关闭燃气阀门')
})

test('shadow and silent episodes touch nobody', async () => {
  const world = await makeWorld({ rule: { safety: 'gas' } })
  const shadow = await world.fire({ mode: 'shadow' })
  const silent = await world.fire({ silent: true })
  await world.resolve(shadow)
  await world.resolve(silent)
  await world.pass(DAY)
  expect((await world.bridge.cases.list(world.brandId, {})).items).toEqual([])
  expect(world.brandServer.ofType('notice.requested')).toEqual([])
  expect(world.brandServer.ofType('alert.firing')).toEqual([])
})

test('without consent to be contacted the case waits, says so, and goes on when it is given', async () => {
  const world = await makeWorld({ consents: ['monitoring'] })
  await world.fire()
  await world.pass(HOUR)
  expect(await world.onlyCase()).toMatchObject({
    state: 'open',
    needsReview: 'the home has not agreed to be contacted',
  })
  await world.consent('contact')
  await world.pass(MINUTE)
  expect((await world.onlyCase()).state).toBe('offered')
})

test('without anybody who could come nothing is offered', async () => {
  const world = await makeWorld({ agreement: { coverage: ['44'] } })
  await world.fire()
  await world.pass(HOUR)
  expect(await world.onlyCase()).toMatchObject({
    state: 'open',
    needsReview: 'no agreement covers this job in this region',
  })
})

test('accepting twice, also at the same moment, is one order', async () => {
  const world = await offered()
  const choice = await firstChoice(world)
  const answers = await Promise.all([
    world.bridge.offers.accept(world.token, choice),
    world.bridge.offers.accept(world.token, choice),
    world.bridge.offers.accept(world.token, choice),
  ])
  await world.bridge.offers.accept(world.token, choice)
  await world.bridge.idle()
  expect(new Set(answers.map((view) => view.progress?.workOrder))).toEqual(new Set(['BH-2026-000001']))
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
  await world.onlyOrder()
})

test('the consent names the partner, the words that were read and what is shared', async () => {
  const world = await offered()
  const view = await world.bridge.offers.view(world.token)
  await world.acceptOffer()
  const shares = await world.db.asHub((tx) =>
    tx.selectFrom('consents').selectAll().where('purpose', '=', 'share').execute(),
  )
  expect(shares).toMatchObject([
    {
      recipient_key: 'fixit',
      recipient_name: 'Fixit',
      method: 'page',
      text_sha256: view.consentText.sha256,
      granted: true,
    },
  ])
  expect(shares[0]?.data_kinds).toContain('address')
})

test('a slot or partner that was not offered is refused with its pointer', async () => {
  const world = await offered()
  const choice = await firstChoice(world)
  const stranger = { ...choice, shareWith: ['stranger'] }
  const never = { ...choice, slot: { from: instant(MORNING_MS), to: instant(MORNING_MS + HOUR) } }
  await expect(world.bridge.offers.accept(world.token, stranger)).rejects.toMatchObject({ pointer: '/shareWith/0' })
  await expect(world.bridge.offers.accept(world.token, never)).rejects.toMatchObject({ pointer: '/slot' })
  expect((await world.onlyCase()).state).toBe('offered')
})

test('after fourteen days the offer has expired, whether or not the timer has run', async () => {
  const world = await offered()
  const choice = await firstChoice(world)
  world.clock.advance(14 * DAY)
  await expect(world.bridge.offers.accept(world.token, choice)).rejects.toMatchObject({ code: 'OFFER_EXPIRED' })
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('expired')
  await expect(world.bridge.offers.accept(world.token, choice)).rejects.toMatchObject({ code: 'OFFER_EXPIRED' })
  expect(await world.bridge.offers.view(world.token)).toMatchObject({ state: 'expired', choices: [] })
})

test('snoozed: asked again at that time, and the link works meanwhile', async () => {
  const world = await offered()
  const until = instant(world.clock.nowMs() + 3 * DAY)
  expect(await world.bridge.offers.snooze(world.token, { until })).toMatchObject({
    state: 'snoozed',
    snoozedUntil: until,
  })
  await expect(
    world.bridge.offers.snooze(world.token, { until: instant(world.clock.nowMs() + 31 * DAY) }),
  ).rejects.toMatchObject({ pointer: '/until' })
  await world.pass(3 * DAY + HOUR)
  expect((await world.onlyCase()).state).toBe('offered')
  expect(world.brandServer.ofType('notice.requested')).toHaveLength(2)
  await world.acceptOffer()
  expect((await world.onlyCase()).state).toBe('ordered')
})

test('declined: over, and the component is left in peace for a fortnight', async () => {
  const world = await offered()
  expect(await world.bridge.offers.decline(world.token, { reason: 'too_expensive' })).toMatchObject({
    state: 'declined',
  })
  expect((await world.onlyCase()).state).toBe('declined')
  await world.fire()
  await world.pass(DAY)
  await world.onlyCase()
  await world.fire({ severity: 'critical' })
  await world.bridge.idle()
  expect((await world.bridge.cases.list(world.brandId, { live: true })).items).toHaveLength(1)
})

test('doing it oneself: the signal shows it, the part counts as new', async () => {
  const world = await offered()
  expect(await world.bridge.offers.selfService(world.token)).toMatchObject({ state: 'self_service' })
  expect(await world.changes()).toEqual(['verification.started'])
  await world.pass(DAY)
  await world.endVerification((await world.onlyCase()).id, 'verified')
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'verified' })
  expect(await world.changes()).toContain('component.reset')
})

test('doing it oneself, and nothing is seen: asked once more, not a third time', async () => {
  const world = await offered()
  await world.bridge.offers.selfService(world.token)
  await world.pass(14 * DAY + 10 * MINUTE)
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('offered')
  await world.bridge.offers.selfService(await world.offerToken())
  await world.pass(30 * DAY)
  expect((await world.onlyCase()).state).toBe('self_serviced')
})

test('recovered before an answer: the offer is taken back', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  const choice = await firstChoice(Object.assign(world, { token }))
  await world.resolve(episode)
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('recovered')
  expect(await world.bridge.offers.view(token)).toMatchObject({ state: 'withdrawn', choices: [] })
  await expect(world.bridge.offers.accept(token, choice)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
})

test('two episodes are one case, and both have to end', async () => {
  const world = await makeWorld()
  const [first, second] = [await world.fire(), await world.fire()]
  await world.resolve(first)
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({
    state: 'open',
    episodeIds: expect.arrayContaining([first.episodeId, second.episodeId]),
  })
  await world.resolve(second)
  expect((await world.onlyCase()).state).toBe('recovered')
})

test('an alert that ends while an order is out leaves the order and calls for a look', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  await world.resolve(episode, 'rule_changed')
  expect(await world.onlyCase()).toMatchObject({ state: 'ordered', needsReview: 'rule_changed' })
  const cleared = await world.bridge.cases.acknowledge(world.brandId, (await world.onlyCase()).id, { by: BRAND_USER })
  expect(cleared.needsReview).toBeNull()
})

test('two questions a fortnight: the third need of a home waits', async () => {
  const world = await makeWorld()
  const states = async () => (await world.bridge.cases.list(world.brandId, {})).items.map((item) => item.state).sort()
  for (const component of ['hepa-filter', 'fan']) {
    await world.fire({ component })
    await world.pass(10 * MINUTE)
    await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  }
  await world.fire({ component: 'sensor' })
  await world.pass(DAY)
  expect(await states()).toEqual(['declined', 'declined', 'open'])
  await world.pass(14 * DAY)
  expect(await states()).toEqual(['declined', 'declined', 'offered'])
})

test('a rule that only notifies tells the home and orders nothing', async () => {
  const world = await makeWorld({ rule: { dispatch: 'notify' } })
  await world.fire()
  await world.pass(DAY)
  expect((await world.onlyCase()).state).toBe('open')
  expect(
    world.brandServer.ofType('notice.requested').map((one) => (one.event.data as { reasonCode: string }).reasonCode),
  ).toEqual(['inform'])
})

test('a danger that is only told of is told once, not again ten minutes later', async () => {
  const world = await makeWorld({ startMs: EVENING_MS, rule: { dispatch: 'notify', safety: 'lockout' } })
  await world.fire({ severity: 'critical' })
  await world.pass(DAY)
  expect(
    world.brandServer.ofType('notice.requested').map((one) => (one.event.data as { reasonCode: string }).reasonCode),
  ).toEqual(['safety'])
})

test('auto dispatch orders at once under a standing consent, and asks without one', async () => {
  const standing = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await standing.fire()
  await standing.pass(10 * MINUTE)
  expect((await standing.onlyCase()).state).toBe('ordered')
  const packet = (await standing.onlyOrder()).packet
  expect(packet.workOrder.charge.acceptance).toMatchObject({ method: 'app' })

  const asked = await makeWorld({ rule: { dispatch: 'auto' } })
  await asked.fire()
  await asked.pass(10 * MINUTE)
  expect((await asked.onlyCase()).state).toBe('offered')
})

test('a closed gate holds offers until it is opened', async () => {
  const world = await makeWorld()
  await world.bridge.gates.close(world.brandId, {
    scope: 'rule',
    subject: 'hepa-clogged',
    reason: 'misfires',
    by: BRAND_USER,
  })
  await world.fire()
  await world.pass(HOUR)
  expect((await world.onlyCase()).state).toBe('open')
  await world.bridge.gates.open(world.brandId, { scope: 'rule', subject: 'hepa-clogged', by: BRAND_USER })
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('offered')
})

test('a gate closed after the order was queued keeps it from leaving', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.gates.close(world.brandId, {
    scope: 'partner',
    subject: 'fixit',
    reason: 'complaints',
    by: BRAND_USER,
  })
  await world.acceptOffer()
  expect(await world.onlyCase()).toMatchObject({ state: 'accepted', needsReview: 'a gate holds the order' })
  expect(world.partner.ofType('work_order.created')).toHaveLength(0)
  await world.bridge.gates.open(world.brandId, { scope: 'partner', subject: 'fixit', by: BRAND_USER })
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('ordered')
  expect(world.partner.ofType('work_order.created')).toHaveLength(1)
})

test('links cannot be guessed, and the hub does not keep them', async () => {
  const world = await offered()
  expect(world.token.length).toBeGreaterThanOrEqual(43)
  await expect(world.bridge.offers.view('x'.repeat(43))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const rows = await world.db.asHub((tx) => tx.selectFrom('offers').selectAll().execute())
  expect(JSON.stringify(rows)).not.toContain(world.token)
  world.clock.advance(200 * DAY)
  await expect(world.bridge.offers.view(world.token)).rejects.toMatchObject({ code: 'OFFER_EXPIRED' })
})

test('price lines call a part by the brand’s name for it, in the offer and in the packet', async () => {
  const world = await makeWorld()
  const name = { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' }
  await world.bridge.parts.put(world.brandId, { sku: 'HEPA-300', name, genuine: true, leadDays: { '': 1 } })
  await world.fire()
  await world.pass(10 * MINUTE)
  const part = { kind: 'part', sku: 'HEPA-300', name, quantity: 1, amountMinor: 9_900 }
  expect((await world.bridge.offers.view(await world.offerToken())).charge.lines).toContainEqual(part)
  await world.acceptOffer()
  expect((await world.onlyOrder()).packet.workOrder.charge.lines).toContainEqual(part)
})

test('another time until somebody is at the door: the partner is asked, its answer is the appointment', async () => {
  const world = await offered()
  await world.bridge.offers.accept(world.token, await firstChoice(world))
  await world.bridge.idle()
  const before = await world.bridge.offers.view(world.token)
  expect(before.choices).toEqual(['reschedule', 'cancel', 'report_problem'])
  const slot = before.slots[3]!
  const asked = await world.bridge.offers.reschedule(world.token, { slot })
  await world.bridge.offers.reschedule(world.token, { slot })
  await world.bridge.idle()
  expect(asked.progress).toMatchObject({ requested: slot, appointment: null })
  expect(world.partner.ofType('work_order.updated').map((one) => one.event.data)).toMatchObject([
    { change: 'slot_requested', slot, by: 'homeowner' },
  ])
  const order = await world.onlyOrder()
  await world.say(order.id, { status: 'appointed', appointment: slot })
  expect((await world.bridge.offers.view(world.token)).progress).toMatchObject({ requested: slot, appointment: slot })
  await world.say(order.id, { status: 'arrived' })
  expect((await world.bridge.offers.view(world.token)).choices).toEqual(['report_problem'])
  await expect(world.bridge.offers.reschedule(world.token, { slot: before.slots[4]! })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})
