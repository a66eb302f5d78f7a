import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSecret } from '#platform'
import { documentOf, type OpenApiOperation } from './testing/answers.ts'
import { OPERATIONS } from './testing/operations.ts'
import { aProduct, aRule, type Populated, populate } from './testing/scenario.ts'
import { openSink, type Sink } from './testing/sink.ts'
import { type Call, makeHub, type TestHub } from './testing/test-hub.ts'
import { withoutBrandConditions } from './testing/without-brand-conditions.ts'

/** Stands in every text of brand A that A may choose; brand B must never receive it. */
/** A name under which another brand may have something of its own. */
const PUTS_ONES_OWN = new Set(['PUT /api/parts/{sku}', 'PUT /api/maintenance-windows/{window}'])
const SENTINEL = 'SENTINEL-9f3c'
const ROLES = ['platform', 'admin', 'author', 'viewer', 'partner'] as const

interface Operation {
  name: string
  method: string
  path: string
  access: OpenApiOperation['x-access']
}

function operationsOf(hub: TestHub): Operation[] {
  return Object.entries(documentOf(hub.api).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      access: operation['x-access'],
    })),
  )
}

/** Parameters that count within a thing and name nobody. */
const COUNTED: Readonly<Record<string, string>> = { version: '2' }

/** Path and query with one owner's ids in them. */
function urlOf({ name, path }: Operation, ids: Record<string, string>): string {
  const query = OPERATIONS[name]?.query
  return `${path}${query ? `?${query}` : ''}`.replace(/\{(\w+)\}/g, (_, parameter: string) => {
    const id = ids[parameter] ?? COUNTED[parameter]
    if (id === undefined) throw new Error(`${name}: give the fixture a ${parameter}`)
    return encodeURIComponent(id)
  })
}

function sampleOf({ name }: Operation): Call {
  const { body, raw, headers } = OPERATIONS[name] ?? {}
  return {
    ...(body === undefined ? {} : { body }),
    ...(raw === undefined ? {} : { raw }),
    ...(headers === undefined ? {} : { headers }),
  }
}

describe.each([
  { name: 'as built', weakened: false },
  { name: 'with every brand condition dropped from the queries', weakened: true },
])('the tenant matrix, $name', ({ weakened }) => {
  const weak = withoutBrandConditions()
  let hub: TestHub
  let sink: Sink
  let a: Populated
  let b: Populated
  let operations: Operation[]
  let idsOfA: Record<string, string>
  let idsOfB: Record<string, string>
  let keys: Record<(typeof ROLES)[number], string>

  beforeAll(async () => {
    hub = await makeHub({
      steppedClock: { nowMs: () => 0, stepTo: async (toMs) => toMs },
      ...(weakened ? { wrapDb: weak.wrap } : {}),
    })
    sink = await openSink()
    for (const key of ['fixit', 'rival']) {
      const made = await hub.call('POST', '/api/partners', { body: { key, name: key, url: sink.url } })
      expect(made.status).toBe(201)
    }
    const [brandA, brandB] = [await hub.newBrand('acme'), await hub.newBrand('bravo')]
    a = await populate(hub, brandA, { partnerKey: 'fixit', sink, word: SENTINEL })
    b = await populate(hub, brandB, { partnerKey: 'fixit', sink, word: 'bravo' })
    // Names a brand chooses may be equal in two brands, so A gets some that B does not have.
    for (const [url, body] of [
      ['/api/products', aProduct('only-a')],
      ['/api/rules', aRule('only-a')],
    ] as const) {
      expect((await hub.call('POST', url, { key: brandA.admin, body })).status).toBe(201)
    }
    const part = { sku: 'ONLY-A', name: { en: SENTINEL, 'zh-CN': SENTINEL }, genuine: true, leadDays: {} }
    expect((await hub.call('PUT', '/api/parts/ONLY-A', { key: brandA.admin, body: part })).status).toBe(200)
    const night = { scope: {}, zone: 'home', days: [1], from: '02:00', to: '03:00' }
    const put = await hub.call('PUT', '/api/maintenance-windows/only-a', { key: brandA.admin, body: night })
    expect(put.status).toBe(200)
    operations = operationsOf(hub)
    const shared = { brand: brandA.id, partner: 'fixit', token: newSecret() }
    idsOfA = { ...a.ids, ...shared, product: 'only-a', rule: 'only-a', sku: 'ONLY-A', window: 'only-a' }
    idsOfB = { ...b.ids, ...shared, brand: brandB.id }
    keys = {
      platform: hub.operatorKey,
      admin: brandB.admin,
      author: brandB.author,
      viewer: brandB.viewer,
      partner: await hub.keyOf('partner', { partnerKey: 'rival' }),
    }
  })
  afterAll(async () => {
    await hub?.close()
    await sink?.close()
  })

  test('knows every operation there is, and no other', () => {
    const documented = operations.map(({ name }) => name)
    const known = Object.keys(OPERATIONS).filter((name) => !name.startsWith('HEAD ') || documented.includes(name))
    expect(known.toSorted()).toEqual(documented.toSorted())
  })

  test('every operation says who may call it', () => {
    for (const { name, access } of operations) {
      expect(access?.kind, name).toMatch(/^(public|device|link|signed|key)$/)
      if (access.kind === 'key') expect(access.roles?.length, name).toBeGreaterThan(0)
    }
  })

  test('no key, an unknown, an expired and a revoked one: 401', async () => {
    const expired = await hub.keyOf('admin', { brandId: a.brand.id, expiresAtMs: 1 })
    const revoked = await hub.call('POST', '/api/keys', { key: a.brand.admin, body: { role: 'admin' } })
    const gone = await hub.call('DELETE', `/api/keys/${revoked.body.apiKey.id}`, { key: a.brand.admin })
    expect(gone.status).toBe(200)
    for (const operation of operations.filter(({ access }) => access.kind === 'key')) {
      for (const key of [null, 'bfh_unknown-and-long-enough', expired, revoked.body.key as string]) {
        const answer = await hub.call(operation.method, urlOf(operation, idsOfA), { ...sampleOf(operation), key })
        expect(answer.status, `${operation.name} with ${key}`).toBe(401)
        expect(answer.body.code).toBe('UNAUTHENTICATED')
      }
    }
  })

  test('a key of another role: 403', async () => {
    for (const operation of operations.filter(({ access }) => access.kind === 'key')) {
      for (const role of ROLES.filter((one) => !operation.access.roles!.includes(one))) {
        const answer = await hub.call(operation.method, urlOf(operation, idsOfA), {
          ...sampleOf(operation),
          key: keys[role],
        })
        expect(answer.status, `${operation.name} as ${role}`).toBe(403)
      }
    }
  })

  test('another brand’s things, whatever the role: 404, and nothing of theirs has changed', async () => {
    const before = await rowsOf(hub, a.brand.id)
    const named = operations.filter(({ access, path }) => access.kind === 'key' && path.includes('{'))
    for (const operation of named) {
      for (const role of operation.access.roles!.filter((one) => one !== 'platform')) {
        // Putting something under one's own name is no look at another's: it makes one of one's own.
        if (PUTS_ONES_OWN.has(operation.name)) continue
        const key = keys[role as (typeof ROLES)[number]]
        const answer = await hub.call(operation.method, urlOf(operation, idsOfA), { ...sampleOf(operation), key })
        expect(answer.status, `${operation.name} as ${role}: ${answer.text}`).toBe(404)
        expect(answer.text).not.toContain(SENTINEL)
      }
    }
    expect(await rowsOf(hub, a.brand.id)).toEqual(before)
  })

  test('references to another brand’s things look like references to nothing', async () => {
    const nothing = 'dev_00000000000000000000000000'
    const tries: [string, string, (id: string) => unknown, string][] = [
      ['POST', '/api/devices', (home) => ({ serial: 'SN-X', product: 'ap-300', home }), a.ids.home],
      ['POST', '/api/devices', (gateway) => ({ serial: 'SN-X', product: 'ap-300', gateway }), a.ids.device],
      ['POST', '/api/devices', (product) => ({ serial: 'SN-X', product }), 'only-a'],
      ['PATCH', `/api/devices/${b.ids.device}`, (home) => ({ home }), a.ids.home],
      ['PUT', '/api/parameters', (scopeId) => ({ scope: 'device', scopeId, key: 'k', value: 1 }), a.ids.device],
      ['PUT', '/api/parameters', (scopeId) => ({ scope: 'home', scopeId, key: 'k', value: 1 }), a.ids.home],
      ['PUT', '/api/parameters', (scopeId) => ({ scope: 'product', scopeId, key: 'k', value: 1 }), 'only-a'],
      ['POST', '/api/provisioning-keys', (product) => ({ product }), 'only-a'],
      ['POST', '/api/claim-tokens', (home) => ({ serial: 'S', product: 'ap-300', home }), a.ids.home],
      ['POST', '/api/rules', (product) => ({ ...aRule('r'), scope: { product } }), 'only-a'],
    ]
    for (const [method, url, body, foreign] of tries) {
      const answers = await Promise.all(
        [foreign, nothing].map((id) => hub.call(method, url, { key: b.brand.admin, body: body(id) })),
      )
      const [theirs, nobodys] = answers.map(({ status, text }) => ({
        status,
        text: text.replaceAll(foreign, '…').replaceAll(nothing, '…'),
      }))
      expect(theirs, `${method} ${url}`).toEqual(nobodys)
      expect(theirs!.status).toBe(422)
    }
    for (const query of [`device=${a.ids.device}`, `home=${a.ids.home}`, `rule=only-a`, `subject=${a.ids.workOrder}`]) {
      for (const list of ['devices', 'alerts', 'cases', 'deliveries', 'quarantine', 'offers', 'notices']) {
        const answer = await hub.call('GET', `/api/${list}?${query}`, { key: b.brand.admin })
        expect([200, 400]).toContain(answer.status)
        expect(answer.text).not.toContain(SENTINEL)
      }
    }
  })

  test('no byte that brand B can fetch holds a word or an id of brand A', async () => {
    const secrets = [
      SENTINEL,
      ...Object.entries(a.ids)
        .filter(([name]) => !['product', 'rule', 'sku', 'window'].includes(name))
        .map(([, id]) => id),
    ]
    const open = operations.filter(({ method, name }) => method === 'GET' && name !== 'GET /api/events')
    for (const operation of open) {
      const reach = operation.access.roles?.filter((role) => role !== 'platform') ?? ['admin']
      for (const role of reach) {
        const answer = await hub.call('GET', urlOf(operation, idsOfB), { key: keys[role as (typeof ROLES)[number]] })
        for (const secret of secrets)
          expect(answer.text.includes(secret), `${operation.name} as ${role} shows ${secret}`).toBe(false)
      }
    }
    const exported = await hub.call('POST', `/api/homes/${b.ids.home}/export`, { key: b.brand.admin })
    expect(exported.status).toBe(200)
    expect(exported.text).not.toContain(SENTINEL)
  })

  test('another partner’s order: 404; its list is empty', async () => {
    const rival = keys.partner
    expect((await hub.call('GET', '/partner/v1/work-orders', { key: rival })).body.items).toEqual([])
    const own = await hub.keyOf('partner', { partnerKey: 'fixit' })
    const mine = await hub.call('GET', '/partner/v1/work-orders', { key: own })
    expect(mine.body.items.map((order: { id: string }) => order.id).toSorted()).toEqual(
      [a.ids.workOrder, b.ids.workOrder].toSorted(),
    )
    const one = await hub.call('GET', `/partner/v1/work-orders/${a.ids.workOrder}`, { key: own })
    expect(one.status).toBe(200)
  })

  test('a link opens its own thing and nothing else', async () => {
    const links = operations.filter(({ access }) => access.kind === 'link')
    for (const operation of links) {
      const isJob = operation.path.startsWith('/job')
      // Neither a made-up token, nor one of the other kind, nor a brand's key in its place.
      for (const token of [newSecret(), isJob ? a.offerToken : a.jobToken, a.brand.admin, a.deviceToken]) {
        const answer = await hub.call(operation.method, urlOf(operation, { ...idsOfA, token }), {
          ...sampleOf(operation),
          key: null,
        })
        expect(answer.status, `${operation.name}: ${answer.text}`).toBe(404)
      }
    }
    for (const operation of operations.filter(({ access }) => access.kind === 'device')) {
      for (const token of [newSecret(), a.offerToken, a.jobToken, a.brand.admin]) {
        const answer = await hub.call(operation.method, urlOf(operation, { ...idsOfA, token }), {
          ...sampleOf(operation),
          key: null,
        })
        expect(answer.status, operation.name).toBe(401)
      }
    }
    for (const operation of operations.filter(({ access }) => access.kind === 'signed')) {
      const answer = await hub.call(operation.method, urlOf(operation, idsOfA), { ...sampleOf(operation), key: null })
      expect(answer.status, operation.name).toBe(401)
    }
  })

  test('answers were as the document says', () => {
    expect(hub.misfits).toEqual([])
    if (weakened) expect(weak.dropped()).toBeGreaterThan(100)
  })
})

/** What a brand has, table by table, as one number each: equal before and after means untouched. */
async function rowsOf(hub: TestHub, brandId: string): Promise<Record<string, string>> {
  const { sql } = await import('kysely')
  const tables = [
    'products',
    'product_versions',
    'homes',
    'people',
    'consents',
    'devices',
    'credentials',
    'rules',
    'rule_versions',
  ]
  tables.push(
    'parameters',
    'provisioning_keys',
    'agreements',
    'parts',
    'endpoints',
    'gates',
    'alerts',
    'cases',
    'offers',
  )
  tables.push('rule_proposals', 'silences', 'maintenance_windows')
  tables.push('work_orders', 'notices', 'quarantine', 'api_keys', 'audit', 'control_changes')
  const found: Record<string, string> = {}
  for (const table of tables) {
    const { rows } = await hub.db.asHub((tx) =>
      sql<{
        sum: string
      }>`SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS sum FROM ${sql.table(table)} t WHERE brand_id = ${brandId}`.execute(
        tx,
      ),
    )
    found[table] = rows[0]!.sum
  }
  return found
}
