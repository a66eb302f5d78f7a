import { expect, test } from 'vitest'
import { DAY, MINUTE, makeWorld, type World } from '../testing/world.ts'

async function repaired(options: Parameters<typeof makeWorld>[0] = {}): Promise<World> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true, ...options })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.complete((await world.onlyOrder()).id)
  return world
}

test('not fixed: the same case opens again, its next order is a rework at the partner’s expense', async () => {
  const world = await repaired()
  const first = await world.onlyOrder()
  await world.endVerification((await world.onlyCase()).id, 'not_fixed')
  expect((await world.onlyCase()).state).toBe('open')
  await world.pass(10 * MINUTE)
  expect((await world.onlyCase()).state).toBe('ordered')
  const { items } = await world.bridge.orders.list(world.brandId, {})
  const rework = items.find((order) => order.id !== first.id)!
  expect(rework.packet.workOrder).toMatchObject({
    reworkOf: first.id,
    charge: { payer: 'partner', coverage: 'guarantee' },
  })
  expect(rework.packet.items[0]?.device.history).toMatchObject([
    { component: 'hepa-filter', verdict: 'confirmed', verified: 'not_fixed' },
  ])
  expect(world.partner.ofType('work_order.not_fixed')).toHaveLength(1)
  expect(world.brandServer.ofType('work_order.not_fixed')).toHaveLength(1)

  await world.complete(rework.id)
  // An answer about the first repair is no answer about the second.
  await world.endVerification((await world.onlyCase()).id, 'verified', 1)
  expect((await world.onlyCase()).state).toBe('verifying')
  await world.endVerification((await world.onlyCase()).id, 'verified', 2)
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'verified' })
})

test('nobody knows: closed without blame, the home is asked', async () => {
  const world = await repaired()
  await world.endVerification((await world.onlyCase()).id, 'unverified')
  await world.bridge.idle()
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'unverified' })
  expect(
    world.brandServer.ofType('notice.requested').map((one) => (one.event.data as { reasonCode: string }).reasonCode),
  ).toContain('solved_question')
  expect(world.partner.ofType('work_order.unverified')).toHaveLength(1)
})

/** An offered repair after which the appliance was silent: nobody knows whether it holds. */
async function inDoubt(): Promise<World & { token: string }> {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  const token = await world.offerToken()
  await world.acceptOffer()
  await world.complete((await world.onlyOrder()).id)
  await expect(world.bridge.offers.solved(token, { solved: false })).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.endVerification((await world.onlyCase()).id, 'unverified')
  return Object.assign(world, { token })
}

test('asked, the home says it is not solved: the same case opens again as a rework', async () => {
  const world = await inDoubt()
  expect((await world.bridge.offers.view(world.token)).choices).toEqual(['solved', 'rate', 'report_problem'])
  const answered = await world.bridge.offers.solved(world.token, { solved: false })
  expect(answered).toMatchObject({
    choices: ['rate', 'report_problem'],
    progress: { result: { verified: 'unverified', solved: false } },
  })
  await world.bridge.offers.solved(world.token, { solved: false })
  await world.pass(10 * MINUTE)
  const record = await world.onlyCase()
  expect(record.state).toBe('offered')
  expect(record.events.filter((event) => event.event === 'still_broken')).toHaveLength(1)
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.charge).toMatchObject({ payer: 'partner', coverage: 'guarantee' })
})

test('asked, the home says it is solved: written down, and nothing more is asked', async () => {
  const world = await inDoubt()
  const answered = await world.bridge.offers.solved(world.token, { solved: true })
  expect(answered).toMatchObject({ choices: ['rate', 'report_problem'], progress: { result: { solved: true } } })
  const record = await world.onlyCase()
  expect(record.state).toBe('closed')
  expect(record.events.at(-1)).toMatchObject({ event: 'solved', row: 'C20', by: { kind: 'homeowner' } })
  // A change of mind is a new fault: somebody may long have counted on the answer.
  await expect(world.bridge.offers.solved(world.token, { solved: false })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('nobody is asked about a repair whose component has a new case, or after a fortnight', async () => {
  const world = await inDoubt()
  await world.fire({ severity: 'critical' })
  expect((await world.bridge.offers.view(world.token)).choices).not.toContain('solved')
  await expect(world.bridge.offers.solved(world.token, { solved: false })).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
  const late = await inDoubt()
  await late.pass(14 * DAY)
  expect((await late.bridge.offers.view(late.token)).choices).not.toContain('solved')
})

test('the evaluator never answers: unverified at the end of the hub’s own window', async () => {
  const world = await repaired()
  await world.pass(14 * DAY)
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'unverified' })
  expect(await world.changes()).toContain('verification.cancelled')
})

test('nothing found: closed, the rule hears of it, nothing is watched', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.complete((await world.onlyOrder()).id, 'no_fault_found')
  expect(await world.onlyCase()).toMatchObject({ state: 'closed', end: 'no_fault_found' })
  expect(await world.changes()).toEqual(['technician.outcome'])
})

test('repaired without a part: no reset; the latch is the evaluator’s to release, when the condition is known to be over', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.complete((await world.onlyOrder()).id, 'confirmed', false)
  expect(await world.changes()).toEqual(['technician.outcome', 'verification.started'])
  await world.endVerification((await world.onlyCase()).id, 'verified')
  // Dismissed while a mean still remembers the fault, it would fire anew and send somebody for nothing.
  expect(await world.changes()).not.toContain('alert.dismissed')
})

test('the device is removed: the order is called off', async () => {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  await world.resolve(episode, 'device_removed')
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('cancelled')
  expect(world.partner.ofType('work_order.cancelled')).toHaveLength(1)
})

test('the same effect again changes nothing', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  const before = await world.onlyCase()
  await world.fire({ episodeId: episode.episodeId })
  expect((await world.onlyCase()).events).toEqual(before.events)
})

test('within warranty the home pays nothing', async () => {
  const world = await makeWorld({ installedAtMs: Date.UTC(2026, 0, 1) })
  await world.fire()
  await world.pass(10 * MINUTE)
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.charge).toMatchObject({ payer: 'warranty', coverage: 'in_warranty', collectedBy: 'brand' })
})
