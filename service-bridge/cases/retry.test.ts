import { expect, test } from 'vitest'
import { ordersOf, secondPartner } from '../testing/second-partner.ts'
import { BRAND_USER, DAY, MINUTE, makeWorld, type World } from '../testing/world.ts'

const by = BRAND_USER

async function ordered(): Promise<World> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  return world
}

async function ended(end: 'verified' | 'not_observed'): Promise<World & { caseId: string }> {
  const world = await ordered()
  await world.complete((await world.onlyOrder()).id)
  const caseId = (await world.onlyCase()).id
  await world.endVerification(caseId, end)
  await world.bridge.idle()
  return Object.assign(world, { caseId })
}

test('C18: what ended not_observed is taken up again as a rework, which the home does not pay for', async () => {
  const world = await ended('not_observed')
  const { caseId } = world
  const retried = await world.bridge.cases.retry(world.brandId, caseId, { by, reason: 'the filter is the old one' })
  expect(retried).toMatchObject({ state: 'open', end: null, closedAt: null, needsReview: null })
  expect((await world.onlyCase()).events.at(-1)).toMatchObject({
    event: 'retried',
    row: 'C18',
    from: 'closed',
    to: 'open',
    by,
    why: null,
    words: 'the filter is the old one',
  })
  await world.pass(10 * MINUTE)
  const [first, second] = await ordersOf(world)
  expect(second).toMatchObject({ reworkOf: first!.id, caseIds: [caseId] })
  expect(second!.charge).toMatchObject({ payer: 'partner', coverage: 'guarantee' })
  // Once is enough.
  await expect(world.bridge.cases.retry(world.brandId, caseId, { by })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
    message: 'The case is ordered.',
  })
})

test('anything else is refused and changes nothing: proven, called off, superseded, or of a device that is gone', async () => {
  const proven = await ended('verified')
  const before = await proven.onlyCase()
  await expect(proven.bridge.cases.retry(proven.brandId, proven.caseId, { by })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
    message: 'The case ended verified.',
  })
  expect(await proven.onlyCase()).toEqual(before)

  const off = await ordered()
  const { id } = await off.onlyCase()
  await off.bridge.cases.cancel(off.brandId, id, { by, reason: 'x' })
  await expect(off.bridge.cases.retry(off.brandId, id, { by })).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await expect(off.bridge.cases.retry(off.brandId, 'case_none', { by })).rejects.toMatchObject({ code: 'NOT_FOUND' })

  const world = await ended('not_observed')
  await world.fire()
  const cases = await world.bridge.cases.list(world.brandId, { live: true })
  expect(cases.items).toHaveLength(1)
  await expect(world.bridge.cases.retry(world.brandId, world.caseId, { by })).rejects.toMatchObject({
    message: 'Another case of this component is open already.',
  })

  const moved = await ended('not_observed')
  await moved.owner(`UPDATE devices SET removed_at_ms = 1 WHERE device_id = '${moved.deviceId}'`)
  await expect(moved.bridge.cases.retry(moved.brandId, moved.caseId, { by })).rejects.toMatchObject({
    message: 'The device no longer stands in this home.',
  })
  // Refused, it still waits for a person.
  expect((await moved.onlyCase()).needsReview).not.toBeNull()
})

test('C10: without a partner it asks those that gave it back, the one of longest ago first; nobody meets two', async () => {
  const world = await ordered()
  const other = await secondPartner(world)
  await world.say((await world.onlyOrder()).id, { status: 'rejected', reason: 'no_capacity' })
  await world.pass(MINUTE)
  await other.say((await ordersOf(world))[1]!.id, { status: 'rejected', reason: 'no_capacity' })
  const record = await world.onlyCase()
  expect(record).toMatchObject({ state: 'rerouting', needsReview: 'no consented partner can come' })
  await world.pass(2 * DAY)
  expect(await ordersOf(world)).toHaveLength(2)

  const retried = await world.bridge.cases.retry(world.brandId, record.id, { by })
  expect(retried).toMatchObject({ state: 'ordered', needsReview: null })
  await world.bridge.idle()
  const orders = await ordersOf(world)
  expect(orders.map((one) => [one.partnerKey, one.state])).toEqual([
    ['fixit', 'rejected'],
    ['mendit', 'rejected'],
    ['fixit', 'sent'],
  ])
  await world.say(orders[2]!.id, { status: 'rejected', reason: 'no_capacity' })
  await world.bridge.cases.retry(world.brandId, record.id, { by })
  expect((await ordersOf(world)).at(-1)).toMatchObject({ partnerKey: 'mendit', state: 'sent' })
})

test('C10: with nobody who may come it stays, and says so to a person again', async () => {
  const world = await ordered()
  await world.say((await world.onlyOrder()).id, { status: 'rejected', reason: 'no_capacity' })
  const { id } = await world.onlyCase()
  await world.bridge.gates.close(world.brandId, { scope: 'partner', subject: 'fixit', reason: 'x', by })
  const retried = await world.bridge.cases.retry(world.brandId, id, { by })
  expect(retried).toMatchObject({ state: 'rerouting', needsReview: 'a gate holds the order' })
  expect(await ordersOf(world)).toHaveLength(1)
})

test('C9: what was accepted and found nobody asks the partners again by hand, with all of its visit', async () => {
  const world = await makeWorld()
  await world.rule({ key: 'fan-worn', component: 'fan' })
  await world.fire()
  await world.fire({ ruleKey: 'fan-worn', component: 'fan' })
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  const view = await world.bridge.offers.view(token)
  expect(view.needs).toHaveLength(2)
  // Between the question and the answer the only partner is lost, and comes back without anybody being told.
  await world.owner(hubScope(`UPDATE agreements SET active = false`))
  await world.bridge.offers.accept(token, { slot: view.slots[0]!, shareWith: ['fixit'] })
  await world.bridge.idle()
  const waiting = (await world.bridge.cases.list(world.brandId, {})).items
  expect(waiting).toMatchObject([
    { state: 'accepted', needsReview: 'no consented partner can come' },
    { state: 'accepted', needsReview: 'no consented partner can come' },
  ])
  const still = await world.bridge.cases.retry(world.brandId, waiting[0]!.id, { by })
  expect(still).toMatchObject({ state: 'accepted', needsReview: 'no consented partner can come' })
  await world.owner(hubScope(`UPDATE agreements SET active = true`))
  const retried = await world.bridge.cases.retry(world.brandId, waiting[0]!.id, { by, reason: 'back at work' })
  expect(retried).toMatchObject({ state: 'ordered', needsReview: null })
  expect((await world.bridge.cases.get(world.brandId, waiting[0]!.id)).events.at(-2)).toMatchObject({
    event: 'retried',
    row: 'C9',
    words: 'back at work',
  })
  const order = await world.onlyOrder()
  expect(new Set(order.caseIds)).toEqual(new Set(waiting.map((one) => one.id)))
  expect(order.charge.acceptance).toBeDefined()
})

test('C10: a need that was opened again has left the offer it was once accepted in, and still finds its next partner', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' } })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  await world.complete((await world.onlyOrder()).id)
  const { id } = await world.onlyCase()
  // From now on nobody has to be asked, and the repair did not hold.
  await world.consent('share')
  await world.endVerification(id, 'not_fixed')
  await world.pass(10 * MINUTE)
  const rework = (await ordersOf(world))[1]!
  await world.say(rework.id, { status: 'rejected', reason: 'no_capacity' })
  expect(await world.onlyCase()).toMatchObject({ state: 'rerouting', needsReview: 'no consented partner can come' })
  await secondPartner(world)
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'ordered' })
  expect((await ordersOf(world))[2]).toMatchObject({ partnerKey: 'mendit', state: 'sent' })
})

/** Row-level security binds the owner too. */
function hubScope(statement: string): string {
  return `SELECT set_config('hub.scope', 'hub', false); ${statement}`
}
