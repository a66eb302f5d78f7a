import { type CatalogEntry, catalogEntry } from '#catalog'
import type { RuleDocument } from '#contracts'
import { type BrandSetUp, type HubApi, setUpBrand } from '#simulators'

/** One in fifty has not got the new firmware yet. */
const OLD_FIRMWARE_EVERY = 50
const FIRMWARE = { old: '1.9.0', buggy: '2.0.0' }
/** Really worn ones among the old: they are asked as ever while the others are held. */
const WORN = 3
/** Calls of devices' own at a time. */
const LANES = 16

/** A rule and what it does to people: a case, an offer, and nothing without the home's yes. */
const rule = (key: string, component: string, metric: string, value: number): RuleDocument => ({
  key,
  name: { en: 'Filter clogged', 'zh-CN': '滤网堵塞' },
  scope: { category: 'air-purifier' },
  component,
  severity: 'warning',
  when: { metric, op: '>', value },
  latch: 'until-serviced',
  dispatch: 'offer',
  service: { job: 'replace-hepa', parts: [{ sku: 'HEPA-300', quantity: 1 }], skills: ['air-purifier'] },
})
export const STORM_RULES = {
  dropped: rule('hepa-clogged-early', 'hepa-filter', 'filter_dp_pa', 250),
  released: rule('prefilter-clogged-early', 'pre-filter', 'prefilter_dp_pa', 100),
}

export interface Purifier {
  serial: string
  token: string
}

export interface StormFleet {
  setUp: BrandSetUp
  buggy: Purifier[]
  /** Those of the old firmware whose filters are worn in truth. */
  worn: Purifier[]
  all: Purifier[]
}

/** A whole city of one product, most of it on the new firmware. */
export async function moveStormFleetIn(
  api: HubApi,
  options: { homes: number; nowMs: number; brandUrl: string },
): Promise<StormFleet> {
  const { homes, nowMs, brandUrl } = options
  const category = 'air-purifier'
  const entry = catalogEntry(category)!
  const { product } = entry
  const made: CatalogEntry = {
    ...entry,
    rules: [],
    product: {
      ...product,
      metrics: [...product.metrics, { key: 'prefilter_dp_pa', unit: 'Pa', type: 'number' }],
      components: [...(product.components ?? []), { key: 'pre-filter', kind: 'filter', part: 'HEPA-300' }],
    },
  }
  const devices = Array.from({ length: homes }, (_, home) => ({
    serial: `ST-${String(home).padStart(6, '0')}`,
    category,
    productKey: product.key,
    home,
    ageDays: 400,
  }))
  const partners = [{ key: 'swift-repair', name: 'Swift Repair', url: null }]
  const setUp = await setUpBrand({ hub: api, nowMs, homes, devices, partners, brandUrl, entries: [made] })
  const all = devices.map(({ serial }) => ({ serial, token: setUp.devices.get(serial)!.token }))
  const isOld = (_: unknown, i: number): boolean => i % OLD_FIRMWARE_EVERY === 0
  const device = api.as(null)
  await inLanes(all, ({ token }, i) =>
    device.post(`/api/v1/${token}/attributes`, { firmware: isOld(null, i) ? FIRMWARE.old : FIRMWARE.buggy }),
  )
  return { setUp, all, buggy: all.filter((one, i) => !isOld(one, i)), worn: all.filter(isOld).slice(0, WORN) }
}

async function inLanes<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>): Promise<void> {
  const rest = items.entries()
  const lane = async (): Promise<void> => {
    for (const [i, item] of rest) await work(item, i)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}
