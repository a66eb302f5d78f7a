import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instant } from '#contracts'
import { TEST_CERTIFICATE } from '../testing/certificate.ts'
import { aConsent, aProduct, aRule } from '../testing/scenario.ts'
import { type Call, makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
})
afterAll(() => hub?.close())

const call = (method: string, url: string, body?: unknown, more: Call = {}) =>
  hub.call(method, url, { key: brand.admin, ...(body === undefined ? {} : { body }), ...more })

/** Control changes of a brand, by type, in order. */
const changes = async (): Promise<string[]> =>
  hub.db.asHub(async (tx) => {
    const rows = await tx
      .selectFrom('control_changes')
      .select('change')
      .where('brand_id', '=', brand.id)
      .orderBy('ordinal')
      .execute()
    return rows.map(({ change }) => change.type)
  })

describe('brands and keys', () => {
  test('a brand comes with its first key, shown once; its key exists once', async () => {
    const made = await hub.call('POST', '/api/brands', { body: { key: 'nova', name: { en: 'Nova', 'zh-CN': '新星' } } })
    expect(made.status).toBe(201)
    expect((await hub.call('GET', '/api/brand', { key: made.body.adminKey.key })).body).toEqual(made.body.brand)
    const twice = await hub.call('POST', '/api/brands', { body: { key: 'nova', name: { en: 'x', 'zh-CN': 'x' } } })
    expect([twice.status, twice.body.pointer]).toEqual([409, '/key'])
    expect((await hub.call('GET', '/api/brands/nova')).body.id).toBe(made.body.brand.id)
    expect((await hub.call('GET', '/api/keys', { key: made.body.adminKey.key })).text).not.toContain(
      made.body.adminKey.key,
    )
  })

  test('nobody makes a key that reaches further than its own', async () => {
    expect((await call('POST', '/api/keys', { role: 'platform' })).status).toBe(403)
    expect((await call('POST', '/api/keys', { role: 'viewer', brand: 'nova' })).status).toBe(422)
    expect((await hub.call('POST', '/api/keys', { body: { role: 'admin' } })).body.pointer).toBe('/brand')
    expect((await hub.call('POST', '/api/keys', { body: { role: 'partner' } })).body.pointer).toBe('/partnerKey')
    expect((await hub.call('POST', '/api/keys', { body: { role: 'partner', partnerKey: 'nobody' } })).status).toBe(404)
    expect((await call('POST', '/api/keys', { role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' })).body.pointer).toBe(
      '/expiresAt',
    )
    const { apiKey } = (await hub.call('POST', '/api/keys', { body: { role: 'author', brand: 'nova' } })).body
    expect(apiKey.brand).toMatch(/^brand_/)
  })

  test('the operator keeps at least one key', async () => {
    const { items } = (await hub.call('GET', '/api/keys?limit=200')).body
    const mine = items.filter((key: { role: string; revokedAt: null }) => key.role === 'platform')
    expect(mine).toHaveLength(1)
    expect((await hub.call('DELETE', `/api/keys/${mine[0].id}`)).body.code).toBe('STATE_FORBIDS')
  })
})

describe('products', () => {
  test('are created, read, changed as versions, and listed; saving the same says nothing', async () => {
    expect((await call('POST', '/api/products', aProduct())).body.version).toBe(1)
    const before = (await changes()).length
    for (let i = 0; i < 3; i++) expect((await call('PUT', '/api/products/ap-300', aProduct())).body.version).toBe(1)
    expect(await changes()).toHaveLength(before)
    const wider = { ...aProduct(), metrics: [...aProduct().metrics, { key: 'pm25', unit: 'µg/m³', type: 'number' }] }
    expect((await call('PUT', '/api/products/ap-300', wider)).body.version).toBe(2)
    expect(
      (await call('GET', '/api/products/ap-300/versions')).body.items.map((v: { version: number }) => v.version),
    ).toEqual([2, 1])
    expect((await call('POST', '/api/products', aProduct())).status).toBe(409)
  })

  test.each([
    ['a metric twice', { metrics: [aProduct().metrics[0], aProduct().metrics[0]] }, '/metrics/1/key'],
    ['min above max', { metrics: [{ key: 'm', unit: '', type: 'number', min: 2, max: 1 }] }, '/metrics/0/min'],
    ['a reserved name', { metrics: [{ key: 'toString', unit: '', type: 'number' }] }, '/metrics/0/key'],
    [
      'a life in an unknown metric',
      { components: [{ key: 'c', kind: 'k', ratedLife: { metric: 'none', value: 1 } }] },
      '/components/0/ratedLife/metric',
    ],
    [
      'a recovery in an unknown metric',
      { components: [{ key: 'c', kind: 'k', recovery: { when: { metric: 'none', op: '<', value: 1 } } }] },
      '/components/0/recovery/when/metric',
    ],
    [
      'a warranty on nothing',
      { warranty: { startsAt: 'purchase', components: { none: 'P1D' } } },
      '/warranty/components/none',
    ],
    ['no time between reports', { reporting: { mode: 'periodic', every: '0s' } }, '/reporting/every'],
  ])('%s is refused with a pointer', async (_, over, pointer) => {
    const answer = await call('POST', '/api/products', { ...aProduct('bad'), ...over })
    expect(answer.status).toBe(422)
    expect(answer.body.problems.map((problem: { pointer: string }) => problem.pointer)).toContain(pointer)
  })

  test('a metric keeps its type for ever; a product in use is not removed', async () => {
    const other = {
      ...aProduct(),
      metrics: [{ ...aProduct().metrics[0], type: 'string', min: undefined, max: undefined }],
    }
    expect((await call('PUT', '/api/products/ap-300', other)).body.pointer).toBe('/metrics/0/type')
    const { device } = (await call('POST', '/api/devices', { serial: 'SN-USE', product: 'ap-300' })).body
    expect((await call('DELETE', '/api/products/ap-300')).body.code).toBe('STATE_FORBIDS')
    await call('DELETE', `/api/devices/${device.id}`)
    await call('POST', '/api/products', aProduct('short-lived'))
    expect((await call('DELETE', '/api/products/short-lived')).status).toBe(204)
    expect((await call('GET', '/api/products/short-lived')).status).toBe(404)
    expect((await call('POST', '/api/products', aProduct('short-lived'))).body.version).toBe(2)
  })
})

describe('homes, people, consents', () => {
  const address = { province: '上海市', city: '上海市', district: '浦东新区', street: '世纪大道', room: '1201' }
  const newHome = async (over = {}) => (await call('POST', '/api/homes', { address, region: '310115', ...over })).body

  test('the address is sealed, read only by name, and every read is in the audit', async () => {
    const home = await newHome()
    expect(home).toMatchObject({
      timeZone: 'Asia/Shanghai',
      quietHours: { from: '21:00', to: '08:30' },
      hasAddress: true,
    })
    const row = await hub.db.asBrand(brand.id, (tx) =>
      tx.selectFrom('homes').select('address_sealed').where('home_id', '=', home.id).executeTakeFirstOrThrow(),
    )
    expect(row.address_sealed!.toString('utf8')).not.toContain('世纪大道')
    expect((await call('GET', `/api/homes/${home.id}/address`)).body.address).toEqual(address)
    const trail = await call('GET', `/api/audit?subject=${home.id}`)
    expect(trail.body.items[0]).toMatchObject({ action: 'home.address_read' })
    expect(trail.text).not.toContain('世纪大道')
  })

  test('what does not fit is refused', async () => {
    expect((await call('POST', '/api/homes', { timeZone: 'Mars/Olympus' })).body.pointer).toBe('/timeZone')
    expect((await call('POST', '/api/homes', { address, siteRef: 'x' })).body.pointer).toBe('/siteRef')
    await newHome({ externalRef: 'H-1' })
    expect((await call('POST', '/api/homes', { externalRef: 'H-1' })).status).toBe(409)
    expect((await call('POST', '/api/homes', { quietHours: { from: '25:00', to: '08:00' } })).status).toBe(422)
  })

  test('people come and go; removed ones are erased', async () => {
    const home = await newHome()
    const person = { role: 'owner', name: 'somebody', contact: { number: '138', kind: 'direct' }, channel: 'app' }
    const added = (await call('POST', `/api/homes/${home.id}/people`, person)).body
    expect(added).toMatchObject({ name: 'somebody', decides: true, pays: true, locale: 'zh-CN' })
    expect((await call('DELETE', `/api/homes/${home.id}/people/${added.id}`)).status).toBe(204)
    expect((await call('GET', `/api/homes/${home.id}/people`)).body.items).toEqual([])
  })

  test('a withdrawal closes what was granted; monitoring goes through the log', async () => {
    const home = await newHome()
    const give = (body: unknown) => call('POST', `/api/homes/${home.id}/consents`, body)
    expect((await give(aConsent('monitoring'))).status).toBe(201)
    expect((await give(aConsent('monitoring', { granted: false, at: '2026-06-01T01:00:00Z' }))).status).toBe(201)
    const { items } = (await call('GET', `/api/homes/${home.id}/consents`)).body
    expect(
      items.map((c: { granted: boolean; withdrawnAt: string | null }) => [c.granted, c.withdrawnAt !== null]),
    ).toEqual([
      [false, false],
      [true, true],
    ])
    expect((await changes()).filter((type) => type === 'consent.monitoring')).toHaveLength(2)
    const recipients = ['a', 'b'].map((partnerKey) => ({ partnerKey, name: partnerKey, contact: 'x' }))
    expect((await give(aConsent('share', { recipients }))).body.items).toHaveLength(2)
    expect((await give(aConsent('share'))).body.pointer).toBe('/recipients')
    expect((await give(aConsent('contact', { recipients }))).body.pointer).toBe('/recipients')
    expect((await give(aConsent('contact', { at: '2026-02-30T00:00:00Z' }))).body.pointer).toBe('/at')
    expect((await give(aConsent('contact', { at: '2027-01-01T00:00:00Z' }))).body.pointer).toBe('/at')
  })

  test('erasing forgets the people and the place, frees the devices, and answers 404 from then on', async () => {
    const home = await newHome({ people: [{ role: 'owner', name: 'somebody', channel: 'app' }] })
    await call('POST', `/api/homes/${home.id}/consents`, aConsent('contact'))
    const { device } = (await call('POST', '/api/devices', { serial: 'SN-H', product: 'ap-300', home: home.id })).body
    const exported = await call('POST', `/api/homes/${home.id}/export`)
    expect(exported.body).toMatchObject({ address, people: [{ name: 'somebody' }], devices: [{ id: device.id }] })
    const erased = await call('POST', `/api/homes/${home.id}/erase`)
    expect([erased.status, erased.body.state]).toEqual([202, 'done'])
    expect(erased.body.removed).toMatchObject({ people: 1, homes: 1 })
    expect((await call('POST', `/api/homes/${home.id}/erase`)).body).toEqual(erased.body)
    expect((await call('GET', `/api/homes/${home.id}/erasure`)).body).toEqual(erased.body)
    for (const path of ['', '/people', '/consents', '/address'])
      expect((await call('GET', `/api/homes/${home.id}${path}`)).status).toBe(404)
    expect((await call('GET', `/api/devices/${device.id}`)).body.home).toBeNull()
    const rows = await hub.db.asBrand(brand.id, (tx) =>
      tx.selectFrom('people').select('person_id').where('home_id', '=', home.id).execute(),
    )
    expect(rows).toEqual([])
  })
})

describe('devices', () => {
  test('are registered with a token shown once; the log knows them when the answer comes', async () => {
    const made = await call('POST', '/api/devices', {
      serial: 'SN-1',
      product: 'ap-300',
      purchasedAt: '2026-01-01T00:00:00.000Z',
    })
    expect(made.status).toBe(201)
    const { device, credential } = made.body
    expect(device.coverage).toEqual([
      { component: 'hepa-filter', coverage: 'in_warranty', payer: 'warranty', until: '2027-01-01T00:00:00.000Z' },
    ])
    expect(hub.services.directory.index.device(device.id)).not.toBeNull()
    expect((await call('GET', `/api/devices/${device.id}`)).text).not.toContain(credential.accessToken)
    const sent = await hub.call('POST', `/api/v1/${credential.accessToken}/telemetry`, {
      key: null,
      body: { filter_dp_pa: 1 },
    })
    expect([sent.status, sent.body.accepted]).toEqual([200, 1])
  })

  test.each([
    ['a serial in use', { serial: 'SN-1', product: 'ap-300' }, 409, '/serial'],
    ['a serial with a space', { serial: 'a b', product: 'ap-300' }, 422, '/serial'],
    ['a serial every object has', { serial: '__proto__', product: 'ap-300' }, 422, '/serial'],
    ['an unknown product', { serial: 'SN-2', product: 'none' }, 422, '/product'],
    ['an unknown home', { serial: 'SN-2', product: 'ap-300', home: 'home_x' }, 422, '/home'],
    ['an unknown gateway', { serial: 'SN-2', product: 'ap-300', gateway: 'dev_x' }, 422, '/gateway'],
    [
      'a day that never was',
      { serial: 'SN-2', product: 'ap-300', installedAt: '2026-02-31T00:00:00Z' },
      422,
      '/installedAt',
    ],
  ])('%s is refused', async (_, body, status, pointer) => {
    const answer = await call('POST', '/api/devices', body)
    expect([answer.status, answer.body.pointer]).toEqual([status, pointer])
  })

  test('a change of home is another owner; a change of tags is not; the same again is nothing', async () => {
    const home = (await call('POST', '/api/homes', { region: '310115' })).body
    const { device } = (await call('POST', '/api/devices', { serial: 'SN-3', product: 'ap-300' })).body
    const patch = (body: unknown) => call('PATCH', `/api/devices/${device.id}`, body)
    const from = (await changes()).length
    await patch({ tags: ['a'] })
    await patch({ tags: ['a'] })
    await patch({ home: home.id })
    await patch({ extendedWarranty: { until: '2030-01-01T00:00:00.000Z' } })
    expect((await changes()).slice(from)).toEqual(['device.changed', 'device.moved'])
    const moved = await hub.db.asHub((tx) =>
      tx
        .selectFrom('control_changes')
        .select('change')
        .where('brand_id', '=', brand.id)
        .orderBy('ordinal', 'desc')
        .executeTakeFirstOrThrow(),
    )
    expect(moved.change).toMatchObject({ device: { region: '310115', homeId: home.id, tags: ['a'] } })
    // The home's own region is what its devices stand in.
    await call('PATCH', `/api/homes/${home.id}`, { region: '110101' })
    expect((await changes()).at(-1)).toBe('device.changed')
    expect((await patch({ gateway: device.id })).body.pointer).toBe('/gateway')
    expect((await patch({})).status).toBe(422)
  })

  test('in bulk, each row gets its own result, from NDJSON and from CSV', async () => {
    const lines = [
      '{"serial":"B-1","product":"ap-300"}',
      '',
      '{"serial":"B-1","product":"ap-300"}',
      '{"serial":7}',
      'nonsense',
      '{"serial":"B-2","product":"ap-300","tags":["t"]}',
    ]
    const answer = await call('POST', '/api/devices/bulk', undefined, {
      raw: { type: 'application/x-ndjson', text: lines.join('\n') },
    })
    expect(answer.status).toBe(200)
    expect(
      answer.body.rows.map((row: { line: number; status: string; error?: { code: string } }) => [
        row.line,
        row.status,
        row.error?.code,
      ]),
    ).toEqual([
      [1, 'created', undefined],
      [3, 'refused', 'CONFLICT'],
      [4, 'refused', 'VALIDATION_FAILED'],
      [5, 'refused', 'BAD_REQUEST'],
      [6, 'created', undefined],
    ])
    const csv = 'serial,product,tags,region\nB-3,ap-300,a|b,310115\nB-4,none,,\n'
    const second = await call('POST', '/api/devices/bulk', undefined, { raw: { type: 'text/csv', text: csv } })
    expect(second.body).toMatchObject({ created: 1, refused: 1 })
    const made = (await call('GET', '/api/devices?serial=B-3')).body.items[0]
    expect(made).toMatchObject({ tags: ['a', 'b'], region: '310115' })
    const token = second.body.rows[0].accessToken
    expect((await hub.call('POST', `/api/v1/${token}/telemetry`, { key: null, body: { fan_rpm: 1 } })).status).toBe(200)
    const unreadable = await call('POST', '/api/devices/bulk', undefined, {
      raw: { type: 'text/csv', text: 'serial,product\n"a' },
    })
    expect(unreadable.status).toBe(422)
    const many = `${'{"serial":"x","product":"none"}\n'.repeat(10_001)}`
    expect(
      (await call('POST', '/api/devices/bulk', undefined, { raw: { type: 'application/x-ndjson', text: many } }))
        .status,
    ).toBe(413)
  })

  test('rotation ends the old token and its sessions; a certificate is bound once; removal ends everything', async () => {
    const { device, credential } = (await call('POST', '/api/devices', { serial: 'SN-4', product: 'ap-300' })).body
    const speak = (token: string) => hub.call('POST', `/api/v1/${token}/telemetry`, { key: null, body: { fan_rpm: 1 } })
    const rotated = await call('POST', `/api/devices/${device.id}/credentials`, {})
    expect(rotated.status).toBe(201)
    expect((await speak(credential.accessToken)).status).toBe(401)
    expect((await speak(rotated.body.credential.accessToken)).status).toBe(200)
    expect(hub.dropped).toContainEqual({ credentialId: credential.id })
    const beside = (await call('POST', `/api/devices/${device.id}/credentials`, { keepOld: true })).body.credential
    expect((await speak(rotated.body.credential.accessToken)).status).toBe(200)
    expect((await call('DELETE', `/api/devices/${device.id}/credentials/${beside.id}`)).status).toBe(204)
    expect((await speak(beside.accessToken)).status).toBe(401)
    const bind = () => call('POST', `/api/devices/${device.id}/certificates`, { pem: TEST_CERTIFICATE })
    expect((await bind()).body.kind).toBe('certificate')
    expect((await bind()).status).toBe(409)
    const bad = await call('POST', `/api/devices/${device.id}/certificates`, { pem: 'x'.repeat(100) })
    expect([bad.status, bad.body.pointer]).toEqual([422, '/pem'])
    expect((await call('DELETE', `/api/devices/${device.id}`)).status).toBe(204)
    expect((await speak(rotated.body.credential.accessToken)).status).toBe(401)
    expect((await call('GET', `/api/devices/${device.id}`)).status).toBe(404)
    expect(hub.dropped).toContainEqual({ deviceId: device.id })
    expect((await call('POST', '/api/devices', { serial: 'SN-4', product: 'ap-300' })).status).toBe(201)
  })

  test('a command goes down and its answer comes back', async () => {
    const { device } = (await call('POST', '/api/devices', { serial: 'SN-5', product: 'ap-300' })).body
    const answer = await call('POST', `/api/devices/${device.id}/commands`, {
      method: 'selfTest',
      params: { quick: true },
    })
    expect(answer.body).toEqual({ outcome: 'response', response: { ok: true } })
    expect(hub.commands.at(-1)).toEqual({ deviceId: device.id, method: 'selfTest' })
    expect((await call('GET', `/api/audit?subject=${device.id}&action=command.sent`)).body.items).toHaveLength(1)
  })
})

describe('provisioning', () => {
  const provision = async (deviceName: string, provisionDeviceKey: string, provisionDeviceSecret: string) =>
    (
      await hub.call('POST', '/api/v1/provision', {
        key: null,
        body: { deviceName, provisionDeviceKey, provisionDeviceSecret },
      })
    ).body

  test('a key lets devices of one product in, as often as it says', async () => {
    const { provisioningKey, secret } = (
      await call('POST', '/api/provisioning-keys', { product: 'ap-300', uses: 1, tags: ['line-7'] })
    ).body
    expect((await provision('P-1', provisioningKey.publicKey, 'wrong')).status).toBe('FAILURE')
    const first = await provision('P-1', provisioningKey.publicKey, secret)
    expect(first.status).toBe('SUCCESS')
    expect(
      (await hub.call('POST', `/api/v1/${first.credentialsValue}/telemetry`, { key: null, body: { fan_rpm: 1 } }))
        .status,
    ).toBe(200)
    expect((await provision('P-2', provisioningKey.publicKey, secret)).errorMsg).toContain('used up')
    expect((await call('GET', '/api/devices?serial=P-1')).body.items[0].tags).toEqual(['line-7'])
    const { body } = await call('DELETE', `/api/provisioning-keys/${provisioningKey.id}`)
    expect(body.revokedAt).not.toBeNull()
  })

  test('a claim token is good for one serial, once, for ten minutes, and brings the home with it', async () => {
    const home = (await call('POST', '/api/homes', {})).body
    const claim = async (serial: string) =>
      (await call('POST', '/api/claim-tokens', { serial, product: 'ap-300', home: home.id })).body.token
    const token = await claim('C-1')
    expect((await provision('C-2', 'claim', token)).status).toBe('FAILURE')
    const both = await Promise.all([provision('C-1', 'claim', token), provision('C-1', 'claim', token)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['FAILURE', 'SUCCESS'])
    expect((await call('GET', '/api/devices?serial=C-1')).body.items[0].home).toBe(home.id)
    const late = await claim('C-3')
    hub.clock.advance(600_001)
    expect((await provision('C-3', 'claim', late)).status).toBe('FAILURE')
    // Claimed by another home while a need is open in the first: what was promised there ends.
    const elsewhere = (await call('POST', '/api/homes', {})).body
    const report = { serial: 'C-1', reportedAt: instant(hub.clock.nowMs()), channel: 'hotline', externalRef: 'claim-1' }
    const { case: opened } = (await call('POST', '/api/fault-reports', report)).body
    const next = (await call('POST', '/api/claim-tokens', { serial: 'C-1', product: 'ap-300', home: elsewhere.id }))
      .body
    expect((await provision('C-1', 'claim', next.token)).status).toBe('SUCCESS')
    expect((await call('GET', `/api/cases/${opened.id}`)).body.state).toBe('cancelled')
    // Registered before it was sold: the claim gives it its home and a token of its own.
    const { device, credential } = (await call('POST', '/api/devices', { serial: 'C-4', product: 'ap-300' })).body
    const claimed = await provision('C-4', 'claim', await claim('C-4'))
    expect(claimed.status).toBe('SUCCESS')
    expect((await call('GET', `/api/devices/${device.id}`)).body.home).toBe(home.id)
    expect(
      (await hub.call('POST', `/api/v1/${credential.accessToken}/telemetry`, { key: null, body: { fan_rpm: 1 } }))
        .status,
    ).toBe(401)
  })
})

describe('rules', () => {
  test('from draft to force and out of it; each enabling is a new activation, an edit keeps it', async () => {
    expect((await call('POST', '/api/rules', aRule())).body).toMatchObject({
      status: 'draft',
      version: 1,
      liveVersion: null,
    })
    expect((await call('POST', '/api/rules', aRule())).status).toBe(409)
    expect((await call('POST', '/api/rules/hepa-clogged/pause', {})).body.code).toBe('STATE_FORBIDS')
    const activation = async () =>
      (
        await hub.db.asBrand(brand.id, (tx) =>
          tx.selectFrom('rules').select('activation').where('rule_key', '=', 'hepa-clogged').executeTakeFirstOrThrow(),
        )
      ).activation
    expect((await call('POST', '/api/rules/hepa-clogged/activate', {})).body).toMatchObject({
      status: 'active',
      liveVersion: 1,
    })
    const first = await activation()
    const raised = { ...aRule(), when: { ...aRule().when, value: 260 } }
    expect((await call('PUT', '/api/rules/hepa-clogged', raised)).body).toMatchObject({
      version: 2,
      liveVersion: 1,
      status: 'active',
    })
    expect((await call('POST', '/api/rules/hepa-clogged/activate')).body.liveVersion).toBe(2)
    expect(await activation()).toBe(first)
    expect((await call('POST', '/api/rules/hepa-clogged/shadow', {})).body.status).toBe('shadow')
    expect(await activation()).not.toBe(first)
    expect((await call('POST', '/api/rules/hepa-clogged/pause', {})).body).toMatchObject({
      status: 'paused',
      liveVersion: null,
    })
    expect((await call('POST', '/api/rules/hepa-clogged/activate', { version: 9 })).body.pointer).toBe('/version')
    expect(
      (await call('POST', '/api/rules/hepa-clogged/activate', { version: 1, canaryShare: 0.1 })).body,
    ).toMatchObject({ liveVersion: 1, canaryShare: 0.1 })
    expect((await call('DELETE', '/api/rules/hepa-clogged')).status).toBe(204)
    expect((await call('GET', '/api/rules/hepa-clogged')).status).toBe(404)
    expect((await call('POST', '/api/rules', aRule())).body).toMatchObject({ status: 'draft', version: 3 })
  })

  test('saved or activated a hundred times unchanged: no version, no change; new texts need no version', async () => {
    await call('POST', '/api/rules/hepa-clogged/activate', {})
    const before = (await changes()).length
    for (let i = 0; i < 100; i++) await call('PUT', '/api/rules/hepa-clogged', aRule())
    for (let i = 0; i < 5; i++) await call('POST', '/api/rules/hepa-clogged/activate', {})
    const renamed = await call('PUT', '/api/rules/hepa-clogged', {
      ...aRule(),
      name: { en: 'Clogged', 'zh-CN': '堵塞' },
    })
    expect(renamed.body).toMatchObject({ version: 3, document: { name: { en: 'Clogged' } } })
    expect(await changes()).toHaveLength(before)
  })

  test('YAML is read as written and kept', async () => {
    const yaml = `# a comment for the next author
key: fan-slow
name: { en: Fan slow, zh-CN: 风扇慢 }
scope: { product: ap-300 }
component: hepa-filter
when: { metric: fan_rpm, op: "<", value: 100 }
for: 10m
`
    const made = await call('POST', '/api/rules', undefined, { raw: { type: 'application/yaml', text: yaml } })
    expect(made.status).toBe(201)
    expect((await call('GET', '/api/rules/fan-slow/versions')).body.items[0].source).toBe(yaml)
    const broken = await call('POST', '/api/rules', undefined, { raw: { type: 'text/yaml', text: 'a: [' } })
    expect([broken.status, broken.body.code]).toEqual([422, 'RULE_INVALID'])
  })

  test.each([
    ['an unknown metric', { when: { metric: 'none', op: '>', value: 1 } }, '/when/metric'],
    ['an unknown field', { whenever: true }, '/whenever'],
    ['an unknown product', { scope: { product: 'none' } }, '/scope/product'],
    ['an unknown component', { component: 'none' }, '/component'],
  ])('%s is refused with a pointer', async (_, over, pointer) => {
    const answer = await call('POST', '/api/rules', { ...aRule('bad'), ...over })
    expect([answer.status, answer.body.code]).toEqual([422, 'RULE_INVALID'])
    expect([answer.body.pointer, ...(answer.body.problems ?? []).map((p: { pointer: string }) => p.pointer)]).toContain(
      pointer,
    )
  })

  test('a rule of a thousand levels or a million nodes is refused at the door', async () => {
    let deep: unknown = { metric: 'fan_rpm', op: '<', value: 1 }
    for (let i = 0; i < 1_000; i++) deep = { not: deep }
    expect((await call('POST', '/api/rules', { ...aRule('deep'), when: deep })).status).toBe(422)
    const wide = { any: Array.from({ length: 100_000 }, () => ({ metric: 'fan_rpm', op: '<', value: 1 })) }
    expect((await call('POST', '/api/rules', { ...aRule('wide'), when: wide })).status).toBe(413)
    const proto = '{"key":"p","when":{"__proto__":{"a":1}}}'
    expect(
      (await call('POST', '/api/rules', undefined, { raw: { type: 'application/json', text: proto } })).status,
    ).toBe(422)
  })

  test('parameters: the nearest setting is in effect, and it is said where it came from', async () => {
    await call('POST', '/api/rules', {
      ...aRule('by-parameter'),
      when: { metric: 'filter_dp_pa', op: '>', value: { param: 'dp_limit' } },
      parameters: { dp_limit: 250 },
    })
    const { device } = (await call('POST', '/api/devices', { serial: 'SN-P', product: 'ap-300', region: '310115' }))
      .body
    const shown = async () => (await call('GET', `/api/rules/by-parameter/parameters?device=${device.id}`)).body.items
    const put = (scope: string, scopeId: string, value: number | null) =>
      call('PUT', '/api/parameters', { scope, scopeId, key: 'dp_limit', value })
    expect(await shown()).toEqual([{ key: 'dp_limit', value: 250, origin: { scope: 'rule', scopeId: 'by-parameter' } }])
    await put('brand', '*', 240)
    expect(await shown()).toEqual([{ key: 'dp_limit', value: 240, origin: { scope: 'brand', scopeId: '*' } }])
    await put('region', '31', 230)
    await put('region', '3101', 220)
    expect(await shown()).toEqual([{ key: 'dp_limit', value: 220, origin: { scope: 'region', scopeId: '3101' } }])
    await put('device', device.id, 210)
    expect((await shown())[0]).toMatchObject({ value: 210 })
    const before = (await changes()).length
    await put('device', device.id, 210)
    expect(await changes()).toHaveLength(before)
    await put('device', device.id, null)
    expect((await shown())[0]).toMatchObject({ value: 220 })
    expect((await put('region', 'x', 1)).body.pointer).toBe('/scopeId')
  })

  test('the language is published as a JSON Schema', async () => {
    const schema = (await hub.call('GET', '/api/rules/schema', { key: null })).body
    expect(schema.properties ?? schema.$ref).toBeDefined()
  })
})

test('answers were as the document says, and nothing failed inside', () => {
  expect(hub.misfits).toEqual([])
  expect(hub.failures).toEqual([])
})
