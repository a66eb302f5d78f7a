import { expect, test } from 'vitest'
import type { ControlChange } from '#contracts'
import { createLogger, silentLogger } from '#platform'
import { testBrand, testDatabase } from '#store/testing'
import { LastSeen, mirrorDevices } from './device-mirror.ts'

const HOUR = 3_600_000

test('a device is shown as seen within a minute of the log, however fast its clock goes', () => {
  const seen = new LastSeen()
  expect(seen.due()).toEqual([])
  for (const [step, atMs] of [0, HOUR, 2 * HOUR].entries()) {
    seen.note({ deviceId: 'dev_1', receivedAtMs: atMs })
    expect({ step, due: seen.due() }).toEqual({ step, due: [{ deviceId: 'dev_1', atMs }] })
  }
})

test('readings of one minute share a write, and the end of the day keeps what is left', () => {
  const seen = new LastSeen()
  seen.note({ deviceId: 'dev_1', receivedAtMs: 0 })
  expect(seen.due()).toHaveLength(1)
  seen.note({ deviceId: 'dev_1', receivedAtMs: 10_000 })
  seen.note({ deviceId: 'dev_2', receivedAtMs: 59_999 })
  seen.note({ deviceId: 'dev_1', receivedAtMs: 59_999 })
  expect(seen.due()).toEqual([])
  expect(seen.rest()).toEqual([
    { deviceId: 'dev_1', atMs: 59_999 },
    { deviceId: 'dev_2', atMs: 59_999 },
  ])
  expect(seen.rest()).toEqual([])
})

async function twoDevices() {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const product = { brand_id: brandId, product_key: 'ap-300', current_version: 1, created_at_ms: 0, updated_at_ms: 0 }
  const device = (id: string) => ({
    ...{ brand_id: brandId, device_id: id, serial: id, product_key: 'ap-300' },
    ...{ owner_since_ms: 0, created_at_ms: 0, updated_at_ms: 0 },
  })
  await db.asHub(async (tx) => {
    await tx.insertInto('products').values(product).execute()
    await tx
      .insertInto('devices')
      .values([device('dev_1'), device('dev_2')])
      .execute()
  })
  const rows = () =>
    db.asHub((tx) =>
      tx.selectFrom('devices').select(['attributes', 'presence', 'presence_epoch']).orderBy('device_id').execute(),
    )
  const mirror = (changes: readonly ControlChange[], logger = silentLogger) =>
    db.asHub((tx) => {
      const records = changes.map((change, seq) => ({
        ...{ kind: 'control' as const, seq, receivedAtMs: seq, changeId: `chg_${seq}`, brandId },
        change,
      }))
      return mirrorDevices(tx, records, [], logger)
    })
  return { rows, mirror }
}

const attributes = (deviceId: string, values: Record<string, string | number>): ControlChange => ({
  type: 'attributes',
  deviceId,
  values,
})
const presence = (deviceId: string, epoch: number, state: 'connected' | 'disconnected'): ControlChange => ({
  ...{ type: 'presence', deviceId, epoch, state },
  graceful: true,
})

test('of each kind the last word counts; an earlier epoch is no news', async () => {
  const { rows, mirror } = await twoDevices()
  await mirror([
    attributes('dev_1', { firmware: '1.0', rssi: -60 }),
    presence('dev_1', 5, 'connected'),
    attributes('dev_1', { firmware: '1.1' }),
    presence('dev_1', 5, 'disconnected'),
    presence('dev_1', 4, 'connected'),
  ])
  await mirror([presence('dev_1', 3, 'connected')])
  expect((await rows())[0]).toEqual({
    attributes: { firmware: '1.1', rssi: -60 },
    presence: 'disconnected',
    presence_epoch: 5,
  })
})

test('a firmware with a name as long as any attribute is shown like any other', async () => {
  const { rows, mirror } = await twoDevices()
  // Without repetitions to compress: an index row holds less than these.
  const firmware = Array.from({ length: 1_024 }, (_, i) => String.fromCodePoint(0x4e00 + i * 17)).join('')
  await mirror([attributes('dev_1', { firmware })])
  expect((await rows())[0]!.attributes.firmware).toBe(firmware)
})

test('a device that makes up ever new names fills nothing: what is known goes on being updated', async () => {
  const { rows, mirror } = await twoDevices()
  for (let message = 0; message < 4; message++)
    await mirror([
      attributes('dev_1', {
        uptime: message,
        ...Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`n${message}_${i}`, 1])),
      }),
    ])
  const shown = (await rows())[0]!.attributes
  expect(Object.keys(shown)).toHaveLength(199)
  expect(shown.uptime).toBe(3)
})

test('what the database refuses of one device is told of, and keeps no other’s back', async () => {
  const { rows, mirror } = await twoDevices()
  const told: string[] = []
  const logger = createLogger('error', { write: (line) => told.push(line) })
  await mirror([presence('dev_1', 1e19, 'connected'), attributes('dev_2', { firmware: '2' })], logger)
  expect((await rows()).map((row) => row.attributes)).toEqual([{}, { firmware: '2' }])
  expect(told).toEqual([expect.stringContaining('"sqlState":"22003"')])
})
