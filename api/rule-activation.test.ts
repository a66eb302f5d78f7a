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
  const refused = await activate({ canaryShare: 0.1, settleMs: 0 })
  expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', pointer: '/settleMs' } })
  expect(await activate({ canaryShare: 0.1 })).toMatchObject({ status: 200, body: { settleMs: null } })
  expect(await activate({ settleMs: 0 })).toMatchObject({ status: 200, body: { canaryShare: 1, settleMs: 0 } })
})

test('a changed wait is no change of what the rule decides', async () => {
  await activate({ settleMs: 0 })
  const before = await activations()
  expect((await activate({ settleMs: 60_000 })).body).toMatchObject({ settleMs: 60_000, status: 'active' })
  expect((await activate({})).body).toMatchObject({ settleMs: null })
  expect(await activations()).toBe(before)
})

test('shadow knows no wait: it asks nobody', async () => {
  const { status, body } = await hub.call('POST', '/api/rules/hepa-clogged/shadow', {
    key: brand.admin,
    body: { settleMs: 0 },
  })
  expect({ status, pointer: body.pointer }).toEqual({ status: 422, pointer: '/settleMs' })
})
