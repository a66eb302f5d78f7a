import { expect, onTestFinished, test, vi } from 'vitest'
import { HubApi } from '#simulators'
import { influxAvailable, type OwnInflux, startOwnInflux } from '../store/history/testing/influx-server.ts'
import type { Hub } from './hub.ts'
import { partnerServer, type SmallHouse, setUpHouse } from './testing/small-house.ts'
import { type SteadyLoad, startLoad } from './testing/steady-load.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

const CI = process.env.CI === 'true'
const BUCKET = 'telemetry'
/** Readings that pass while the store is away: enough that they would be missed. */
const READINGS_AWAY = 600

interface Fixture {
  env: Record<string, string>
  influx: OwnInflux
  partner: Awaited<ReturnType<typeof partnerServer>>
}

async function fixture(): Promise<Fixture> {
  const influx = await startOwnInflux()
  onTestFinished(() => influx.stop())
  const partner = await partnerServer()
  onTestFinished(() => partner.server.close())
  // Its absence is the point; the hub's warnings about it would bury what a failing test says.
  const env = await testEnvironment({ INFLUX_URL: influx.url, INFLUX_BUCKET: BUCKET, HUB_LOG_LEVEL: 'silent' })
  return { env, influx, partner }
}

/** Homes that agreed to a visit beforehand, so that a reading over the limit becomes an order by itself. */
async function furnish(hub: Hub, { partner }: Fixture, homes: number): Promise<SmallHouse> {
  const api = new HubApi(hub.addresses.httpUrl, ADMIN_KEY)
  const house = await setUpHouse(api, {
    nowMs: Date.now(),
    partnerUrl: partner.server.url,
    homes,
    rule: { for: 'PT0S', dispatch: 'auto' },
    standingShare: true,
  })
  partner.setSecret(house.partnerSecret)
  await house.brand.post('/api/rules/hepa-clogged/activate', { settle: 'PT0S' })
  return house
}

const ordersAt = (partner: Fixture['partner']): string[] =>
  partner.events
    .filter(({ type }) => type === 'beforehand.work_order.created')
    .map(({ data }) => data.items[0]!.device.id)

/** A fault of one device has to become an order at the partner while the history cannot help. */
async function faultBecomesOrder(load: SteadyLoad, deviceId: string, { partner }: Fixture): Promise<void> {
  await load.publish(deviceId, 262.1)
  await vi.waitUntil(() => ordersAt(partner).includes(deviceId), { timeout: 20_000 })
}

async function partOf(url: string, part: string): Promise<{ ready: boolean; code?: string }> {
  const { parts } = (await (await fetch(`${url}/readyz`)).json()) as { parts: { part: string; ready: boolean }[] }
  return parts.find((one) => one.part === part)!
}

async function historyOf(brand: HubApi, deviceId: string): Promise<[ts: number, value: number][]> {
  const found: [number, number][] = []
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await brand.get<{
      items: { at: string; values: { filter_dp_pa: number } }[]
      nextCursor: string | null
    }>(`/api/devices/${deviceId}/telemetry?limit=5000&to=${new Date(Date.now() + 60_000).toISOString()}${cursor}`)
    for (const { at, values } of items) found.push([Date.parse(at), values.filter_dp_pa])
    if (nextCursor === null) return found
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`
  }
}

/** Every acknowledged reading is there once, by the API and in the store itself. */
async function expectComplete(brand: HubApi, loads: readonly SteadyLoad[], { influx }: Fixture): Promise<void> {
  let readings = 0
  for (const deviceId of loads[0]!.acknowledged.keys()) {
    const acknowledged = loads.flatMap((load) => [...load.acknowledged.get(deviceId)!]).sort(([a], [b]) => a - b)
    readings += acknowledged.length
    expect(await historyOf(brand, deviceId)).toEqual(acknowledged)
  }
  const query = new URLSearchParams({ db: BUCKET, q: 'SELECT count(filter_dp_pa) FROM readings' })
  const answer = (await (await fetch(`${influx.url}/query?${query}`)).json()) as {
    results: [{ series: [{ values: [[time: string, count: number]] }] }]
  }
  expect(answer.results[0].series[0].values[0][1]).toBe(readings)
}

const withInflux = test.skipIf(!CI && !influxAvailable())

withInflux(
  'InfluxDB hangs, dies and returns under load: orders flow meanwhile, and nothing is missing or doubled (needs influxd)',
  async () => {
    const world = await fixture()
    const { influx } = world
    const hub = await testHub(world.env)
    const { brand, devices } = await furnish(hub, world, 3)
    const [calm, first, second] = devices.map(({ id }) => id)
    const load = await startLoad(hub.addresses.mqttUrl, devices)
    await load.more(READINGS_AWAY)
    await vi.waitUntil(async () => (await historyOf(brand, calm!)).length > 0, { timeout: 20_000 })

    influx.hang()
    await load.more(READINGS_AWAY)
    await faultBecomesOrder(load, first!, world)

    // It never wakes: what was being written then is lost, answer and all.
    await influx.kill()
    await load.more(READINGS_AWAY)
    await faultBecomesOrder(load, second!, world)
    await vi.waitUntil(async () => !(await partOf(hub.addresses.httpUrl, 'telemetry-history')).ready)
    expect(await partOf(hub.addresses.httpUrl, 'telemetry-history')).toMatchObject({ code: 'HISTORY_UNAVAILABLE' })
    await expect(historyOf(brand, calm!)).rejects.toMatchObject({
      problem: { status: 503, code: 'HISTORY_UNAVAILABLE' },
    })
    for (const part of ['database', 'telemetry-log', 'rules'])
      expect(await partOf(hub.addresses.httpUrl, part)).toMatchObject({ ready: true })

    await influx.start()
    await load.more(READINGS_AWAY)
    await load.stop()
    await hub.settle()
    await expectComplete(brand, [load], world)
    expect(await partOf(hub.addresses.httpUrl, 'telemetry-history')).toEqual({
      part: 'telemetry-history',
      ready: true,
    })
    expect(ordersAt(world.partner).sort()).toEqual([first!, second!].sort())
  },
  60_000,
)

withInflux(
  'a hub that restarts while InfluxDB is away comes up, decides and fills the history later (needs influxd)',
  async () => {
    const world = await fixture()
    const { influx } = world
    const before = await testHub(world.env)
    const { brand, devices } = await furnish(before, world, 2)
    await influx.kill()
    const earlier = await startLoad(before.addresses.mqttUrl, devices)
    await earlier.more(READINGS_AWAY)
    await earlier.stop()
    await before.stop()

    const hub = await testHub({ ...world.env, HUB_HTTP_PORT: new URL(before.addresses.httpUrl).port })
    const load = await startLoad(hub.addresses.mqttUrl, devices)
    await faultBecomesOrder(load, devices[0]!.id, world)
    await load.more(READINGS_AWAY)
    expect(await partOf(hub.addresses.httpUrl, 'telemetry-history')).toMatchObject({ ready: false })

    await influx.start()
    await load.stop()
    await hub.settle()
    await expectComplete(brand, [earlier, load], world)
  },
  60_000,
)
