import { expect, test } from 'vitest'
import type { DeviceFacts, ProductDocument } from '#contracts'
import { DeviceIndex } from './device-index.ts'

const facts = (deviceId: string, over: Partial<DeviceFacts> = {}): DeviceFacts => ({
  deviceId,
  serial: `SN-${deviceId}`,
  productKey: 'ap-300',
  homeId: null,
  region: null,
  tags: [],
  installedAtMs: null,
  purchasedAtMs: null,
  gatewayId: null,
  timeZone: 'Asia/Shanghai',
  ...over,
})
const product = (key: string): ProductDocument => ({
  key,
  category: 'air-purifier',
  metrics: [{ key: 'dp', unit: 'Pa', type: 'number' }],
})
const credential = (deviceId: string, hash: string) => ({ credentialId: `cred_${hash}`, deviceId, hash })

test('a device is found by credential, by serial within its brand, and through its gateway', () => {
  const index = new DeviceIndex()
  index.learn('brand_a', { type: 'product.version', version: 1, product: product('ap-300') })
  expect(index.learn('brand_a', { type: 'device.added', device: facts('gw') })).toBe(true)
  index.learn('brand_a', { type: 'device.added', device: facts('d1', { gatewayId: 'gw' }) })
  index.setCredentials('d1', [credential('d1', 'h1')])
  expect(index.credential('h1')).toMatchObject({ credentialId: 'cred_h1', device: { deviceId: 'd1' } })
  expect(index.bySerial('brand_a', 'SN-d1')?.deviceId).toBe('d1')
  expect(index.bySerial('brand_b', 'SN-d1')).toBeNull()
  expect(index.child('gw', 'SN-d1')?.deviceId).toBe('d1')
  expect(index.child('d1', 'SN-gw')).toBeNull()
  expect(index.productOf('d1')?.version).toBe(1)
  expect([index.isGateway('gw'), index.isGateway('d1')]).toEqual([true, false])
  index.removeDevice('d1')
  expect(index.isGateway('gw')).toBe(false)
})

test('rotation replaces credentials, revocation ends one at once, removal ends all', () => {
  const index = new DeviceIndex()
  index.setDevice('brand_a', facts('d1'))
  index.setCredentials('d1', [credential('d1', 'old'), credential('d1', 'new')])
  index.revoke('cred_old', 'd1')
  expect([index.credential('old'), index.credential('new')?.credentialId]).toEqual([null, 'cred_new'])
  index.setCredentials('d1', [credential('d1', 'third')])
  expect(index.credential('new')).toBeNull()
  index.removeDevice('d1')
  expect([index.credential('third'), index.device('d1'), index.bySerial('brand_a', 'SN-d1')]).toEqual([
    null,
    null,
    null,
  ])
  expect(index.size).toEqual({ devices: 0, credentials: 0 })
})

test('a serial that moves to another device is not taken away by the removal of the first', () => {
  const index = new DeviceIndex()
  index.setDevice('brand_a', facts('d1', { serial: 'S' }))
  index.setDevice('brand_a', facts('d2', { serial: 'S' }))
  index.removeDevice('d1')
  expect(index.bySerial('brand_a', 'S')?.deviceId).toBe('d2')
})

test('a product version read late does not replace a newer one', () => {
  const index = new DeviceIndex()
  index.setProduct('brand_a', { version: 2, document: product('ap-300') })
  index.setProduct('brand_a', { version: 1, document: product('ap-300') })
  expect(index.product('brand_a', 'ap-300')?.version).toBe(2)
})

test('names that objects inherit are names like any other', () => {
  const index = new DeviceIndex()
  expect([index.credential('__proto__'), index.bySerial('constructor', 'toString')]).toEqual([null, null])
})
