import { afterAll, beforeAll, expect, test } from 'vitest'
import { aProduct, aRule } from './testing/scenario.ts'
import { makeHub, type TestBrand, type TestHub } from './testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
  await hub.call('POST', '/api/products', { key: brand.admin, body: aProduct() })
  await hub.call('POST', '/api/rules', { key: brand.admin, body: aRule() })
})
afterAll(() => hub?.close())

const activate = (body: object) => hub.call('POST', '/api/rules/hepa-clogged/activate', { key: brand.admin, body })

async function activations(): Promise<number> {
  const changes = await hub.db.asBrand(brand.id, (tx) =>
    tx.selectFrom('control_changes').select('change').where('brand_id', '=', brand.id).execute(),
  )
  return changes.filter(({ change }) => change.type === 'rule.activated').length
}

test('a rule past its canary may ask without waiting; on a share of the fleet it may not', async () => {
  const refused = await activate({ canaryShare: 0.1, settle: 'PT0S' })
  expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', pointer: '/settle' } })
  expect(await activate({ canaryShare: 0.1 })).toMatchObject({ status: 200, body: { settle: null } })
  expect(await activate({ settle: 'PT0S' })).toMatchObject({ status: 200, body: { canaryShare: 1, settle: 'PT0S' } })
})

test('a wait is a duration of at most ten minutes', async () => {
  for (const settle of ['PT10M1S', '2h', 'P1D']) {
    const { status, body } = await activate({ settle })
    expect({ settle, status, pointer: body.pointer }).toEqual({ settle, status: 422, pointer: '/settle' })
  }
  expect((await activate({ settle: 'ten minutes' })).status).toBe(422)
  expect((await activate({ settle: '10m' })).body).toMatchObject({ settle: 'PT10M' })
})

test('a changed wait is no change of what the rule decides', async () => {
  await activate({ settle: 'PT0S' })
  const before = await activations()
  expect((await activate({ settle: '1m' })).body).toMatchObject({ settle: 'PT1M', status: 'active' })
  expect((await activate({})).body).toMatchObject({ settle: null })
  expect(await activations()).toBe(before)
})

test('shadow knows no wait: it asks nobody', async () => {
  const { status, body } = await hub.call('POST', '/api/rules/hepa-clogged/shadow', {
    key: brand.admin,
    body: { settle: 'PT0S' },
  })
  expect({ status, pointer: body.pointer }).toEqual({ status: 422, pointer: '/settle' })
})
