import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '#platform'
import { AirPurifier } from '../physics/air-purifier.ts'
import { CityClimate } from '../physics/climate.ts'
import { SmartLock } from '../physics/smart-lock.ts'
import type { FleetFaults, TimedReading } from './faults.ts'
import { Fleet, type FleetDevice, type FleetOptions } from './fleet.ts'
import { type TruthRecord, truthFile } from './truth.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 8, 1)

interface Received {
  serial: string
  topic: string
  qos: number
  payload: string
}

/** A real broker on a real port that keeps what reaches it and knows tokens that start with "good-". */
async function broker() {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const aedes = await Aedes.createBroker()
  aedes.authenticate = (_client, username, _password, done) => done(null, String(username).startsWith('good-'))
  aedes.authorizePublish = (client, packet, done) => {
    received.push({ serial: client!.id, topic: packet.topic, qos: packet.qos, payload: packet.payload.toString() })
    done(null)
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    aedes.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await new Promise<void>((resolve) => aedes.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return { url, received, cut }
}

function devices(count: number, wear = 0.3): FleetDevice[] {
  return Array.from({ length: count }, (_, i) => {
    const random = seededRandom(i)
    const climate = new CityClimate(seededRandom(99))
    const model =
      i % 2 === 0
        ? new AirPurifier({ climate, random, initialWear: wear })
        : new SmartLock({ climate, random, initialWear: { cells: wear } })
    return { serial: `D-${i}`, token: `good-${i}`, model }
  })
}

async function started(url: string, options: Partial<FleetOptions> = {}) {
  const acknowledged: { serial: string; readings: readonly TimedReading[] }[] = []
  const fleet = new Fleet({
    url,
    devices: devices(4),
    seed: 11,
    onAcknowledged: (serial, readings) => acknowledged.push({ serial, readings }),
    ...options,
  })
  onTestFinished(() => fleet.close())
  await fleet.connect()
  return { fleet, acknowledged }
}

const readingsOf = (received: Received[]): (TimedReading & { serial: string })[] =>
  received.flatMap(({ serial, payload }) => {
    const parsed = JSON.parse(payload) as TimedReading | TimedReading[]
    return (Array.isArray(parsed) ? parsed : [parsed]).map((reading) => ({ serial, ...reading }))
  })

test('publishes every reading of a step at QoS 1, and the step ends at the last PUBACK', async () => {
  const { url, received } = await broker()
  const { fleet } = await started(url)
  for (let hour = 0; hour <= 24; hour++) await fleet.stepTo(START_MS + hour * HOUR_MS)
  expect(new Set(received.map((r) => `${r.topic} ${r.qos}`))).toEqual(new Set(['v1/devices/me/telemetry 1']))
  const purifier = readingsOf(received).filter((r) => r.serial === 'D-0')
  expect(purifier.map((r) => r.ts)).toEqual(Array.from({ length: 145 }, (_, i) => START_MS + i * 600_000))
  expect(Object.keys(purifier[0]!.values)).toContain('filter_dp_pa')
  expect(fleet.counts()).toMatchObject({ produced: 2 * 145 + 2 * 49, readingsAcknowledged: 2 * 145 + 2 * 49 })
})

test('the same seed sends the same bytes', async () => {
  const bytes: string[][] = []
  for (let i = 0; i < 2; i++) {
    const { url, received } = await broker()
    const { fleet } = await started(url, { faults: { drop: 0.1, duplicate: 0.1 } })
    for (let hour = 0; hour <= 12; hour++) await fleet.stepTo(START_MS + hour * HOUR_MS)
    bytes.push(received.filter((r) => r.serial === 'D-1').map((r) => r.payload))
  }
  expect(bytes[0]).toEqual(bytes[1])
})

const faultOptions: Record<string, FleetFaults> = {
  drop: { drop: 0.1 },
  duplicate: { duplicate: 0.2 },
  delay: { delay: { chance: 0.2, maxMs: 2 * HOUR_MS } },
  reorder: { reorder: 0.5, delay: { chance: 0.5, maxMs: 2 * HOUR_MS } },
  'wrong clock': { wrongClock: { share: 0.5, offsetMs: 86_400_000 } },
  stuck: { stuck: { chancePerDay: 1, hours: 3 } },
  offline: { offline: { chancePerDay: 1, hours: 5 } },
}

test.each(Object.entries(faultOptions))(
  '%s: what is acknowledged is exactly what the broker has',
  async (_, faults) => {
    const { url, received } = await broker()
    const { fleet, acknowledged } = await started(url, { faults })
    for (let hour = 0; hour <= 48; hour++) await fleet.stepTo(START_MS + hour * HOUR_MS)
    await fleet.flush()
    const ledger = acknowledged.flatMap(({ serial, readings }) => readings.map((reading) => ({ serial, ...reading })))
    const key = (r: TimedReading & { serial: string }) => JSON.stringify([r.serial, r.ts, r.values])
    expect(readingsOf(received).map(key).sort()).toEqual(ledger.map(key).sort())
    const { produced, dropped, duplicated, overflowed, readingsAcknowledged } = fleet.counts()
    expect(readingsAcknowledged).toBe(produced - dropped - overflowed + duplicated)
  },
)

test('a cut line costs nothing: the device comes back and sends what was not acknowledged', async () => {
  const { url, received, cut } = await broker()
  const { fleet, acknowledged } = await started(url)
  await fleet.stepTo(START_MS)
  cut()
  await fleet.stepTo(START_MS + HOUR_MS)
  const sent = new Set(readingsOf(received).map((r) => `${r.serial} ${r.ts}`))
  for (const { serial, readings } of acknowledged) for (const r of readings) expect(sent).toContain(`${serial} ${r.ts}`)
  expect(fleet.counts().readingsAcknowledged).toBe(fleet.counts().produced)
})

test('a refused token says which device', async () => {
  const { url } = await broker()
  const [device] = devices(1)
  const fleet = new Fleet({ url, devices: [{ ...device!, token: 'bad' }], seed: 1 })
  await expect(fleet.connect()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('D-0'),
  })
})

test('the truth file tells wear by day, the service window, and the repair', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'truth-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const { url } = await broker()
  const truth = truthFile(join(dir, 'truth.ndjson'))
  const { fleet } = await started(url, { devices: devices(1, 0.745), truth })
  for (let day = 0; day <= 8; day++) await fleet.stepTo(START_MS + day * 24 * HOUR_MS)
  fleet.replace('D-0', 'hepa-filter', { atMs: START_MS + 8 * 24 * HOUR_MS, by: 'technician' })
  await fleet.stepTo(START_MS + 9 * 24 * HOUR_MS)
  await truth.close()
  const lines = (await readFile(join(dir, 'truth.ndjson'), 'utf8')).trim().split('\n')
  const records = lines.map((line) => JSON.parse(line) as TruthRecord)
  expect(records.filter((r) => r.kind !== 'wear').map((r) => r.kind)).toEqual(['window.opened', 'replaced'])
  const wear = records.filter((r) => r.kind === 'wear').map((r) => r.wear)
  expect(wear.length).toBe(10)
  expect(wear.slice(0, 9)).toEqual(wear.slice(0, 9).sort())
  expect(wear.at(-1)).toBeLessThan(0.05)
})
