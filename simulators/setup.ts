import type { CatalogEntry } from '#catalog'
import { type AgreementDocument, instant } from '#contracts'
import { sha256Hex } from '#platform'
import type { HubApi } from './hub-api.ts'
import { kindsOf, type PlannedDevice } from './neighbourhood.ts'

const DAY_MS = 86_400_000
/** A new district of a large city: enough for coverage by prefix to mean something. */
const DISTRICT = '310115'
const STREETS = ['310115005', '310115007', '310115009', '310115103'] as const
const CONSENT_TEXT = '同意优家电器使用设备运行数据，并在需要维护时与我联系。'

export interface BrandSetUp {
  brandKey: string
  brand: HubApi
  /** By partner key. */
  partners: Map<string, { secret: string; apiKey: string }>
  /** Webhook secret of the brand's own endpoint. */
  endpointSecret: string
  homeIds: string[]
  /** Access token and id of each device by serial. */
  devices: Map<string, { id: string; token: string }>
}

export interface SetUpOptions {
  hub: HubApi
  nowMs: number
  brandKey?: string
  homes: number
  devices: readonly Omit<PlannedDevice, 'model'>[]
  /** In the order of their registration; without an address a partner polls. */
  partners: readonly { key: string; name: string; url: string | null }[]
  brandUrl: string
  /** What the brand makes; the kinds among the devices when absent. */
  entries?: readonly CatalogEntry[]
  /** Homes are spread over these. */
  timeZones?: readonly string[]
}

/** Homes made at once: the hub's own work for one is mostly waiting for its database. */
const HOMES_AT_ONCE = 8
const HOME_ZONE = 'Asia/Shanghai'

/** Where the i-th home's clock stands. */
export function zoneOfHome(i: number, timeZones: readonly string[] = [HOME_ZONE]): string {
  return timeZones[i % timeZones.length]!
}

/** Makes a brand ready to be served, over HTTP alone, in the order an operator and a brand would do it. */
export async function setUpBrand(options: SetUpOptions): Promise<BrandSetUp> {
  const { hub, nowMs } = options
  const brandKey = options.brandKey ?? 'youjia'
  const entries = options.entries ?? kindsOf(options.devices)
  const partners: BrandSetUp['partners'] = new Map()
  for (const { key, name, url } of options.partners) {
    const { secret } = await hub.post<{ secret: string }>('/api/partners', { key, name, url })
    const made = await hub.post<{ key: string }>('/api/keys', { role: 'partner', partnerKey: key, label: 'simulated' })
    partners.set(key, { secret, apiKey: made.key })
  }
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: brandKey,
    name: { en: 'Youjia Home', 'zh-CN': '优家电器' },
  })
  const brand = hub.as(made.adminKey.key)

  const endpoint = await brand.post<{ secret: string }>('/api/endpoints', { url: options.brandUrl })
  for (const { product, parts, rules } of entries) {
    await brand.post('/api/products', product)
    for (const { sku, name, leadDays } of parts)
      await brand.put(`/api/parts/${encodeURIComponent(sku)}`, { sku, name, genuine: true, leadDays: { '': leadDays } })
    for (const rule of rules) await brand.post('/api/rules', rule)
  }
  for (const { key } of options.partners) await brand.post('/api/agreements', agreementWith(key, entries))

  const homeIds: string[] = []
  const places = Array.from({ length: options.homes }, (_, i) => i).values()
  const lane = async (): Promise<void> => {
    for (const i of places) homeIds[i] = await addHome(brand, i, nowMs, zoneOfHome(i, options.timeZones))
  }
  await Promise.all(Array.from({ length: Math.min(HOMES_AT_ONCE, options.homes) }, lane))
  const devices = await addDevices(brand, options.devices, homeIds, nowMs)
  // Rules last: what is in force from the first reading on is in force for every device.
  for (const { rules } of entries) for (const rule of rules) await brand.post(`/api/rules/${rule.key}/activate`, {})

  return {
    brandKey,
    brand,
    partners,
    endpointSecret: endpoint.secret,
    homeIds,
    devices,
  }
}

/** Prices a household would find fair; jobs and parts from the catalog. */
function agreementWith(partnerKey: string, entries: readonly CatalogEntry[]): AgreementDocument {
  const jobs = entries.flatMap((entry) => entry.jobs)
  const parts = entries.flatMap((entry) => entry.parts)
  return {
    partnerKey,
    accountNo: 'YJ-2026-01',
    coverage: [DISTRICT],
    skills: entries.map((entry) => entry.category),
    certifications: [...new Set(jobs.flatMap((job) => job.certifications ?? []))],
    currency: 'CNY',
    prices: [
      { kind: 'inspection', amountMinor: 3_000 },
      ...jobs.map((job) => ({ kind: 'labour' as const, job: job.code, amountMinor: LABOUR_MINOR[job.kind] })),
      ...parts.map(({ sku, priceMinor }) => ({ kind: 'part' as const, sku, amountMinor: priceMinor })),
    ],
    settlement: { mode: 'fixed', amountMinor: 8_000 },
    sla: { accept: '4h', book: '24h', arrive: '7d', finish: '10d' },
    hours: { days: [1, 2, 3, 4, 5, 6, 7], from: '09:00', to: '19:00', slot: '2h', lead: '24h' },
  }
}

const LABOUR_MINOR = { inspect: 0, clean: 5_000, repair: 9_000, replace_part: 6_000, replace_device: 12_000 } as const

async function addHome(brand: HubApi, i: number, nowMs: number, timeZone: string): Promise<string> {
  const home = await brand.post<{ id: string }>('/api/homes', {
    timeZone,
    region: STREETS[i % STREETS.length],
    externalRef: `home-${i + 1}`,
    address: {
      province: '上海市',
      city: '上海市',
      district: '浦东新区',
      street: '示例街道',
      community: `示例花园 ${i + 1} 号`,
      building: `${1 + (i % 9)} 号楼`,
      room: `${100 + i}`,
    },
    people: [
      {
        role: 'owner',
        name: `住户 ${i + 1}`,
        channel: 'app',
        locale: i % 3 === 2 ? 'en' : 'zh-CN',
        decides: true,
        pays: true,
        contact: { number: `170${String(10_000_000 + i)}`, kind: 'privacy', extension: String(i + 1) },
      },
    ],
  })
  for (const purpose of ['monitoring', 'contact'] as const) {
    await brand.post(`/api/homes/${home.id}/consents`, {
      purpose,
      granted: true,
      at: instant(nowMs),
      by: 'owner',
      method: 'app',
      textVersion: '1',
      textSha256: sha256Hex(CONSENT_TEXT),
      dataKinds: ['telemetry'],
    })
  }
  return home.id
}

async function addDevices(
  brand: HubApi,
  planned: SetUpOptions['devices'],
  homeIds: readonly string[],
  nowMs: number,
): Promise<Map<string, { id: string; token: string }>> {
  const lines = planned.map(({ serial, productKey, home, ageDays }) =>
    JSON.stringify({
      serial,
      product: productKey,
      home: homeIds[home],
      purchasedAt: instant(nowMs - ageDays * DAY_MS),
      installedAt: instant(nowMs - (ageDays - 3) * DAY_MS),
    }),
  )
  const { rows } = await brand.post<{
    rows: { status: string; serial: string; id: string; accessToken: string; error?: { detail: string } }[]
  }>('/api/devices/bulk', null, { raw: { type: 'application/x-ndjson', text: `${lines.join('\n')}\n` } })
  const refused = rows.find((row) => row.status !== 'created')
  if (refused) throw new Error(`a simulated device was refused: ${refused.error?.detail}`)
  return new Map(rows.map(({ serial, id, accessToken }) => [serial, { id, token: accessToken }]))
}
