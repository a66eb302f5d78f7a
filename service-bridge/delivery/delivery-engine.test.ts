import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, OPERATOR, type World } from '../testing/world.ts'
import { RETRY_PAUSES_MS } from './retry-schedule.ts'

/** Jitter of zero, so that the schedule can be read off the clock. */
const even = { ...seededRandom(1), next: () => 0.5 }

/** A world whose order is in the outbox, with the partner behaving as told from the first attempt. */
async function ordered(options: Parameters<typeof makeWorld>[0] = {}): Promise<World & { orderId: string }> {
  const world = await makeWorld({
    rule: { dispatch: 'auto' },
    standingShare: true,
    // Nobody promised when to accept, so nothing but the order itself goes to the partner.
    agreement: { sla: { accept: 'P30D', book: 'P30D', arrive: 'P30D', finish: 'P30D' } },
    ...options,
    bridge: { random: even, ...options.bridge },
  })
  return Object.assign(world, { orderId: '' })
}

async function begin(world: World & { orderId: string }): Promise<void> {
  await world.fire()
  await world.pass(10 * MINUTE)
  world.orderId = (await world.onlyOrder()).id
}

async function createdDelivery(world: World & { orderId: string }) {
  const { items } = await world.bridge.deliveries.list(world.brandId, { subject: world.orderId })
  const created = items.find((item) => item.destinationKind === 'partner' && item.type.endsWith('work_order.created'))!
  return world.bridge.deliveries.get(world.brandId, created.id)
}

test('500 nine times, then 200: every attempt on its minute, one id, one order, a signature the official library takes', async () => {
  const world = await ordered()
  const times: number[] = []
  world.partner.behave((_request, response) => {
    times.push(world.clock.nowMs())
    response.writeHead(times.length <= 9 ? 500 : 200).end()
  })
  await begin(world)
  await world.pass(4 * DAY)
  const gaps = times.slice(1).map((at, i) => at - times[i]!)
  expect(gaps).toEqual(RETRY_PAUSES_MS.slice(1))
  const sent = world.partner.ofType('work_order.created')
  expect(new Set(sent.map((one) => one.id)).size).toBe(1)
  expect(new Set(sent.map((one) => one.body)).size).toBe(1)
  expect(sent[0]!.event.id).toBe(sent[0]!.id)
  for (const one of sent) expect(new Webhook(world.secret).verify(one.body, one.headers)).toBeTruthy()
  expect(await createdDelivery(world)).toMatchObject({ state: 'sent', attempts: 10, lastStatus: 200 })
})

test('down for four days: a dead letter that everybody can see, brought back under the same id', async () => {
  const world = await ordered()
  world.partner.behave((_request, response) => response.writeHead(500).end())
  await begin(world)
  await world.pass(4 * DAY)
  const dead = await createdDelivery(world)
  expect(dead).toMatchObject({ state: 'dead', attempts: 10, lastError: 'the endpoint answered 500' })
  expect((await world.onlyOrder()).needsReview).not.toBeNull()

  world.partner.behave((_request, response) => response.writeHead(200).end())
  expect(await world.bridge.deliveries.redrive(world.brandId, { id: dead.id }, { by: BRAND_USER })).toEqual({
    redriven: 1,
  })
  await world.pass(2 * MINUTE)
  expect((await createdDelivery(world)).state).toBe('sent')
  expect(new Set(world.partner.ofType('work_order.created').map((one) => one.id))).toEqual(new Set([dead.id]))
  await expect(
    world.bridge.deliveries.redrive(world.brandId, { id: dead.id }, { by: BRAND_USER }),
  ).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
})

test('a redirect to the metadata address is not followed', async () => {
  const world = await ordered()
  world.partner.behave((_request, response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
  )
  await begin(world)
  expect(await createdDelivery(world)).toMatchObject({ state: 'pending', attempts: 1, lastStatus: 302 })
})

test('410 disables the endpoint, buries the delivery and takes the partner out of the choice', async () => {
  const world = await ordered()
  world.partner.behave((_request, response) => response.writeHead(410).end())
  await begin(world)
  expect((await createdDelivery(world)).state).toBe('dead')
  expect(await world.bridge.partners.get('fixit')).toMatchObject({ disabledReason: 'the endpoint answered 410 Gone' })
  const before = world.partner.received.length
  await world.pass(DAY)
  expect(world.partner.received.length).toBe(before)
  const back = await world.bridge.partners.update('fixit', { url: world.partner.url, by: OPERATOR })
  expect(back.disabledReason).toBeNull()
})

test.each([
  ['3600', HOUR],
  ['-1', 5_000],
  ['315360000', 24 * HOUR],
])('429 with Retry-After %s waits %i ms', async (retryAfter, waitMs) => {
  const world = await ordered()
  world.partner.behave((_request, response) => response.writeHead(429, { 'retry-after': retryAfter }).end())
  await begin(world)
  const delivery = await createdDelivery(world)
  expect(Date.parse(delivery.nextAttemptAt!) - Date.parse(delivery.tries[0]!.at)).toBe(waitMs)
})

test('no answer in time, and an answer broken off in the middle, are both tried again', async () => {
  const world = await ordered({ bridge: { attemptTimeoutMs: 200 } })
  world.partner.behave((_request, response) => {
    if (world.partner.received.length === 1) return // never answers
    if (world.partner.received.length === 2) {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('partial')
      setImmediate(() => response.destroy())
      return
    }
    response.writeHead(200).end()
  })
  await begin(world)
  await world.pass(HOUR)
  const { tries, state } = await createdDelivery(world)
  expect(state).toBe('sent')
  expect(tries.map((one) => one.outcome)).toEqual([
    'no answer in time',
    expect.stringContaining('connection failed'),
    'sent',
  ])
  expect(new Set(world.partner.ofType('work_order.created').map((one) => one.id)).size).toBe(1)
})

test('a 2xx that comes when nobody waits for it any more: the same body again under the same id, so that it is one order', async () => {
  const world = await ordered({ bridge: { attemptTimeoutMs: 200 } })
  const book = new Map<string, string>()
  const late: number[] = []
  world.partner.behave((request, response, { id, body }) => {
    book.set(id, body)
    if (late.length > 0) return void response.writeHead(200).end()
    // Written down and answered, but after the hub has hung up.
    request.socket.once('close', () => {
      late.push(world.partner.received.length)
      response.writeHead(200).end()
    })
  })
  await begin(world)
  await world.pass(HOUR)
  expect(late).toEqual([1])
  const { tries, state, id } = await createdDelivery(world)
  expect(state).toBe('sent')
  expect(tries.map((one) => one.outcome)).toEqual(['no answer in time', 'sent'])
  const created = world.partner.ofType('work_order.created')
  expect(created.map((one) => one.id)).toEqual([id, id])
  expect(new Set(created.map((one) => one.body)).size).toBe(1)
  expect([...book.keys()].filter((key) => key === id)).toHaveLength(1)
})

test('an endless answer is cut at 64 KiB and its status counts', async () => {
  const world = await ordered()
  world.partner.behave((_request, response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      if (!response.destroyed && response.write(chunk)) setImmediate(more)
      else response.once('drain', more)
    }
    more()
  })
  await begin(world)
  expect((await createdDelivery(world)).state).toBe('sent')
})

test('the breaker opens at ten failures in a row, probes once a minute, and open time uses no attempts', async () => {
  const world = await ordered()
  await begin(world)
  const { orderId } = world
  world.partner.behave((_request, response) => response.writeHead(500).end())
  const ids: string[] = []
  await world.db.asHub(async (tx) => {
    for (let i = 0; i < 12; i++) {
      const id = `msg_breaker${i}`
      ids.push(id)
      await tx
        .insertInto('deliveries')
        .values({
          brand_id: world.brandId,
          delivery_id: id,
          destination_kind: 'partner',
          destination_id: 'fixit',
          type: 'beforehand.work_order.updated',
          subject: orderId,
          subject_sequence: 100 + i,
          body: '{}',
          next_at_ms: world.clock.nowMs(),
          created_at_ms: world.clock.nowMs(),
        })
        .execute()
    }
  })
  await world.bridge.idle()
  expect((await world.bridge.partners.get('fixit')).breaker).toBe('open')
  const spent = await Promise.all(
    ids.map(async (id) => (await world.bridge.deliveries.get(world.brandId, id)).attempts),
  )
  const before = world.partner.received.length
  await world.pass(5 * MINUTE)
  // One probe a minute, whatever waits.
  expect(world.partner.received.length - before).toBe(5)
  const later = await Promise.all(
    ids.map(async (id) => (await world.bridge.deliveries.get(world.brandId, id)).attempts),
  )
  expect(later).toEqual(spent)

  world.partner.behave((_request, response) => response.writeHead(200).end())
  await world.pass(MINUTE)
  await world.pass(10 * MINUTE)
  expect((await world.bridge.partners.get('fixit')).breaker).toBe('closed')
  for (const id of ids) expect((await world.bridge.deliveries.get(world.brandId, id)).state).toBe('sent')
})

test('one partner that does not answer delays no other endpoint', async () => {
  const world = await ordered({ bridge: { attemptTimeoutMs: 60_000 } })
  let release = (): void => {}
  const stuck = new Promise<void>((resolve) => {
    world.partner.behave((_request, response) => {
      release = () => response.writeHead(200).end()
      resolve()
    })
  })
  await world.fire()
  await world.bridge.idle()
  world.clock.advance(10 * MINUTE)
  const idle = world.bridge.idle()
  await stuck
  // The brand's endpoint has everything while the partner still holds its request.
  for (const type of ['alert.firing', 'case.open', 'case.ordered', 'work_order.created']) {
    await expect.poll(() => world.brandServer.ofType(type).length).toBe(1)
  }
  release()
  await idle
})

test('a crash after the claim: the next process sends the same body under the same id', async () => {
  const world = await ordered()
  await world.fire()
  await world.bridge.idle()
  // Between the commit of the outbox row and the sending: claimed, and the process is gone.
  world.partner.behave((_request, response) => response.destroy())
  world.clock.advance(10 * MINUTE)
  await world.bridge.idle()
  await world.db.asHub((tx) =>
    tx
      .updateTable('deliveries')
      .set({ state: 'sending', next_at_ms: world.clock.nowMs() + MINUTE })
      .where('state', '=', 'pending')
      .execute(),
  )
  world.partner.behave((_request, response) => response.writeHead(200).end())
  const second = world.another()
  world.clock.advance(MINUTE)
  await second.idle()
  // Between sending and marking: the partner has it, the hub does not know.
  await world.db.asHub((tx) =>
    tx
      .updateTable('deliveries')
      .set({ state: 'sending', sent_at_ms: null, next_at_ms: world.clock.nowMs() + MINUTE })
      .where('type', '=', 'beforehand.work_order.created')
      .where('destination_kind', '=', 'partner')
      .execute(),
  )
  world.clock.advance(MINUTE)
  await world.another().idle()
  const arrived = world.partner.ofType('work_order.created')
  expect(arrived.length).toBe(3)
  expect(new Set(arrived.map((one) => one.id)).size).toBe(1)
  expect(new Set(arrived.map((one) => one.body)).size).toBe(1)
})

test('two secrets sign while one takes over from the other', async () => {
  const world = await ordered()
  const { secret: fresh } = await world.bridge.partners.rotateSecret('fixit', { overlapMs: HOUR, by: OPERATOR })
  await begin(world)
  const [created] = world.partner.ofType('work_order.created')
  for (const secret of [fresh, world.secret])
    expect(new Webhook(secret).verify(created!.body, created!.headers)).toBeTruthy()
  await world.pass(2 * HOUR)
  const answer = await world.bridge.partners.test('fixit', { by: OPERATOR })
  expect(answer).toMatchObject({ ok: true, status: 200 })
  const [probe] = world.partner.ofType('partner.test')
  expect(() => new Webhook(world.secret).verify(probe!.body, probe!.headers)).toThrow()
  expect(new Webhook(fresh).verify(probe!.body, probe!.headers)).toBeTruthy()
})

test('a URL that turns private after it was saved is not called', async () => {
  const answers = [['93.184.215.14'], ['169.254.169.254']]
  const world = await makeWorld({ bridge: { resolveHost: async () => answers.shift() ?? ['169.254.169.254'] } })
  await world.bridge.endpoints.create(world.brandId, {
    url: 'https://brand.example/hooks',
    types: ['case.'],
    by: BRAND_USER,
  })
  await world.fire()
  await world.bridge.idle()
  const { items } = await world.bridge.deliveries.list(world.brandId, { state: 'pending' })
  expect(items.map((item) => item.lastError)).toEqual([expect.stringContaining('not public')])
  await expect(
    world.bridge.endpoints.create(world.brandId, { url: 'https://10.0.0.1/', by: BRAND_USER }),
  ).rejects.toMatchObject({ code: 'ADDRESS_FORBIDDEN' })
})

test('events of one subject carry a growing sequence', async () => {
  const world = await ordered()
  await begin(world)
  await world.bridge.orders.cancel(world.brandId, world.orderId, { by: BRAND_USER, reason: 'test' })
  await world.bridge.idle()
  const ours = world.partner.received.filter((one) => one.event.subject === world.orderId)
  expect(ours.map((one) => [one.event.type, one.event.sequence])).toEqual([
    ['beforehand.work_order.created', '1'],
    ['beforehand.work_order.cancelled', '2'],
  ])
})
