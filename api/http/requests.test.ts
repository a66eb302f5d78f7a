import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aProduct } from '../testing/scenario.ts'
import { makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
})
afterAll(() => hub?.close())

const post = (raw: { type: string; text: string | Buffer }) =>
  hub.call('POST', '/api/products', { key: brand.admin, raw })
const json = (text: string | Buffer) => post({ type: 'application/json', text })

test('a problem names itself by type, title, status, code and detail, and points into the body', async () => {
  const answer = await hub.call('POST', '/api/products', {
    key: brand.admin,
    body: { ...aProduct(), colour: 'red', metrics: [] },
  })
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.body).toMatchObject({
    status: 422,
    code: 'VALIDATION_FAILED',
    title: 'The body does not fit the schema',
  })
  expect(answer.body.problems).toContainEqual({ pointer: '/colour', detail: 'is not a known field' })
  expect(answer.body.pointer).toBe(answer.body.problems[0].pointer)
})

test('nothing is converted: the text "12" is not the number 12', async () => {
  const product = aProduct()
  const answer = await hub.call('POST', '/api/products', {
    key: brand.admin,
    body: { ...product, metrics: [{ ...product.metrics[0], min: '12' }] },
  })
  expect(answer.body).toMatchObject({ status: 422, pointer: '/metrics/0/min' })
})

test('nobody assigns what is not theirs to assign: brand, status, ids', async () => {
  for (const field of ['brandId', 'tenantId', 'status', 'id', 'brand']) {
    const answer = await hub.call('POST', '/api/homes', { key: brand.admin, body: { [field]: 'x' } })
    expect(answer.body).toMatchObject({ status: 422, pointer: `/${field}` })
  }
})

test.each([
  ['not JSON', '{"a":', 400],
  ['empty', '', 422],
  ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
  ['a prototype', '{"__proto__":{"role":"platform"}}', 422],
  ['a constructor', '{"constructor":{}}', 422],
  ['a NUL', '{"key":"a\\u0000"}', 422],
  ['half a surrogate pair', '{"key":"\\ud800"}', 422],
  ['ten thousand levels', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 422],
  ['null', 'null', 422],
  ['an array', '[]', 422],
])('a body that is %s is refused in its own words', async (_, text, status) => {
  const answer = await json(text)
  expect(answer.status).toBe(status)
  expect(answer.body.detail.length).toBeGreaterThan(10)
})

test('a byte order mark is no reason to refuse', async () => {
  expect((await json(`\ufeff${JSON.stringify(aProduct('bom'))}`)).status).toBe(201)
})

test('too large is 413, another content type 415, an unknown path 404', async () => {
  const large = await json(JSON.stringify({ key: 'x'.repeat(300_000) }))
  expect([large.status, large.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  const xml = await post({ type: 'application/xml', text: '<a/>' })
  expect([xml.status, xml.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  const nowhere = await hub.call('GET', '/api/nowhere', { key: brand.admin })
  expect([nowhere.status, nowhere.body.code]).toEqual([404, 'NOT_FOUND'])
  const wrongUrl = await hub.call('GET', '/api/devices/%E0%A4%A', { key: brand.admin })
  expect(wrongUrl.body).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
})

test('lists go on where they stopped, and refuse a cursor nobody gave out', async () => {
  for (const key of ['p1', 'p2', 'p3'])
    await hub.call('POST', '/api/products', { key: brand.admin, body: aProduct(key) })
  const keys: string[] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await hub.call('GET', `/api/products?limit=2${query}`, { key: brand.viewer })
    keys.push(...page.body.items.map((product: { key: string }) => product.key))
    cursor = page.body.nextCursor
  } while (cursor !== null)
  expect(keys).toEqual(['bom', 'p1', 'p2', 'p3'])
  for (const bad of [
    'x',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["a\\u0000"]').toString('base64url'),
  ]) {
    const answer = await hub.call('GET', `/api/products?cursor=${bad}`, { key: brand.viewer })
    expect([200, 400]).toContain(answer.status)
  }
  expect((await hub.call('GET', '/api/devices?cursor=bm9wZQ', { key: brand.viewer })).status).toBe(400)
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'colour=red']) {
    expect((await hub.call('GET', `/api/products?${query}`, { key: brand.viewer })).body).toMatchObject({ status: 400 })
  }
})

test('answers forbid a browser everything; pages only what they need', async () => {
  const answer = await hub.call('GET', '/api/brand', { key: brand.viewer })
  expect(answer.headers).toMatchObject({
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': expect.any(String),
  })
  const page = await hub.call('GET', '/h/some-token', { key: null })
  expect(page.status).toBe(200)
  expect(page.headers['content-type']).toContain('text/html')
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  const script = await hub.call('GET', '/pages/offer.ts', { key: null })
  expect(script.headers['content-type']).toContain('text/javascript')
  expect(script.text).not.toMatch(/import type|: OfferView\b/)
  const again = await hub.call('GET', '/pages/offer.ts', {
    key: null,
    headers: { 'if-none-match': String(script.headers.etag) },
  })
  expect(again.status).toBe(304)
  for (const path of ['/pages/../package.json', '/pages/%2e%2e/package.json', '/pages/none.ts', '/pages/']) {
    expect((await hub.call('GET', path, { key: null })).status).toBe(404)
  }
})

test('the documentation is drawn from files of this hub alone', async () => {
  const page = await hub.call('GET', '/docs/', { key: null })
  expect(page.status).toBe(200)
  expect(page.headers['content-security-policy']).not.toMatch(/https?:/)
  expect(page.text).not.toMatch(/(src|href)="https?:/)
  const start = await hub.call('GET', '/docs/static/swagger-initializer.js', { key: null })
  expect(start.text).not.toContain('validator.swagger.io')
})

test('limits: per key and per address, on real time, with a time to come back', async () => {
  const tight = await makeHub({
    limits: { perKey: { perSecond: 0.01, burst: 3 }, perAddress: { perSecond: 0.01, burst: 8 } },
  })
  onTestFinished(() => tight.close())
  const statuses: number[] = []
  for (let i = 0; i < 10; i++) {
    const answer = await tight.call('GET', '/api/brands')
    statuses.push(answer.status)
    if (answer.status === 429) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429, 429, 429, 429, 429, 429])
  // The address has used up its own allowance too: not even health is answered.
  expect((await tight.call('GET', '/healthz', { key: null })).body.code).toBe('RATE_LIMITED')
})

test('limits: whoever changes addresses within what one subscriber is given is one caller', async () => {
  const tight = await makeHub({ limits: { perAddress: { perSecond: 0.01, burst: 3 } } })
  onTestFinished(() => tight.close())
  const statusFrom = async (remoteAddress: string): Promise<number> =>
    (await tight.api.inject({ method: 'GET', url: '/healthz', remoteAddress })).statusCode
  const statuses: number[] = []
  for (let i = 1; i <= 5; i++) statuses.push(await statusFrom(`2001:db8:1:2::${i}`))
  expect(statuses).toEqual([200, 200, 200, 429, 429])
  expect(await statusFrom('2001:db8:1:3::1')).toBe(200)
})

test('a body of nothing but line breaks or commas is refused before it is read', async () => {
  const send = (url: string, type: string, text: string) =>
    hub.call('POST', url, { key: brand.admin, raw: { type, text } })
  const breaks = '\n'.repeat(100_001)
  for (const url of ['/api/telemetry', '/api/devices/bulk'])
    expect((await send(url, 'application/x-ndjson', breaks)).body.code).toBe('PAYLOAD_TOO_LARGE')
  expect((await send('/api/devices/bulk', 'text/csv', breaks)).body.code).toBe('PAYLOAD_TOO_LARGE')
  const commas = await send('/api/devices/bulk', 'text/csv', ','.repeat(65_537))
  expect(commas.body).toMatchObject({ code: 'VALIDATION_FAILED', detail: expect.stringContaining('Line 1') })
})

test('a revoked key ends at once, an expired one by itself, and those of a disabled brand together', async () => {
  const other = await hub.newBrand('bravo')
  const made = await hub.call('POST', '/api/keys', { key: other.admin, body: { role: 'viewer', label: 'tv' } })
  const { key } = made.body
  expect((await hub.call('GET', '/api/brand', { key })).status).toBe(200)
  expect((await hub.call('DELETE', `/api/keys/${made.body.apiKey.id}`, { key: other.admin })).status).toBe(200)
  expect((await hub.call('GET', '/api/brand', { key })).status).toBe(401)
  expect((await hub.call('PATCH', '/api/brands/bravo', { body: { disabled: true } })).status).toBe(200)
  expect((await hub.call('GET', '/api/brand', { key: other.viewer })).status).toBe(401)
  await hub.call('PATCH', '/api/brands/bravo', { body: { disabled: false } })
  expect((await hub.call('GET', '/api/brand', { key: other.viewer })).status).toBe(200)
  for (const authorization of ['', 'Bearer', 'Basic YTpi', `bearer ${other.viewer}`, `Bearer ${other.viewer} x`]) {
    const answer = await hub.call('GET', '/api/brand', { key: null, headers: { authorization } })
    expect(answer.status, authorization).toBe(401)
  }
})

test('a request that drips in holds a socket, not the hub', async () => {
  await hub.api.listen({ port: 0, host: '127.0.0.1' })
  const { port } = hub.api.server.address() as AddressInfo
  const dripping = Array.from({ length: 50 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST /api/products HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n',
    )
    return socket
  })
  onTestFinished(() => {
    for (const socket of dripping) socket.destroy()
  })
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
  expect(answer.status).toBe(200)
  // Declared far beyond the limit: refused by its headers, without waiting for the rest.
  const [first] = dripping
  const refused = new Promise<string>((resolve) => first!.once('data', (chunk) => resolve(chunk.toString())))
  first!.write(`authorization: Bearer ${brand.admin}\r\n\r\n`)
  expect(await refused).toContain('413')
  expect(hub.api.server.headersTimeout).toBeLessThanOrEqual(10_000)
  expect(hub.api.server.requestTimeout).toBeLessThanOrEqual(60_000)
})

test('liveness, readiness with reasons, numbers without names', async () => {
  const unready = await makeHub({
    readiness: async () => [
      { part: 'database', ready: true },
      { part: 'telemetry-log', ready: false, code: 'DISK_FULL', reason: 'The disk is below its reserve.' },
    ],
  })
  onTestFinished(() => unready.close())
  const ready = await unready.call('GET', '/readyz', { key: null })
  expect([ready.status, ready.body.ready]).toEqual([503, false])
  expect(ready.body.parts[1]).toMatchObject({ code: 'DISK_FULL' })
  expect((await unready.call('GET', '/healthz', { key: null })).status).toBe(200)
  expect((await unready.call('HEAD', '/healthz', { key: null })).status).toBe(200)
  const { text } = await hub.call('GET', '/metrics', { key: null })
  expect(text).toContain('beforehand_http_requests_total')
  expect(text).not.toContain(brand.id)
  expect(text).toContain('route="/api/products"')
})

test('answers were as the document says', () => expect(hub.misfits).toEqual([]))
