import { afterAll, beforeAll, expect, test } from 'vitest'
import { aProduct, aRule } from '../testing/scenario.ts'
import { makeHub, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await makeHub()
})
afterAll(() => hub?.close())

test('a rule that has not fired yet can be seen waiting, and what its data are worth', async () => {
  const brand = await hub.newBrand('acme')
  const post = (path: string, body: object) => hub.call('POST', path, { key: brand.admin, body })
  await post('/api/products', aProduct())
  const device = await post('/api/devices', { serial: 'AP-1', product: 'ap-300' })
  await post('/api/rules', { ...aRule(), for: '10m' })
  await post('/api/rules/hepa-clogged/activate', {})
  const conditions = async () => {
    await hub.settled()
    return hub.call('GET', `/api/devices/${device.body.device.id}/conditions`, { key: brand.viewer })
  }
  const token = device.body.credential.accessToken
  await hub.call('POST', `/api/v1/${token}/telemetry`, { body: { filter_dp_pa: 200 } })
  expect((await conditions()).body.items).toMatchObject([{ state: 'inactive', quality: 'ok', lastValue: 200 }])
  hub.clock.advance(60_000)
  await hub.call('POST', `/api/v1/${token}/telemetry`, { body: { filter_dp_pa: 262 } })
  const { status, body } = await conditions()
  expect(status).toBe(200)
  expect(body.items).toMatchObject([
    {
      rule: { key: 'hepa-clogged', version: 1 },
      component: 'hepa-filter',
      state: 'pending',
      alert: null,
      lastValue: 262,
    },
  ])
})
