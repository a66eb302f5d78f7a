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
