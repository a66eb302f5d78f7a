import { expect, test } from 'vitest'
import { instant, type OutcomeItem, type PartnerEvent } from '#contracts'
import { DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

type WithOrder = World & { orderId: string }

async function ordered(options: Parameters<typeof makeWorld>[0] = {}): Promise<WithOrder> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true, ...options })
  await world.fire()
  await world.pass(10 * MINUTE)
  return Object.assign(world, { orderId: (await world.onlyOrder()).id })
}

const appointment = (world: World, inMs: number) => ({
  from: instant(world.clock.nowMs() + inMs),
  to: instant(world.clock.nowMs() + inMs + HOUR),
})

const done = (item: string, verdict: OutcomeItem['verdict'], parts = true): OutcomeItem => ({
  item,
  verdict,
  ...(parts && verdict === 'confirmed'
    ? { partsUsed: [{ sku: 'HEPA-300', quantity: 1, serial: 'P-77', origin: 'genuine', oldPart: 'P-12' }] }
    : {}),
  report: { found: 'found', done: ['done'], advice: '' },
})

const missedBy = (world: World) =>
  world.partner.ofType('work_order.sla_missed').map((one) => (one.event.data as { promise: string }).promise)

test('C11, C13: appointed, moved with a reason, on the way, there', async () => {
  const world = await ordered()
  await world.say(world.orderId, { status: 'accepted' })
  await expect(world.say(world.orderId, { status: 'appointed' })).rejects.toMatchObject({ pointer: '/appointment' })
  await world.say(world.orderId, { status: 'appointed', appointment: appointment(world, DAY) })
  const later = appointment(world, 2 * DAY)
  await expect(
    world.say(world.orderId, { status: 'rescheduled', appointment: later, reason: 'no_part' }),
  ).rejects.toMatchObject({ pointer: '/reason' })
  world.clock.advance(MINUTE)
  expect(await world.say(world.orderId, { status: 'rescheduled', appointment: later, reason: 'part_delayed' })).toBe(
    'applied',
  )
  expect(await world.onlyOrder()).toMatchObject({ appointment: later })
  expect((await world.onlyCase()).state).toBe('scheduled')
  // Whoever waits at home hears of another time than it knew.
  const reasons = (await world.bridge.notices.list(world.brandId, {})).items.map((one) => one.reasonCode)
  expect(reasons).toContain('visit_changed')
  await world.say(world.orderId, { status: 'dispatched' })
  expect((await world.onlyCase()).state).toBe('in_progress')
})

test.each(['customer_absent', 'technician_absent'] as const)(
  'C14: %s: the next visit is another, old news of the first changes nothing',
  async (status) => {
    const world = await ordered()
    await world.say(world.orderId, { status: 'appointed', appointment: appointment(world, HOUR) })
    await world.say(world.orderId, { status: 'arrived' })
    expect(await world.say(world.orderId, { status })).toBe('applied')
    expect((await world.onlyCase()).state).toBe('scheduled')
    expect(await world.onlyOrder()).toMatchObject({ visit: 2, appointment: null, state: 'accepted' })
    // Nobody is at the door: it can be called off again, and the first visit's messages are old.
    expect(await world.say(world.orderId, { status: 'en_route', visit: 1 })).toBe('old')
    await world.say(world.orderId, { status: 'appointed', visit: 2, appointment: appointment(world, DAY) })
    await world.say(world.orderId, { status: 'arrived', visit: 2 })
    expect((await world.onlyCase()).state).toBe('in_progress')
    const [item] = (await world.onlyOrder()).items
    await world.say(world.orderId, { status: 'completed', visit: 2, outcome: { items: [done(item!.id, 'confirmed')] } })
    expect((await world.onlyCase()).state).toBe('verifying')
  },
)

test('without a visit said, what comes after an absence is of the next; what was said late is of the one it was about', async () => {
  const world = await ordered()
  await world.say(world.orderId, { status: 'arrived' })
  const before = instant(world.clock.nowMs())
  world.clock.advance(MINUTE)
  await world.say(world.orderId, { status: 'customer_absent' })
  world.clock.advance(MINUTE)
  expect(await world.say(world.orderId, { status: 'dispatched', visit: undefined as never, at: before })).toBe('old')
  expect(await world.say(world.orderId, { status: 'dispatched', visit: undefined as never })).toBe('applied')
  expect(await world.onlyOrder()).toMatchObject({ visit: 2, status: 'dispatched' })
})

test('C14: waiting for a part: no visit ahead until there is a new appointment, and one is owed', async () => {
  const world = await ordered({ agreement: { sla: { accept: 'PT4H', book: 'P1D', arrive: 'P20D', finish: 'P20D' } } })
  await world.say(world.orderId, { status: 'arrived' })
  await world.say(world.orderId, { status: 'awaiting_parts' })
  expect((await world.onlyCase()).state).toBe('awaiting_parts')
  expect(missedBy(world)).toEqual([])
  await world.pass(DAY)
  expect(missedBy(world)).toEqual(['bookBy'])
  expect(await world.onlyOrder()).toMatchObject({ missed: ['bookBy 2'], visit: 2 })
  await world.say(world.orderId, { status: 'appointed', visit: 2, appointment: appointment(world, DAY) })
  expect((await world.onlyCase()).state).toBe('scheduled')
  await world.pass(2 * DAY)
  expect(missedBy(world)).toEqual(['bookBy'])
})

test('C14: nobody could get at it: not the end of the order, and a second visit finishes', async () => {
  const world = await ordered()
  await world.say(world.orderId, { status: 'arrived' })
  const [item] = (await world.onlyOrder()).items
  const at = (visit: number, verdict: OutcomeItem['verdict']): Partial<PartnerEvent> & { status: 'completed' } => ({
    status: 'completed',
    visit,
    outcome: { items: [done(item!.id, verdict)] },
  })
  expect(await world.say(world.orderId, at(1, 'not_accessible'))).toBe('applied')
  expect((await world.onlyCase()).state).toBe('scheduled')
  expect(await world.onlyOrder()).toMatchObject({ closedAt: null, visit: 2, outcome: null })
  expect(await world.say(world.orderId, at(2, 'confirmed'))).toBe('applied')
  expect((await world.onlyCase()).state).toBe('verifying')
  expect(await world.onlyOrder()).toMatchObject({ state: 'completed', outcome: { items: [{ verdict: 'confirmed' }] } })
})

test('each promise that passes is told once, to both', async () => {
  const sla = { accept: 'PT4H', book: 'PT8H', arrive: 'P1D', finish: 'P2D' }
  const world = await ordered({ agreement: { sla } })
  await world.say(world.orderId, { status: 'accepted' })
  await world.pass(5 * DAY)
  expect(missedBy(world)).toEqual(['bookBy', 'arriveBy', 'finishBy'])
  expect(world.brandServer.ofType('work_order.sla_missed')).toHaveLength(3)
  expect((await world.onlyOrder()).missed).toEqual(['bookBy 1', 'arriveBy 1', 'finishBy 1'])
  await world.pass(5 * DAY)
  expect(missedBy(world)).toHaveLength(3)
})

test('a kept promise is not missed, and a later time the home asked for is nobody’s delay', async () => {
  const world = await ordered({ agreement: { sla: { accept: 'PT4H', book: 'PT8H', arrive: 'P1D', finish: 'P2D' } } })
  await world.say(world.orderId, { status: 'accepted' })
  await world.say(world.orderId, { status: 'appointed', appointment: appointment(world, 12 * HOUR) })
  world.clock.advance(MINUTE)
  await world.say(world.orderId, {
    status: 'rescheduled',
    reason: 'customer_request',
    appointment: appointment(world, 5 * DAY),
  })
  await world.pass(5 * DAY)
  expect(missedBy(world)).toEqual([])
  await world.say(world.orderId, { status: 'arrived' })
  await world.complete(world.orderId)
  await world.pass(3 * DAY)
  expect(missedBy(world)).toEqual([])
})

test('the device is quiet around the visit, in the log and with its end', async () => {
  const world = await ordered()
  await world.say(world.orderId, { status: 'dispatched' })
  await world.say(world.orderId, { status: 'customer_absent' })
  const changes = await world.db.asHub((tx) =>
    tx.selectFrom('control_changes').select('change').orderBy('ordinal').execute(),
  )
  const [begin, end] = changes.map((row) => row.change as unknown as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  expect(begin).toMatchObject({ type: 'silence.started', kind: 'service', scope: { deviceId: world.deviceId } })
  expect(begin.untilMs).toBe(world.clock.nowMs() + 12 * HOUR)
  expect(end).toEqual({ type: 'silence.ended', silenceId: begin.silenceId })
})

test('one order, two needs: a verdict and a reset for each; what could not be reached is done on a second visit', async () => {
  const world = await makeWorld({ standingShare: true })
  await world.fire()
  await world.fire({ component: 'fan' })
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  expect(order.items).toHaveLength(2)
  const caseOf = async (id: string) => world.bridge.cases.get(world.brandId, id)
  const [a, b] = order.items
  await world.say(order.id, { status: 'arrived' })
  await expect(
    world.say(order.id, { status: 'completed', outcome: { items: [done(a!.id, 'confirmed')] } }),
  ).rejects.toMatchObject({ pointer: '/outcome/items' })
  await world.say(order.id, {
    status: 'completed',
    outcome: { items: [done(a!.id, 'confirmed'), done(b!.id, 'not_accessible')] },
  })
  expect((await caseOf(a!.caseId)).state).toBe('verifying')
  expect((await caseOf(b!.caseId)).state).toBe('scheduled')
  const between = await world.bridge.orders.get(world.brandId, order.id)
  expect(between).toMatchObject({ state: 'accepted', closedAt: null, visit: 2 })
  expect(between.items.find((one) => one.id === a!.id)).toMatchObject({
    live: false,
    verdict: 'confirmed',
    partsUsed: [{ sku: 'HEPA-300', serial: 'P-77', origin: 'genuine', oldPart: 'P-12' }],
  })
  const resets = (await world.changes()).filter((type) => type === 'component.reset')
  expect(resets).toHaveLength(1)

  await world.say(order.id, { status: 'arrived', visit: 2 })
  await world.say(order.id, {
    status: 'completed',
    visit: 2,
    outcome: { items: [done(b!.id, 'no_fault_found')] },
  })
  expect(await caseOf(b!.caseId)).toMatchObject({ state: 'closed', end: 'no_fault_found' })
  expect((await caseOf(a!.caseId)).state).toBe('verifying')
  const closed = await world.bridge.orders.get(world.brandId, order.id)
  expect(closed.state).toBe('completed')
  expect((closed.outcome as { items: unknown[] }).items).toHaveLength(2)
})

test('one need of two is cancelled: the visit goes on for the other, and the partner is told what to leave', async () => {
  const world = await makeWorld({ standingShare: true })
  await world.fire()
  await world.fire({ component: 'fan' })
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const order = await world.onlyOrder()
  const [a, b] = order.items
  await world.bridge.cases.cancel(world.brandId, a!.caseId, {
    by: { kind: 'brand', id: 'key_brand' },
    reason: 'repaired by phone',
  })
  await world.bridge.idle()
  expect(world.partner.ofType('work_order.cancelled')).toEqual([])
  expect(world.partner.ofType('work_order.updated').at(-1)!.event.data).toMatchObject({
    change: 'items_dropped',
    items: [a!.id],
  })
  expect((await world.bridge.cases.get(world.brandId, b!.caseId)).state).toBe('ordered')
  await world.say(order.id, { status: 'accepted' })
  expect(await world.say(order.id, { status: 'completed', outcome: { items: [done(b!.id, 'confirmed')] } })).toBe(
    'applied',
  )
  // The last one ends the order.
  expect((await world.bridge.orders.get(world.brandId, order.id)).state).toBe('completed')
})
