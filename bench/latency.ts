/**
 * From the moment a device publishes a reading that is bad enough to the moment the partner's
 * server holds the signed work order: standing consent, `dispatch: auto`, `for` of zero, embedded
 * stores, one need per home, a few a second. Beside it, in the same run, the bare way of the same
 * reading to its PUBACK, which has one sync in it as well.
 *
 * Usage: node bench/latency.ts [--orders 200] [--per-second 10]
 */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { WorkOrderPacket } from '#contracts'
import { instant } from '#contracts'
import { realClock, realSleep, sha256Hex } from '#platform'
import { type HubApi, MqttDevice, startWebhookServer } from '#simulators'
import { type HubProcess, startHubProcess } from './hub-process.ts'

/** Longest the last order may take to arrive. */
const PATIENCE_MS = 60_000
/** Needs of one rule in one city and hour that are no storm yet, with room: this is about the straight way. */
const HOMES_PER_CITY = 4

/** Where a home stands: a few to a city, so that nothing is held for looking like a fault of many. */
const regionOf = (home: number): string => `${1_100 + Math.floor(home / HOMES_PER_CITY)}05`

export interface Latency {
  orders: number
  acknowledgedMs: Quantiles
  orderMs: Quantiles
}
export interface Quantiles {
  p50: number
  p99: number
  max: number
}

export async function measureLatency(options: { orders: number; perSecond: number }): Promise<Latency> {
  const { orders, perSecond } = options
  let secret: string | null = null
  const arrived = new Map<string, number>()
  const partner = await startWebhookServer({
    secret: () => secret,
    onEvent: (event) => {
      if (event.type !== 'beforehand.work_order.created') return
      for (const { device } of (event.data as WorkOrderPacket).items) arrived.set(device.serial, performance.now())
    },
  })
  const hub = await startHubProcess({ HUB_ALLOW_LOOPBACK: 'yes' })
  try {
    const made = await hub.api.post<{ secret: string }>('/api/partners', {
      key: 'bench-partner',
      name: 'Bench partner',
      url: partner.url,
    })
    secret = made.secret
    const tokens = await register(hub.api, orders)
    const published = new Map<string, number>()
    const acknowledged: number[] = []
    for (const [serial, token] of tokens) {
      const device = new MqttDevice({ url: `mqtt://127.0.0.1:${hub.mqttPort}`, clientId: serial, token })
      await device.connect()
      const startedAt = performance.now()
      published.set(serial, startedAt)
      await device.publish('v1/devices/me/telemetry', JSON.stringify({ filter_dp_pa: 262.1 }))
      acknowledged.push(performance.now() - startedAt)
      await device.close()
      await realSleep(1_000 / perSecond)
    }
    await allArrived(hub, arrived, orders)
    const took = [...published].map(([serial, startedAt]) => arrived.get(serial)! - startedAt)
    return { orders, acknowledgedMs: quantiles(acknowledged), orderMs: quantiles(took) }
  } finally {
    await hub.stop()
    await partner.close()
  }
}

/** One home with one purifier for every order, all of them agreeing beforehand to this partner. */
async function register(hub: HubApi, orders: number): Promise<Map<string, string>> {
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'bench',
    name: { en: 'Bench', 'zh-CN': '测试' },
  })
  const brand = hub.as(made.adminKey.key)
  await brand.post('/api/products', {
    key: 'ap-bench',
    category: 'air-purifier',
    metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number' }],
    components: [{ key: 'hepa-filter', kind: 'filter', part: 'HEPA-300' }],
  })
  await brand.post('/api/agreements', {
    partnerKey: 'bench-partner',
    accountNo: 'B-1',
    coverage: [...new Set(Array.from({ length: orders }, (_, i) => regionOf(i).slice(0, 2)))],
    skills: ['air-purifier'],
    currency: 'CNY',
    prices: [
      { kind: 'inspection', amountMinor: 3_000 },
      { kind: 'labour', job: 'replace-hepa', amountMinor: 6_000 },
      { kind: 'part', sku: 'HEPA-300', amountMinor: 9_900 },
    ],
    settlement: { mode: 'fixed', amountMinor: 8_000 },
    sla: { accept: '4h', book: '24h', arrive: '7d', finish: '10d' },
    hours: { days: [1, 2, 3, 4, 5, 6, 7], from: '09:00', to: '19:00', slot: '2h', lead: '24h' },
  })
  await brand.put('/api/parts/HEPA-300', {
    sku: 'HEPA-300',
    name: { en: 'HEPA filter', 'zh-CN': '滤网' },
    genuine: true,
    leadDays: { '': 1 },
  })
  const homes: string[] = []
  for (let i = 0; i < orders; i++) homes.push(await consentingHome(brand, regionOf(i)))
  const { rows } = await brand.post<{ rows: { serial: string; accessToken: string }[] }>('/api/devices/bulk', null, {
    raw: {
      type: 'application/x-ndjson',
      text: homes.map((home, i) => JSON.stringify({ serial: `L${i}`, product: 'ap-bench', home })).join('\n'),
    },
  })
  await brand.post('/api/rules', {
    key: 'clogged',
    name: { en: 'HEPA filter clogged', 'zh-CN': '滤网堵塞' },
    scope: { product: 'ap-bench' },
    component: 'hepa-filter',
    severity: 'warning',
    when: { metric: 'filter_dp_pa', op: '>', value: 250 },
    dispatch: 'auto',
    service: { job: 'replace-hepa', parts: [{ sku: 'HEPA-300', quantity: 1 }], skills: ['air-purifier'] },
  })
  // Past its canary, so the brand may let its orders leave at once.
  await brand.post('/api/rules/clogged/activate', { settle: 'PT0S' })
  return new Map(rows.map(({ serial, accessToken }) => [serial, accessToken]))
}

async function consentingHome(brand: HubApi, region: string): Promise<string> {
  const home = await brand.post<{ id: string }>('/api/homes', {
    timeZone: 'Asia/Shanghai',
    region,
    address: { province: '上海市', city: '上海市', district: '浦东新区', street: '示例街道', community: '示例花园' },
    people: [{ role: 'owner', channel: 'app', locale: 'zh-CN', decides: true, pays: true }],
  })
  for (const purpose of ['monitoring', 'contact', 'share'] as const) {
    await brand.post(`/api/homes/${home.id}/consents`, {
      purpose,
      granted: true,
      at: instant(realClock.nowMs()),
      by: 'owner',
      method: 'app',
      textVersion: '1',
      textSha256: sha256Hex('bench'),
      dataKinds: ['telemetry'],
      ...(purpose === 'share'
        ? { recipients: [{ partnerKey: 'bench-partner', name: 'Bench partner', contact: '4000000000' }] }
        : {}),
    })
  }
  return home.id
}

async function allArrived(hub: HubProcess, arrived: ReadonlyMap<string, number>, orders: number): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  while (arrived.size < orders) {
    if (performance.now() > giveUpAt) {
      const behind = await hub.metric('beforehand_rules_lag_records')
      throw new Error(`${arrived.size} of ${orders} orders arrived; rules are ${behind} records behind`)
    }
    await realSleep(20)
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { orders: { type: 'string', default: '200' }, 'per-second': { type: 'string', default: '10' } },
  })
  const result = await measureLatency({ orders: Number(values.orders), perSecond: Number(values['per-second']) })
  console.log(JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toFixed(1)) : value), 2))
}
