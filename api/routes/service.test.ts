import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instant } from '#contracts'
import { newId, realClock } from '#platform'
import { signatureHeaders } from '#service-bridge'
import { type Populated, populate } from '../testing/scenario.ts'
import { openSink, type Sink } from '../testing/sink.ts'
import { makeHub, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let sink: Sink
let it: Populated
let secret: string
let rivalSecret: string

beforeAll(async () => {
  hub = await makeHub()
  sink = await openSink()
  const partner = async (key: string): Promise<string> =>
    (await hub.call('POST', '/api/partners', { body: { key, name: key, url: sink.url } })).body.secret
  secret = await partner('fixit')
  rivalSecret = await partner('rival')
  it = await populate(hub, await hub.newBrand('acme'), { partnerKey: 'fixit', sink })
})
afterAll(async () => {
  await hub?.close()
  await sink?.close()
})

const call = (method: string, url: string, body?: unknown) =>
  hub.call(method, url, { key: it.brand.admin, ...(body === undefined ? {} : { body }) })

interface Saying {
  order?: string
  secret?: string
  atMs?: number
  id?: string
  text?: string
}

/** What a partner posts, signed as its own software would. */
async function say(event: Record<string, unknown>, saying: Saying = {}) {
  const body = saying.text ?? JSON.stringify({ visit: 1, at: instant(hub.clock.nowMs()), ...event })
  const headers = signatureHeaders({
    id: saying.id ?? newId('msg'),
    atMs: saying.atMs ?? realClock.nowMs(),
    body,
    secrets: [saying.secret ?? secret],
  })
  const url = `/partner/v1/work-orders/${saying.order ?? it.ids.workOrder}/events`
  return hub.call('POST', url, { key: null, headers, raw: { type: 'application/json', text: body } })
}

describe('what a partner says (reliability case 39)', () => {
  test('a bad or old signature is 401, whatever the body', async () => {
    expect((await say({ status: 'accepted' }, { secret: rivalSecret })).status).toBeGreaterThanOrEqual(401)
    expect((await say({ status: 'accepted' }, { atMs: realClock.nowMs() - 6 * 60_000 })).body.code).toBe(
      'SIGNATURE_INVALID',
    )
    expect((await say({}, { text: 'not JSON', secret: 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0' })).status).toBe(401)
  })

  test('another partner’s order, and one that never was, are 404', async () => {
    expect((await say({ status: 'accepted' }, { secret: rivalSecret })).status).toBe(404)
    expect((await say({ status: 'accepted' }, { order: 'wo_none' })).status).toBe(404)
  })

  test('an unknown status is 422, two megabytes are 413, and no content type of ours is 415', async () => {
    expect((await say({ status: 'teleported' })).status).toBe(422)
    expect((await say({}, { text: `{"status":"accepted","x":"${'x'.repeat(2_000_000)}"}` })).status).toBe(413)
    const url = `/partner/v1/work-orders/${it.ids.workOrder}/events`
    expect((await hub.call('POST', url, { key: null, raw: { type: 'text/html', text: 'x' } })).status).toBe(415)
  })

  test('the address is given only after acceptance; statuses out of order are stored and ignored; a replay has no effect', async () => {
    const partner = await hub.keyOf('partner', { partnerKey: 'fixit' })
    const site = () => hub.call('GET', `/partner/v1/work-orders/${it.ids.workOrder}/site`, { key: partner })
    expect((await site()).body.code).toBe('STATE_FORBIDS')
    expect((await say({ status: 'accepted' }, { id: 'p-1' })).body.disposition).toBe('applied')
    const again = await say({ status: 'accepted' }, { id: 'p-1' })
    expect(again.status).toBe(200)
    expect(again.body.disposition).not.toBe('applied')
    expect((await site()).body).toMatchObject({ street: 'street acme', contact: { number: '13800000000' } })
    expect((await say({ status: 'en_route' })).body.disposition).toBe('applied')
    expect((await say({ status: 'dispatched' })).body.disposition).not.toBe('applied')
    const order = await call('GET', `/api/work-orders/${it.ids.workOrder}`)
    expect(order.body.status).toBe('en_route')
    expect(order.body.events.map((event: { status: string }) => event.status)).toContain('dispatched')
    const trail = await call('GET', `/api/audit?subject=${it.ids.workOrder}`)
    expect(trail.body.items.map((entry: { action: string }) => entry.action)).toEqual(
      expect.arrayContaining(['site.read', 'site.refused']),
    )
    expect(trail.text).not.toContain('street acme')
  })

  test('a partner that polls sees its orders with its key', async () => {
    const partner = await hub.keyOf('partner', { partnerKey: 'fixit' })
    const { items } = (await hub.call('GET', '/partner/v1/work-orders?limit=1', { key: partner })).body
    expect(items[0].packet.items[0].diagnosis.component).toBe('hepa-filter')
    expect((await hub.call('GET', '/partner/v1/work-orders?state=sent', { key: partner })).body.items).toEqual([])
  })
})

describe('the homeowner’s link (reliability case 41)', () => {
  const base = () => `/home/v1/offers/${it.offerToken}`
  const visit = (method: string, path: string, body?: unknown) =>
    hub.call(method, base() + path, { key: null, ...(body === undefined ? {} : { body }) })

  test('accepting twice gives the same order; snoozing it afterwards is refused', async () => {
    const { packet } = (await call('GET', `/api/work-orders/${it.ids.workOrder}`)).body
    const again = await visit('POST', '/accept', { slot: packet.workOrder.window.slots[0], shareWith: ['fixit'] })
    expect(again.status).toBe(200)
    expect((await call('GET', '/api/work-orders')).body.items).toHaveLength(1)
    for (const [path, body] of [
      ['/snooze', { until: instant(hub.clock.nowMs() + 86_400_000) }],
      ['/self_service', {}],
    ] as const) {
      expect((await visit('POST', path, body)).body.code).toBe('STATE_FORBIDS')
    }
  })

  test('what was not offered cannot be accepted; what does not fit is pointed at', async () => {
    expect((await visit('POST', '/accept', { slot: { from: 'x', to: 'y' }, shareWith: [] })).status).toBe(422)
    expect((await visit('POST', '/accept', { shareWith: ['fixit'] })).body.pointer).toBe('/slot')
  })

  test('the technician’s link shows the packet and takes what comes next', async () => {
    const job = `/job/v1/${it.jobToken}`
    const view = await hub.call('GET', `${job}?locale=en`, { key: null })
    expect(view.body).toMatchObject({ locale: 'en', siteOpen: true, items: [{ job: { code: 'replace-hepa' } }] })
    expect(view.text).not.toContain('street acme')
    expect((await hub.call('GET', `${job}/site`, { key: null })).body.street).toBe('street acme')
    const arrived = await hub.call('POST', `${job}/events`, {
      key: null,
      body: { status: 'arrived', visit: 1, at: instant(hub.clock.nowMs()) },
    })
    expect(arrived.body.status).toBe('arrived')
    expect((await hub.call('POST', `${job}/events`, { key: null, body: { status: 'gone', visit: 1 } })).status).toBe(
      422,
    )
    // Somebody stands at the door: it is too late to call it off.
    expect((await visit('POST', '/cancel', {})).body.code).toBe('STATE_FORBIDS')
    expect((await call('POST', `/api/work-orders/${it.ids.workOrder}/cancel`, { reason: 'late' })).body.code).toBe(
      'STATE_FORBIDS',
    )
  })

  test('a withdrawn consent closes the address at once', async () => {
    const consent = {
      purpose: 'share',
      granted: false,
      at: instant(hub.clock.nowMs()),
      by: 'owner',
      method: 'call',
      textVersion: '1',
      textSha256: 'a'.repeat(64),
      dataKinds: ['address'],
      recipients: [{ partnerKey: 'fixit', name: 'Fixit', contact: 'x' }],
    }
    expect((await call('POST', `/api/homes/${it.ids.home}/consents`, consent)).status).toBe(201)
    const site = await hub.call('GET', `/job/v1/${it.jobToken}/site`, { key: null })
    expect([site.status, site.body.code]).toEqual([410, 'CONSENT_WITHDRAWN'])
  })
})

describe('what the brand sees', () => {
  test('the alert with its evidence; acknowledged once, snoozed for a while, dismissed with a reason', async () => {
    const alert = `/api/alerts/${it.ids.alert}`
    const shown = (await call('GET', alert)).body
    expect(shown).toMatchObject({ state: 'firing', rule: { key: 'hepa-clogged' }, component: 'hepa-filter' })
    expect(shown.evidence[0]).toMatchObject({ metric: 'filter_dp_pa', value: 262.1, limit: 250, unit: 'Pa' })
    expect(shown.transitions[0].kind).toBe('alert.firing')
    const first = (await call('POST', `${alert}/acknowledge`, {})).body
    expect((await call('POST', `${alert}/acknowledge`, {})).body.acknowledgedAt).toBe(first.acknowledgedAt)
    const until = (days: number) => ({ until: instant(hub.clock.nowMs() + days * 86_400_000) })
    expect((await call('POST', `${alert}/snooze`, until(1))).body.snoozedUntil).not.toBeNull()
    expect((await call('POST', `${alert}/snooze`, until(31))).body.pointer).toBe('/until')
    expect((await call('POST', `${alert}/snooze`, until(-1))).status).toBe(422)
    expect((await call('POST', `${alert}/dismiss`, {})).body.pointer).toBe('/reason')
    expect((await call('POST', `${alert}/dismiss`, { reason: 'the sensor was wrong' })).status).toBe(200)
    await hub.settled()
    expect((await call('GET', alert)).body).toMatchObject({
      state: 'resolved',
      reason: 'dismissed',
      dismissedReason: 'the sensor was wrong',
    })
    expect((await call('POST', `${alert}/acknowledge`, {})).body.code).toBe('STATE_FORBIDS')
    expect((await call('GET', '/api/alerts?open=true')).body.items).toEqual([])
  })

  test('telemetry raw, in buckets, and newest; messages accepted and refused; a timeline', async () => {
    const device = `/api/devices/${it.ids.device}`
    const raw = (await call('GET', `${device}/telemetry?metrics=filter_dp_pa`)).body
    expect(raw.items.map((item: { values: { filter_dp_pa: number } }) => item.values.filter_dp_pa)).toEqual([
      180, 262.1,
    ])
    const buckets = (await call('GET', `${device}/telemetry?metrics=filter_dp_pa&every=1h&agg=max`)).body
    expect(buckets.items.map((item: { values: { filter_dp_pa: number } }) => item.values.filter_dp_pa)).toEqual([262.1])
    expect((await call('GET', `${device}/telemetry/last`)).body.values.filter_dp_pa.value).toBe(262.1)
    for (const query of [
      'every=1h',
      'agg=max',
      'from=x',
      'from=2026-06-02T00:00:00Z&to=2026-06-01T00:00:00Z',
      'metrics=a%20b',
      'metrics=m&every=1s&from=2026-05-01T00:00:00Z',
    ])
      expect((await call('GET', `${device}/telemetry?${query}`)).body, query).toMatchObject({ status: 400 })
    const messages = (await call('GET', `${device}/messages?last=3`)).body.items
    expect(messages.map((m: { accepted: boolean; code: string | null }) => [m.accepted, m.code])).toEqual([
      [false, 'UNKNOWN_METRIC'],
      [true, null],
      [true, null],
    ])
    const kinds: string[] = []
    let cursor = ''
    do {
      const page = (await call('GET', `${device}/timeline?limit=2${cursor}`)).body
      kinds.push(...page.items.map((entry: { kind: string }) => entry.kind))
      cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : ''
    } while (cursor)
    expect(kinds).toEqual(expect.arrayContaining(['alert.firing', 'case.open', 'case.offered', 'case.ordered']))
  })

  test('a quarantined payload is looked at and, once the product knows the metric, taken in', async () => {
    const entry = `/api/quarantine/${it.ids.entry}`
    const shown = (await call('GET', entry)).body
    expect(shown).toMatchObject({ code: 'UNKNOWN_METRIC', truncated: false, reimportedAt: null })
    expect(JSON.parse(shown.payloadText)).toHaveProperty('unknown_metric')
    expect((await call('POST', `${entry}/reimport`, {})).body.accepted).toBe(0)
    const product = (await call('GET', '/api/products/ap-300')).body.document
    product.metrics.push({ key: 'unknown_metric', unit: '', type: 'number' })
    await call('PUT', '/api/products/ap-300', product)
    expect((await call('POST', `${entry}/reimport`, { dating: 'received' })).body.accepted).toBe(1)
    expect((await call('GET', entry)).body.reimportedAt).not.toBeNull()
    expect((await call('GET', '/api/quarantine?code=UNKNOWN_METRIC')).body.items).toHaveLength(1)
  })

  test('a payload with several problems names them all, and taking it in takes all that was refused', async () => {
    const device = `/api/devices/${it.ids.device}`
    const { accessToken } = (await call('POST', `${device}/credentials`, { keepOld: true })).body.credential
    const body = { filter_dp_pa: 181.25, first_new: 1, second_new: 2 }
    const sent = await hub.call('POST', `/api/v1/${accessToken}/telemetry`, { key: null, body })
    expect(sent.body).toMatchObject({ accepted: 1, problems: [{ pointer: '/first_new' }, { pointer: '/second_new' }] })
    await hub.recorded()
    const entries = (await call('GET', '/api/quarantine?limit=50')).body.items
    const newest = entries.find((entry: { pointer: string }) => entry.pointer === '/first_new')
    expect(newest.problems.map((problem: { pointer: string }) => problem.pointer)).toEqual([
      '/first_new',
      '/second_new',
    ])
    const product = (await call('GET', '/api/products/ap-300')).body.document
    for (const key of ['first_new', 'second_new']) product.metrics.push({ key, unit: '', type: 'number' })
    await call('PUT', '/api/products/ap-300', product)
    await call('POST', `/api/quarantine/${newest.id}/reimport`, { dating: 'received' })
    await hub.recorded()
    const from = newest.receivedAt
    const to = new Date(Date.parse(from) + 60_000).toISOString()
    const stored = (await call('GET', `${device}/telemetry?metrics=first_new,second_new&from=${from}&to=${to}`)).body
    expect(JSON.stringify(stored)).toMatch(/first_new.*second_new/)
  })

  test('readings from the brand’s own cloud get a result per line', async () => {
    const { serial } = (await call('GET', `/api/devices/${it.ids.device}`)).body
    const lines = [
      JSON.stringify({ serial, ts: hub.clock.nowMs(), values: { fan_rpm: 900 } }),
      JSON.stringify({ serial: 'nobody', values: { fan_rpm: 900 } }),
      'nonsense',
    ]
    const answer = await hub.call('POST', '/api/telemetry', {
      key: it.brand.author,
      raw: { type: 'application/x-ndjson', text: lines.join('\n') },
    })
    expect(answer.body).toMatchObject({ accepted: 1, refused: 2 })
    expect(answer.body.lines.map((line: { line: number }) => line.line)).toEqual([1, 2, 3])
    const many = await hub.call('POST', '/api/telemetry', {
      key: it.brand.author,
      raw: { type: 'application/x-ndjson', text: '{}\n'.repeat(10_001) },
    })
    expect(many.status).toBe(413)
  })

  test('deliveries: sent ones with their attempts; a dead letter goes out again under its own id', async () => {
    const sent = (await call('GET', '/api/deliveries?state=sent')).body.items
    expect(sent.length).toBeGreaterThan(0)
    const one = (await call('GET', `/api/deliveries/${sent[0].id}`)).body
    expect(one.tries[0]).toMatchObject({ attempt: 1, status: 200 })
    await hub.db.asHub((tx) =>
      tx
        .updateTable('deliveries')
        .set({ state: 'dead', dead_at_ms: hub.clock.nowMs() })
        .where('delivery_id', '=', sent[0].id)
        .execute(),
    )
    const before = sink.received.length
    expect((await call('POST', `/api/deliveries/${sent[0].id}/redrive`, {})).body).toEqual({ redriven: 1 })
    await hub.settled()
    expect(sink.received.slice(before).map(({ headers }) => headers['webhook-id'])).toEqual([sent[0].id])
    expect(
      (await call('POST', '/api/deliveries/redrive', { from: '2027-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })).body
        .pointer,
    ).toBe('/to')
    expect((await call('POST', '/api/deliveries/redrive', {})).status).toBe(422)
  })

  test('a partner’s test event says how it went; a forbidden address is refused at save', async () => {
    const ok = await hub.call('POST', '/api/partners/fixit/test', { body: {} })
    expect(ok.body).toMatchObject({ ok: true, status: 200 })
    sink.status = 500
    expect((await hub.call('POST', '/api/partners/fixit/test', { body: {} })).body).toMatchObject({
      ok: false,
      status: 500,
    })
    sink.status = 200
    const metadata = await hub.call('POST', '/api/partners', {
      body: { key: 'evil', name: 'x', url: 'https://169.254.169.254/' },
    })
    expect([metadata.status, metadata.body.code]).toEqual([422, 'ADDRESS_FORBIDDEN'])
    const rotated = await hub.call('POST', '/api/partners/fixit/secret', { body: { overlapMs: 0 } })
    expect(rotated.body.secret).toMatch(/^whsec_/)
  })

  test('agreements, parts, endpoints, notices, gates, cases, stats', async () => {
    expect((await call('PATCH', `/api/agreements/${it.ids.agreement}`, { active: false })).body.active).toBe(false)
    expect(
      (
        await call('PUT', '/api/parts/OTHER', {
          sku: 'X',
          name: { en: 'x', 'zh-CN': 'x' },
          genuine: true,
          leadDays: {},
        })
      ).body.pointer,
    ).toBe('/sku')
    expect((await call('DELETE', '/api/parts/HEPA-300')).status).toBe(204)
    expect((await call('GET', '/api/parts/HEPA-300')).status).toBe(404)
    expect(
      (await call('PATCH', `/api/endpoints/${it.ids.endpoint}`, { types: ['beforehand.case.'] })).body.types,
    ).toEqual(['beforehand.case.'])
    const receipt = await call('POST', `/api/notices/${it.ids.notice}/receipts`, { status: 'delivered' })
    expect(receipt.body.status).toBe('delivered')
    const gate = { scope: 'rule', subject: 'hepa-clogged', reason: 'too many' }
    expect((await call('PUT', '/api/gates', gate)).body).toMatchObject(gate)
    expect((await call('GET', '/api/gates')).body.items).toHaveLength(1)
    expect((await call('DELETE', '/api/gates?scope=rule&subject=hepa-clogged')).status).toBe(204)
    const one = (await call('GET', `/api/cases/${it.ids.case}`)).body
    expect(one.events.map((event: { row: string }) => event.row)).toEqual(
      expect.arrayContaining(['C1', 'C4', 'C6', 'C9']),
    )
    const stats = (await call('GET', '/api/stats')).body
    expect(stats).toMatchObject({ devices: expect.any(Object), quarantinedLastDay: 2 })
    expect((await call('GET', `/api/offers?caseId=${it.ids.case}`)).body.items).toHaveLength(1)
    expect((await call('POST', `/api/work-orders/${it.ids.workOrder}/retry`, {})).body).toEqual({ redriven: 0 })
  })
})

test('answers were as the document says, and nothing failed inside', () => {
  expect(hub.misfits).toEqual([])
  expect(hub.failures).toEqual([])
})
