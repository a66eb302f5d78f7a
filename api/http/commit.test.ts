import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { SecretBox } from '#platform'
import { anAgreement, aProduct } from '../testing/scenario.ts'
import { LOG_BEHIND, makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
  await hub.call('POST', '/api/products', { key: brand.admin, body: aProduct() })
})
afterAll(() => hub?.close())

const register = (serial: string, idempotencyKey?: string, at = hub) =>
  at.call('POST', '/api/devices', {
    key: brand.author,
    body: { serial, product: 'ap-300' },
    ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
  })

test('the same key and body give the first answer again, the secret in it included; one device is made', async () => {
  const first = await register('SN-1', 'key-1')
  const again = await register('SN-1', 'key-1')
  expect(first.status).toBe(201)
  expect(again.status).toBe(201)
  expect(again.body).toEqual(first.body)
  const stored = await hub.db.asBrand(brand.id, (tx) =>
    tx.selectFrom('idempotency_keys').select('response').executeTakeFirstOrThrow(),
  )
  expect(stored.response).not.toContain(first.body.credential.accessToken)
})

test('the same key with another body, or another path: 422', async () => {
  await register('SN-2', 'key-2')
  const other = await register('SN-3', 'key-2')
  expect(other.status).toBe(422)
  expect(other.body.code).toBe('IDEMPOTENCY_MISMATCH')
  // Another route is another call: the same key may serve there.
  const home = await hub.call('POST', '/api/homes', {
    key: brand.admin,
    body: {},
    headers: { 'idempotency-key': 'key-2' },
  })
  expect(home.status).toBe(201)
})

test('many at once under one key: one is done, the others get 409 or its answer', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => register('SN-4', 'key-4')))
  const made = answers.filter(({ status }) => status === 201)
  expect(made.length).toBeGreaterThan(0)
  expect(new Set(made.map(({ body }) => body.device.id)).size).toBe(1)
  for (const { status, body } of answers)
    if (status !== 201) expect([status, body.code]).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS'])
  const { items } = (await hub.call('GET', '/api/devices?serial=SN-4', { key: brand.viewer })).body
  expect(items).toHaveLength(1)
})

test('another brand may use the same key; a refused request may be mended under it; after seven days it is free', async () => {
  const other = await hub.newBrand('bravo')
  await register('SN-5', 'key-5')
  const theirs = await hub.call('POST', '/api/homes', {
    key: other.admin,
    body: {},
    headers: { 'idempotency-key': 'key-5' },
  })
  expect(theirs.status).toBe(201)
  expect((await register('', 'key-6')).status).toBe(422)
  expect((await register('SN-6', 'key-6')).status).toBe(201)
  hub.clock.advance(7 * 86_400_000 + 1)
  expect((await register('SN-7', 'key-6')).status).toBe(201)
})

test('a key that is no token of visible characters is refused', async () => {
  for (const key of ['a b', '', 'x'.repeat(256)]) expect((await register('SN-8', key)).status).toBe(400)
})

test('what was created by another folder is kept under its key as well', async () => {
  const create = () =>
    hub.call('POST', '/api/partners', { body: { key: 'fixit', name: 'Fixit' }, headers: { 'idempotency-key': 'p-1' } })
  const first = await create()
  const again = await create()
  expect(first.status).toBe(201)
  expect(again.body).toEqual(first.body)
})

test('a change the log does not take in time is stored, and the answer says how to look', async () => {
  const slow = await makeHub({ control: LOG_BEHIND })
  onTestFinished(() => slow.close())
  const acme = await slow.newBrand('acme')
  const behind = await slow.call('POST', '/api/products', {
    key: acme.admin,
    body: aProduct(),
    headers: { 'idempotency-key': 'k' },
  })
  expect(behind.status).toBe(503)
  expect(behind.body.code).toBe('CONTROL_LOG_BEHIND')
  const changeId = /chg_\w+/.exec(behind.body.detail)![0]
  const change = await slow.call('GET', `/api/changes/${changeId}`, { key: acme.viewer })
  expect(change.body).toMatchObject({ type: 'product.version' })
  expect((await slow.call('GET', '/api/products/ap-300', { key: acme.viewer })).status).toBe(200)
  // Asked again under its key it does not conflict with itself: it waits for the same change.
  const again = await slow.call('POST', '/api/products', {
    key: acme.admin,
    body: aProduct(),
    headers: { 'idempotency-key': 'k' },
  })
  expect(again.body.detail).toContain(changeId)
})

test('rows and their control change are one: a refused change leaves nothing in the outbox', async () => {
  const waiting = () =>
    hub.db.asHub((tx) =>
      tx
        .selectFrom('control_changes')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    )
  const before = await waiting()
  expect((await register('SN-1')).status).toBe(409)
  expect(
    (await hub.call('POST', '/api/devices', { key: brand.author, body: { serial: 'SN-9', product: 'none' } })).status,
  ).toBe(422)
  expect(await waiting()).toEqual(before)
})

/** Fails where the kept answer is written: as a process that dies between making a thing and remembering that it did. */
class DyingBox extends SecretBox {
  dies = false

  override seal(plain: string, context: string): Buffer {
    if (this.dies && context.startsWith('idempotency_keys')) throw new Error('died')
    return super.seal(plain, context)
  }
}

test('partners, agreements and endpoints are made together with their kept answer, or not at all', async () => {
  const box = new DyingBox(randomBytes(32))
  const hub = await makeHub({ box })
  onTestFinished(() => hub.close())
  const acme = await hub.newBrand('acme')
  const made = await hub.call('POST', '/api/partners', { body: { key: 'fixit', name: 'Fixit' } })
  expect(made.status).toBe(201)
  const creations = [
    {
      url: '/api/partners',
      list: '/api/partners',
      key: hub.operatorKey,
      body: { key: 'swift', name: 'Swift' },
      before: 1,
    },
    { url: '/api/agreements', list: '/api/agreements', key: acme.admin, body: anAgreement('fixit'), before: 0 },
    { url: '/api/endpoints', list: '/api/endpoints', key: acme.admin, body: { url: 'http://127.0.0.1:9/' }, before: 0 },
  ]
  for (const { url, list, key, body, before } of creations) {
    const post = () => hub.call('POST', url, { key, body, headers: { 'idempotency-key': 'once' } })
    const count = async (): Promise<number> => (await hub.call('GET', list, { key })).body.items.length
    box.dies = true
    expect((await post()).status, url).toBe(500)
    expect(await count(), url).toBe(before)
    box.dies = false
    const first = await post()
    expect(first.status, first.text).toBe(201)
    expect((await post()).body).toEqual(first.body)
    expect(await count(), url).toBe(before + 1)
  }
})
