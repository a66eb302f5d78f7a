import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { instant } from '#contracts'
import { realClock } from '#platform'
import { newWebhookSecret, signatureHeaders } from '../delivery/signature.ts'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, OPERATOR, type World } from '../testing/world.ts'

async function withOrder(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { orderId: string }> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true, ...options })
  await world.fire()
  await world.pass(10 * MINUTE)
  return Object.assign(world, { orderId: (await world.onlyOrder()).id })
}

function post(
  world: World & { orderId: string },
  options: { body?: string | Buffer; secret?: string; ageMs?: number; id?: string; orderId?: string } = {},
) {
  const rawBody = Buffer.from(options.body ?? '{"status":"accepted"}')
  const headers = signatureHeaders({
    id: options.id ?? 'said-1',
    atMs: realClock.nowMs() - (options.ageMs ?? 0),
    body: rawBody,
    secrets: [options.secret ?? world.secret],
  })
  return world.bridge.partnerEvents.receive({ orderId: options.orderId ?? world.orderId, rawBody, headers })
}

test('what the official library signs is taken; a bad or old signature, or none, is not', async () => {
  const world = await withOrder()
  const body = '{"status":"accepted"}'
  const nowMs = realClock.nowMs()
  const headers = {
    'webhook-id': 'said-0',
    'webhook-timestamp': String(Math.floor(nowMs / 1_000)),
    'webhook-signature': new Webhook(world.secret).sign('said-0', new Date(nowMs), body),
  }
  const rawBody = Buffer.from(body)
  expect(await world.bridge.partnerEvents.receive({ orderId: world.orderId, rawBody, headers })).toEqual({
    disposition: 'applied',
  })
  await expect(post(world, { secret: newWebhookSecret() })).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
    status: 401,
  })
  await expect(post(world, { ageMs: 6 * MINUTE })).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  await expect(post(world, { ageMs: -6 * MINUTE })).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  await expect(
    world.bridge.partnerEvents.receive({ orderId: world.orderId, rawBody, headers: {} }),
  ).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
  })
})

test.each([
  ['at', { status: 'accepted', at: '9999-99-99T99:99:99Z' }, '/at'],
  ['at, in an age of no appliances', { status: 'accepted', at: '9999-12-31T23:59:59Z' }, '/at'],
  ['appointment', slot('2026-02-30T09:00:00Z', '2026-02-30T11:00:00Z'), '/appointment/from'],
  ['appointment backwards', slot('2026-03-02T11:00:00Z', '2026-03-02T09:00:00Z'), '/appointment/to'],
])('a time that cannot be is refused with its place: %s', async (_what, event, pointer) => {
  const world = await withOrder()
  await expect(post(world, { body: JSON.stringify(event) })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    pointer,
  })
  expect((await world.onlyOrder()).status).toBeNull()
})

function slot(from: string, to: string) {
  return { status: 'appointed', appointment: { from, to } }
}

test('a word dated years ahead does not make all that follows look late', async () => {
  const world = await withOrder()
  const said = (id: string, event: object) => post(world, { id, body: JSON.stringify(event) })
  const ahead = instant(world.clock.nowMs() + 400 * DAY)
  await said('1', { status: 'accepted', at: ahead })
  await said('2', { status: 'arrived', at: ahead })
  await said('3', { status: 'customer_absent', at: ahead })
  await world.pass(2 * DAY)
  await said('4', { status: 'dispatched', at: instant(world.clock.nowMs()) })
  expect(await world.onlyOrder()).toMatchObject({ visit: 2, status: 'dispatched' })
})

test('another partner’s order, and one that never was, do not exist; a stranger learns nothing', async () => {
  const world = await withOrder()
  const { secret: other } = await world.bridge.partners.create({ key: 'other', name: 'Other', url: null, by: OPERATOR })
  await expect(post(world, { secret: other })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(post(world, { orderId: 'wo_never' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(post(world, { orderId: 'wo_never', secret: newWebhookSecret() })).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
  })
  for (const call of ['getForPartner', 'site'] as const) {
    const asked =
      call === 'site'
        ? world.bridge.orders.site({ orderId: world.orderId, partnerId: 'other', by: { kind: 'partner', id: 'other' } })
        : world.bridge.orders.getForPartner('other', world.orderId)
    await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }
  expect((await world.bridge.orders.listForPartner('other', {})).items).toEqual([])
  expect((await world.bridge.orders.listForPartner('fixit', {})).items).toHaveLength(1)
})

test('replayed: 200 without effect, whatever it says now', async () => {
  const world = await withOrder()
  expect(await post(world)).toEqual({ disposition: 'applied' })
  expect(await post(world)).toEqual({ disposition: 'replayed' })
  expect(await post(world, { body: '{"status":"dispatched"}' })).toEqual({ disposition: 'replayed' })
  expect((await world.onlyOrder()).status).toBe('accepted')
})

test('bodies that cannot be used: too large, not JSON, unknown status, unknown field', async () => {
  const world = await withOrder()
  await expect(post(world, { body: Buffer.alloc(2_000_000, 32) })).rejects.toMatchObject({
    code: 'PAYLOAD_TOO_LARGE',
    status: 413,
  })
  await expect(post(world, { body: '{' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(post(world, { body: Buffer.from([0xff, 0xfe]) })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(post(world, { body: '{"status":"teleported"}' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    status: 422,
    pointer: '/status',
  })
  await expect(post(world, { body: '{"status":"accepted","brand":"x"}' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
  })
  // None of them used up the id.
  expect(await post(world)).toEqual({ disposition: 'applied' })
})

test('reasons are a closed list, and required where the contract says so', async () => {
  const world = await withOrder()
  await expect(world.say(world.orderId, { status: 'rejected' })).rejects.toMatchObject({ pointer: '/reason' })
  await expect(world.say(world.orderId, { status: 'rejected', reason: 'weather' })).rejects.toMatchObject({
    pointer: '/reason',
  })
  await expect(world.say(world.orderId, { status: 'completed' })).rejects.toMatchObject({ pointer: '/outcome' })
  const outcome = {
    items: [{ item: 'it_stranger', verdict: 'confirmed', report: { found: '', done: [], advice: '' } }],
  }
  await expect(world.say(world.orderId, { status: 'completed', outcome } as never)).rejects.toMatchObject({
    pointer: '/outcome/items/0/item',
  })
})

test('shuffled and repeated: stored all, counted by visit and rank', async () => {
  const world = await withOrder()
  expect(await world.say(world.orderId, { status: 'arrived' })).toBe('applied')
  expect(await world.say(world.orderId, { status: 'en_route' })).toBe('old')
  expect(await world.say(world.orderId, { status: 'accepted' })).toBe('old')
  expect(await world.complete(world.orderId)).toBe('applied')
  expect(await world.say(world.orderId, { status: 'dispatched' })).toBe('old')
  expect(await world.say(world.orderId, { status: 'failed', reason: 'other' })).toBe('contradiction')
  const order = await world.onlyOrder()
  expect(order).toMatchObject({
    state: 'completed',
    status: 'completed',
    needsReview: 'the partner said failed after completed',
  })
  expect(order.events.map((event) => event.disposition).sort()).toEqual([
    'applied',
    'applied',
    'contradiction',
    'old',
    'old',
    'old',
  ])
  expect((await world.onlyCase()).state).toBe('verifying')
})

test('absent, then a second visit that repairs it', async () => {
  const world = await withOrder()
  await world.say(world.orderId, { status: 'arrived' })
  expect(await world.say(world.orderId, { status: 'customer_absent' })).toBe('applied')
  const appointment = { from: instant(world.clock.nowMs() + DAY), to: instant(world.clock.nowMs() + DAY + HOUR) }
  await world.say(world.orderId, { status: 'appointed', visit: 2, appointment })
  expect(await world.say(world.orderId, { status: 'arrived', visit: 2 })).toBe('applied')
  const { packet } = await world.onlyOrder()
  const outcome = {
    items: [{ item: packet.items[0]!.id, verdict: 'confirmed' as const, report: { found: 'x', done: [], advice: '' } }],
  }
  expect(await world.say(world.orderId, { status: 'completed', visit: 2, outcome })).toBe('applied')
  expect((await world.onlyCase()).state).toBe('verifying')
})

test('acceptBy passes: told to both, and a person looks', async () => {
  const world = await withOrder()
  await world.pass(5 * HOUR)
  expect(world.partner.ofType('work_order.sla_missed')).toHaveLength(1)
  expect(world.brandServer.ofType('work_order.sla_missed')).toHaveLength(1)
  expect(await world.onlyOrder()).toMatchObject({ missed: ['acceptBy 1'], state: 'cancelled', endReason: 'lapsed' })
  expect(await world.onlyCase()).toMatchObject({ state: 'rerouting', needsReview: 'no consented partner can come' })
})

test('more taken than agreed is stored, marked and told', async () => {
  const world = await withOrder()
  const { packet } = await world.onlyOrder()
  const items = [
    { item: packet.items[0]!.id, verdict: 'confirmed' as const, report: { found: '', done: [], advice: '' } },
  ]
  await world.say(world.orderId, { status: 'completed', outcome: { items, charge: { lines: [], totalMinor: 99_900 } } })
  expect((await world.onlyOrder()).needsReview).toBe('overcharged')
  const reasons = world.brandServer
    .ofType('notice.requested')
    .map((one) => (one.event.data as { reasonCode: string }).reasonCode)
  expect(reasons).toContain('overcharged')
})

test('the address: not before acceptance, each read audited, gone a week after the end', async () => {
  const world = await withOrder()
  const ask = () =>
    world.bridge.orders.site({ orderId: world.orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } })
  await expect(ask()).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.say(world.orderId, { status: 'accepted' })
  await ask()
  await ask()
  await world.complete(world.orderId)
  await world.pass(7 * DAY - MINUTE)
  await ask()
  await world.pass(2 * MINUTE)
  await expect(ask()).rejects.toMatchObject({ code: 'GONE', status: 410 })
  const trail = await world.db.asHub((tx) =>
    tx.selectFrom('audit').select('action').where('action', 'like', 'site.%').orderBy('ordinal').execute(),
  )
  expect(trail.map((entry) => entry.action)).toEqual([
    'site.refused',
    'site.read',
    'site.read',
    'site.read',
    'site.refused',
  ])
})

test('consent withdrawn: the order is called off and the address gone at once', async () => {
  const world = await withOrder()
  await world.say(world.orderId, { status: 'accepted' })
  await world.consent('share', false)
  await world.bridge.idle()
  await expect(
    world.bridge.orders.site({ orderId: world.orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({ status: 410 })
  expect(await world.onlyOrder()).toMatchObject({ state: 'cancelled' })
  expect(await world.onlyCase()).toMatchObject({ state: 'cancelled' })
  expect(world.partner.ofType('work_order.cancelled')).toHaveLength(1)
})

test('consent withdrawn while the technician is there: no address any more, and a person looks', async () => {
  const world = await withOrder()
  await world.say(world.orderId, { status: 'arrived' })
  await world.consent('share', false)
  await expect(
    world.bridge.orders.site({ orderId: world.orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({ code: 'CONSENT_WITHDRAWN' })
  expect(await world.onlyOrder()).toMatchObject({
    state: 'in_progress',
    needsReview: 'consent withdrawn during the visit',
  })
})

test('cancelling is possible until somebody stands at the door', async () => {
  const early = await withOrder()
  await early.say(early.orderId, { status: 'en_route' })
  await early.bridge.orders.cancel(early.brandId, early.orderId, { by: BRAND_USER, reason: 'wrong home' })
  await early.bridge.idle()
  expect((await early.onlyCase()).state).toBe('cancelled')
  expect(early.partner.ofType('work_order.cancelled')).toHaveLength(1)
  expect(await early.say(early.orderId, { status: 'arrived' })).toBe('closed')

  const late = await withOrder()
  await late.say(late.orderId, { status: 'arrived' })
  await expect(
    late.bridge.orders.cancel(late.brandId, late.orderId, { by: BRAND_USER, reason: 'x' }),
  ).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('one press of a button counts once under its id, and no phone speaks of the future', async () => {
  const world = await withOrder()
  const order = await world.onlyOrder()
  const token = order.packet.links.job.split('/').at(-1)!
  const press = { id: 'a'.repeat(32), status: 'accepted', visit: 1 } as const
  await world.bridge.jobs.event(token, press)
  // Sent again with the time at which it was said: still the same press.
  await world.bridge.jobs.event(token, { ...press, at: instant(world.clock.nowMs()) })
  const ahead = {
    id: 'b'.repeat(32),
    status: 'en_route',
    visit: 1,
    at: instant(world.clock.nowMs() + 3_600_000),
  } as const
  const view = await world.bridge.jobs.event(token, ahead)
  expect(view.events).toEqual([
    { status: 'accepted', visit: 1, at: instant(world.clock.nowMs()) },
    { status: 'en_route', visit: 1, at: instant(world.clock.nowMs()) },
  ])
})

test('the link offers what counts next: no second acceptance, and the next visit once this one is over', async () => {
  const world = await withOrder()
  const token = (await world.onlyOrder()).packet.links.job.split('/').at(-1)!
  expect((await world.bridge.jobs.view(token)).allowed).toEqual(
    expect.arrayContaining(['accepted', 'rejected', 'quoted']),
  )
  const taken = await world.bridge.jobs.event(token, { status: 'accepted', visit: 1 })
  expect(taken.allowed).not.toContain('rejected')
  await world.bridge.jobs.event(token, { status: 'arrived', visit: 1 })
  const missed = await world.bridge.jobs.event(token, { status: 'customer_absent', visit: 1 })
  expect(missed).toMatchObject({ visit: 2, status: 'customer_absent' })
  expect(missed.allowed).toEqual(expect.arrayContaining(['appointed', 'dispatched', 'arrived', 'cancelled']))
  expect(missed.allowed).not.toContain('accepted')
  const again = await world.bridge.jobs.event(token, { status: 'arrived', visit: 2 })
  expect(again).toMatchObject({ visit: 2, status: 'arrived' })
})

test('the technician’s link says the same statuses and sees no address before acceptance', async () => {
  const world = await withOrder()
  const token = (await world.onlyOrder()).packet.links.job.split('/').at(-1)!
  const before = await world.bridge.jobs.view(token)
  expect(before).toMatchObject({ status: null, siteOpen: false })
  expect(before.allowed).toContain('accepted')
  await expect(world.bridge.jobs.site(token)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.bridge.jobs.event(token, { status: 'accepted', visit: 1 })
  await world.bridge.jobs.event(token, { status: 'accepted', visit: 1 })
  expect(await world.bridge.jobs.site(token)).toMatchObject({ city: '上海市' })
  const after = await world.bridge.jobs.event(token, { status: 'en_route', visit: 1 })
  expect(after).toMatchObject({ status: 'en_route', siteOpen: true })
  expect(after.events.map((event) => event.status)).toEqual(['accepted', 'en_route'])
  await expect(world.bridge.jobs.view('x'.repeat(43))).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
