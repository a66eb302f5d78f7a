import { expect, test } from 'vitest'
import type { LogRecord, ProductDocument, QuarantinedRecord, ReadingsRecord } from '#contracts'
import type { ManualClock } from '#platform'
import { createIngest, type Ingest } from './ingest.ts'
import type { Arrival, DeviceRef } from './intake.ts'
import { type LogChanges, openLog, openReader, product, readAll, START_MS } from './testing/parts.ts'

const DEVICE: DeviceRef = { brandId: 'brand_a', deviceId: 'dev_1' }
const GATEWAY: DeviceRef = { brandId: 'brand_a', deviceId: 'dev_gateway' }
const TOPIC: Arrival = { via: 'v1/devices/me/telemetry', delivery: null }
const GATEWAY_TOPIC: Arrival = { via: 'v1/gateway/telemetry', delivery: null }
const bySerial = new Map<string, DeviceRef>([
  ['SN-1', DEVICE],
  ['SN-2', { brandId: 'brand_a', deviceId: 'dev_2' }],
])
const deviceOf = (serial: string): DeviceRef | null => bySerial.get(serial) ?? null

interface Hub {
  ingest: Ingest
  clock: ManualClock
  submitted: unknown[]
  records(): LogRecord[]
  /** Replaces the product of every device. */
  correct(document: ProductDocument): void
}

async function openHub(changes: LogChanges = {}): Promise<Hub> {
  const { log, dir, clock } = await openLog(changes)
  const reader = openReader(dir)
  const submitted: unknown[] = []
  const known = new Set(['dev_1', 'dev_2', 'dev_gateway'])
  let document = product()
  const ingest = createIngest({
    log,
    productOf: (deviceId) => (known.has(deviceId) ? { document } : null),
    submitAttributes: async ({ deviceId }, values) => {
      submitted.push([deviceId, values])
    },
  })
  return { ingest, clock, submitted, records: () => readAll(reader), correct: (next) => (document = next) }
}

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const quarantines = (records: LogRecord[]): QuarantinedRecord[] =>
  records.filter((record): record is QuarantinedRecord & LogRecord => record.kind === 'quarantined')
const readings = (records: LogRecord[]): ReadingsRecord[] =>
  records.filter((record): record is ReadingsRecord & LogRecord => record.kind === 'readings')

test('when a call resolves, the reading is on disk, dated by the hub as the record is', async () => {
  const { ingest, records } = await openHub()
  expect(await ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1 }), delivery: null }], TOPIC.via)).toEqual({
    accepted: 1,
    problems: [],
    lastSeq: 1,
  })
  const [record] = readings(records())
  expect(record).toMatchObject({ ...DEVICE, serverTime: true, values: { fan_rpm: 1 }, delivery: null, imported: false })
  expect(record!.measuredAtMs).toBe(record!.receivedAtMs)
})

test('good and bad of one message are stored as one, and both are counted when synced', async () => {
  const { ingest, records } = await openHub()
  const payload = bytes({ ts: START_MS - 1, values: { fan_rpm: 1, dp: 2, fan_on: 3 } })
  const done = ingest.telemetry(DEVICE, [{ payload: payload, delivery: null }], TOPIC.via)
  expect(ingest.stats()).toMatchObject({ messages: 0, readings: 0 })
  expect(ingest.stats().pendingBytes).toBeGreaterThan(0)
  expect(await done).toMatchObject({ accepted: 1, lastSeq: 2 })
  const [bad] = quarantines(records())
  expect(bad).toMatchObject({
    ...DEVICE,
    code: 'UNKNOWN_METRIC',
    pointer: '/values/dp',
    via: 'v1/devices/me/telemetry',
    truncated: false,
  })
  expect(bad!.problems!.map(({ pointer }) => pointer)).toEqual(['/values/dp', '/values/fan_on'])
  expect(Buffer.from(bad!.payload).equals(payload)).toBe(true)
  expect(ingest.stats()).toMatchObject({ messages: 1, readings: 1, pendingBytes: 0 })
  expect(ingest.stats().quarantined.UNKNOWN_METRIC).toBe(1)
})

test('an empty message is acknowledged and leaves nothing', async () => {
  const { ingest, records } = await openHub()
  expect(await ingest.telemetry(DEVICE, [{ payload: bytes([]), delivery: null }], TOPIC.via)).toEqual({
    accepted: 0,
    problems: [],
    lastSeq: null,
  })
  expect(records()).toEqual([])
})

test('a message larger than is kept is quarantined by its beginning', async () => {
  const { ingest, records } = await openHub()
  await ingest.telemetry(DEVICE, [{ payload: Buffer.alloc(300_000, 0x20), delivery: null }], TOPIC.via)
  const [bad] = quarantines(records())
  expect(bad).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', truncated: true })
  expect(bad!.payload.length).toBe(262_144)
  const again = ingest.reimport(bad!, { deviceOf })
  await expect(again).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
})

test('a device nobody knows is refused, and so is storing without room', async () => {
  const { ingest, records } = await openHub()
  const stranger = { brandId: 'brand_a', deviceId: '__proto__' }
  await expect(
    ingest.telemetry(stranger, [{ payload: bytes({ fan_rpm: 1 }), delivery: null }], TOPIC.via),
  ).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(records()).toEqual([])

  const full = await openHub({ diskReserveBytes: Number.MAX_SAFE_INTEGER })
  const refused = full.ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1 }), delivery: null }], TOPIC.via)
  await expect(refused).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(full.ingest.stats()).toMatchObject({ messages: 0, readings: 0 })
})

test('a repeated packet carries the mark of the first; a reading with its own time needs none', async () => {
  const { ingest, records } = await openHub()
  const delivery = { session: 'brand_a/dev_1/client-7', packetId: 7, dup: false }
  await ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1 }), delivery }], TOPIC.via)
  await ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1 }), delivery: { ...delivery, dup: true } }], TOPIC.via)
  await ingest.telemetry(
    DEVICE,
    [{ payload: bytes({ fan_rpm: 2 }), delivery: { ...delivery, session: 'another' } }],
    TOPIC.via,
  )
  await ingest.telemetry(DEVICE, [{ payload: bytes({ ts: START_MS, values: { fan_rpm: 1 } }), delivery }], TOPIC.via)
  const marks = readings(records()).map((record) => record.delivery)
  expect(marks[0]).toMatchObject({ packetId: 7, dup: false })
  expect(marks[1]).toEqual({ ...marks[0], dup: true })
  expect(marks[0]!.session).not.toContain('client')
  expect(marks[2]!.session).not.toBe(marks[0]!.session)
  expect(marks[2]!.payloadHash).not.toBe(marks[0]!.payloadHash)
  expect(marks[3]).toBeNull()
})

test('when too much waits for the disk, sources are asked to wait', async () => {
  const { ingest } = await openHub({ pendingBytesMax: 100 })
  expect(ingest.whenRoom()).toBeNull()
  const sent = Array.from({ length: 50 }, () =>
    ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1 }), delivery: null }], TOPIC.via),
  )
  const room = ingest.whenRoom()
  expect(room).not.toBeNull()
  await room
  expect(ingest.whenRoom()).toBeNull()
  await Promise.all(sent)
})

test('attributes become a change; what cannot be one is quarantined beside it', async () => {
  const { ingest, submitted, records } = await openHub()
  const arrival = { via: 'v1/devices/me/attributes', delivery: null }
  const payload = bytes(
    '{"firmware":"1.4.2","rssi":-0,"nested":{},"constructor":"x","big":1e400,"a":1,"a":2,"nul":"\\u0000"}',
  )
  const result = await ingest.attributes(DEVICE, payload, arrival)
  expect(submitted).toEqual([['dev_1', { firmware: '1.4.2', rssi: 0 }]])
  expect(result.accepted).toBe(2)
  expect(result.problems.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    'WRONG_TYPE /nested',
    'UNKNOWN_METRIC /constructor',
    'NOT_FINITE /big',
    'PAYLOAD_NOT_JSON /a',
    'WRONG_TYPE /nul',
  ])
  expect(quarantines(records())).toHaveLength(1)
  await ingest.attributes(DEVICE, bytes('[1]'), arrival)
  expect(submitted).toHaveLength(1)
})

test('a gateway speaks for its devices, each is shown its own part, strangers stay with the gateway', async () => {
  const { ingest, records } = await openHub()
  const message = {
    'SN-1': [{ ts: START_MS - 2, values: { fan_rpm: 1, dp: 9 } }, { fan_on: true }],
    'SN-2': [{ ts: 1, values: { fan_rpm: 2 } }],
    'SN-9': [{ fan_rpm: 3 }],
  }
  const result = await ingest.gatewayTelemetry(GATEWAY, bytes(message), deviceOf, GATEWAY_TOPIC)
  expect(result.accepted).toBe(2)
  expect(readings(records()).map(({ deviceId, values }) => [deviceId, values])).toEqual([
    ['dev_1', { fan_rpm: 1 }],
    ['dev_1', { fan_on: true }],
  ])
  const shown = quarantines(records()).map(({ deviceId, code, pointer, payload }) => ({
    deviceId,
    code,
    pointer,
    payload: JSON.parse(Buffer.from(payload).toString()),
  }))
  expect(shown).toEqual([
    { deviceId: 'dev_1', code: 'UNKNOWN_METRIC', pointer: '/SN-1/0/values/dp', payload: { 'SN-1': message['SN-1'] } },
    { deviceId: 'dev_2', code: 'TIMESTAMP_TOO_OLD', pointer: '/SN-2/0/ts', payload: { 'SN-2': message['SN-2'] } },
    { deviceId: 'dev_gateway', code: 'UNKNOWN_DEVICE', pointer: '/SN-9', payload: { 'SN-9': message['SN-9'] } },
  ])
})

test('a gateway message that is no object of devices is quarantined whole; a device twice is not taken', async () => {
  const { ingest, records } = await openHub()
  await ingest.gatewayTelemetry(GATEWAY, bytes('[]'), deviceOf, GATEWAY_TOPIC)
  await ingest.gatewayTelemetry(GATEWAY, bytes('{"SN-1":[{"fan_rpm":1}],"SN-1":[]}'), deviceOf, GATEWAY_TOPIC)
  await ingest.gatewayTelemetry(GATEWAY, bytes('{"__proto__":[{"fan_rpm":1}]}'), deviceOf, GATEWAY_TOPIC)
  expect(quarantines(records()).map(({ deviceId, code, pointer }) => [deviceId, code, pointer])).toEqual([
    ['dev_gateway', 'WRONG_TYPE', ''],
    ['dev_gateway', 'PAYLOAD_NOT_JSON', '/SN-1'],
    ['dev_gateway', 'UNKNOWN_DEVICE', '/__proto__'],
  ])
  expect(readings(records())).toEqual([])
})

test('attributes through a gateway reach each device', async () => {
  const { ingest, submitted } = await openHub()
  const arrival = { via: 'v1/gateway/attributes', delivery: null }
  const payload = bytes({ 'SN-1': { firmware: '1' }, 'SN-2': { firmware: '2' }, 'SN-9': { firmware: '3' } })
  const result = await ingest.gatewayAttributes(GATEWAY, payload, deviceOf, arrival)
  expect(submitted).toEqual([
    ['dev_1', { firmware: '1' }],
    ['dev_2', { firmware: '2' }],
  ])
  expect(result.problems).toMatchObject([{ code: 'UNKNOWN_DEVICE', pointer: '/SN-9' }])
})

test('a bulk call answers for every line, and what it answers for is stored', async () => {
  const { ingest, records } = await openHub()
  const body = [
    `{"serial":"SN-1","ts":${START_MS - 5},"values":{"fan_rpm":1}}`,
    '',
    '{"serial":"SN-2","values":{"fan_rpm":2,"dp":1}}\r',
    '{"serial":"SN-9","values":{"fan_rpm":3}}',
    '{"values":{"fan_rpm":3}}',
    '{"serial":"SN-1","fan_rpm":3}',
    'not json',
    '{"serial":"SN-1","ts":1,"values":{"fan_rpm":4}}',
    '{"serial":"SN-1","serial":"SN-2","values":{"fan_rpm":4}}',
  ].join('\n')
  const { accepted, refused, lines } = await ingest.bulk(bytes(body), deviceOf)
  expect({ accepted, refused }).toEqual({ accepted: 2, refused: 6 })
  expect(
    lines.map((line) => [line.line, line.accepted, line.problems.map(({ code, pointer }) => `${code} ${pointer}`)]),
  ).toEqual([
    [1, true, []],
    [3, true, ['UNKNOWN_METRIC /values/dp']],
    [4, false, ['UNKNOWN_DEVICE /serial']],
    [5, false, ['WRONG_TYPE /serial']],
    [6, false, ['WRONG_TYPE /values']],
    [7, false, ['PAYLOAD_NOT_JSON ']],
    [8, false, ['TIMESTAMP_TOO_OLD /ts']],
    [9, false, ['WRONG_TYPE /serial']],
  ])
  expect(readings(records()).map(({ deviceId }) => deviceId)).toEqual(['dev_1', 'dev_2'])
  expect(quarantines(records()).map(({ deviceId, code }) => [deviceId, code])).toEqual([
    ['dev_2', 'UNKNOWN_METRIC'],
    ['dev_1', 'TIMESTAMP_TOO_OLD'],
  ])
})

test('ten thousand lines are a bulk call, one more is refused before any is read', async () => {
  const { ingest, records } = await openHub()
  const line = '{"serial":"SN-1","values":{"fan_rpm":1}}\n'
  expect(await ingest.bulk(bytes(line.repeat(10_000)), deviceOf)).toMatchObject({ accepted: 10_000, refused: 0 })
  await expect(ingest.bulk(bytes(line.repeat(10_001)), deviceOf)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  expect(records()).toHaveLength(10_000)
})

test('a bulk call without room rejects as a whole', async () => {
  const { ingest } = await openHub({ diskReserveBytes: Number.MAX_SAFE_INTEGER })
  const body = bytes('{"serial":"SN-1","values":{"fan_rpm":1}}\n'.repeat(2_000))
  await expect(ingest.bulk(body, deviceOf)).rejects.toMatchObject({ code: 'DISK_FULL' })
})

const CORRECTED = product({ metrics: [...product().metrics, { key: 'dp', unit: 'Pa', type: 'number' }] })

test('once the product is corrected, a re-import takes what was refused and only that, at its own time', async () => {
  const { ingest, clock, records, correct } = await openHub()
  await ingest.telemetry(
    DEVICE,
    [{ payload: bytes({ ts: START_MS - 7, values: { fan_rpm: 1, dp: 2 } }), delivery: null }],
    TOPIC.via,
  )
  await ingest.telemetry(DEVICE, [{ payload: bytes({ fan_rpm: 1, dp: 3 }), delivery: null }], TOPIC.via)
  const kept = quarantines(records())
  clock.advance(30 * 86_400_000)

  const early = await ingest.reimport(kept[0]!, { deviceOf })
  expect(early).toMatchObject({ accepted: 0, problems: [{ code: 'UNKNOWN_METRIC' }], lastSeq: null })
  correct(CORRECTED)
  for (const record of kept) await ingest.reimport(record, { deviceOf })
  expect(readings(records()).slice(2)).toMatchObject([
    { measuredAtMs: START_MS - 7, serverTime: false, values: { dp: 2 }, imported: true, receivedAtMs: clock.nowMs() },
    { measuredAtMs: START_MS, serverTime: false, values: { dp: 3 }, imported: true },
  ])
  expect(quarantines(records())).toHaveLength(2)
})

test('a wrong clock can be re-imported: an old time is believed, a future one only as the time of arrival', async () => {
  const { ingest, records } = await openHub()
  const monthOld = START_MS - 30 * 86_400_000
  await ingest.telemetry(
    DEVICE,
    [{ payload: bytes({ ts: monthOld, values: { fan_rpm: 1 } }), delivery: null }],
    TOPIC.via,
  )
  await ingest.telemetry(
    DEVICE,
    [{ payload: bytes({ ts: START_MS + 86_400_000, values: { fan_rpm: 2 } }), delivery: null }],
    TOPIC.via,
  )
  const [old, future] = quarantines(records())
  expect(await ingest.reimport(old!, { deviceOf })).toMatchObject({ accepted: 1 })
  expect(await ingest.reimport(future!, { deviceOf })).toMatchObject({
    accepted: 0,
    problems: [{ code: 'TIMESTAMP_FUTURE' }],
  })
  expect(await ingest.reimport(future!, { deviceOf, dating: 'received' })).toMatchObject({ accepted: 1 })
  expect(readings(records()).map(({ measuredAtMs }) => measuredAtMs)).toEqual([monthOld, START_MS])
})

test('every way in has its re-import', async () => {
  const { ingest, records, correct, submitted } = await openHub()
  await ingest.gatewayTelemetry(
    GATEWAY,
    bytes({ 'SN-1': [{ fan_rpm: 1 }, { dp: 1 }], 'SN-8': [{ fan_rpm: 8 }] }),
    deviceOf,
    GATEWAY_TOPIC,
  )
  await ingest.bulk(bytes('{"serial":"SN-2","values":{"fan_rpm":2,"dp":2}}'), deviceOf)
  await ingest.attributes(DEVICE, bytes({ nested: {} }), { via: 'v1/devices/me/attributes', delivery: null })
  const before = readings(records()).length
  correct(CORRECTED)
  const registered = (serial: string): DeviceRef | null =>
    serial === 'SN-8' ? { brandId: 'brand_a', deviceId: 'dev_2' } : deviceOf(serial)
  for (const record of quarantines(records())) await ingest.reimport(record, { deviceOf: registered })
  expect(
    readings(records())
      .slice(before)
      .map(({ deviceId, values }) => [deviceId, values]),
  ).toEqual([
    ['dev_1', { dp: 1 }],
    ['dev_2', { fan_rpm: 8 }],
    ['dev_2', { dp: 2 }],
  ])
  expect(submitted).toEqual([])
})
