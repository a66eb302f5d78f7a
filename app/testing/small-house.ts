import type { AgreementDocument, ProductDocument, RuleDocument, WorkOrderPacket } from '#contracts'
import { type HubApi, type SmallBrand, setUpSmallBrand, startWebhookServer } from '#simulators'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

export const PRODUCT: ProductDocument = {
  key: 'ap-300',
  category: 'air-purifier',
  name: { en: 'Air purifier AP-300', 'zh-CN': '空气净化器 AP-300' },
  metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 2_000 }],
  components: [
    {
      key: 'hepa-filter',
      kind: 'filter',
      name: { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' },
      part: 'HEPA-300',
      recovery: { when: { metric: 'filter_dp_pa', op: '<', value: 150 }, for: '30m', within: '1d', minReadings: 10 },
    },
  ],
  reporting: { mode: 'periodic', every: '1m' },
}

export const RULE: RuleDocument = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤网堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
  for: '10m',
  keep: '1h',
  latch: 'until-serviced',
  dispatch: 'offer',
  service: {
    job: 'replace-hepa',
    parts: [{ sku: 'HEPA-300', quantity: 1 }],
    skills: ['air-purifier'],
    duration: 'PT30M',
  },
}

const AGREEMENT: AgreementDocument = {
  partnerKey: 'swift-repair',
  accountNo: 'A-1',
  coverage: ['310115'],
  skills: ['air-purifier'],
  currency: 'CNY',
  prices: [
    { kind: 'inspection', amountMinor: 3_000 },
    { kind: 'labour', amountMinor: 6_000 },
    { kind: 'part', sku: 'HEPA-300', amountMinor: 19_900 },
  ],
  sla: { accept: '4h', book: '24h', arrive: '7d', finish: '10d' },
  hours: { days: [1, 2, 3, 4, 5, 6, 7], from: '09:00', to: '19:00', slot: '2h', lead: '24h' },
}

export type SmallHouse = SmallBrand

/** A purifier in each home, its one rule in force. */
export function setUpHouse(
  hub: HubApi,
  options: {
    nowMs: number
    partnerUrl: string
    homes?: number
    rule?: Partial<RuleDocument>
    standingShare?: boolean
  },
): Promise<SmallHouse> {
  const { nowMs, partnerUrl, homes = 1, rule = {}, standingShare = false } = options
  return setUpSmallBrand(hub, {
    nowMs,
    partnerUrl,
    product: PRODUCT,
    rules: [{ ...RULE, ...rule }],
    agreement: AGREEMENT,
    homes,
    standingShare,
  })
}

/** A partner's server that verifies, keeps each event once, and lets tests wait for one. */
export async function partnerServer() {
  let secret: string | null = null
  const events: { type: string; data: WorkOrderPacket }[] = []
  const waiting: { type: string; resolve: (data: WorkOrderPacket) => void }[] = []
  const server = await startWebhookServer({
    secret: () => secret,
    onEvent: (event) => {
      const { type, data } = event as unknown as { type: string; data: WorkOrderPacket }
      events.push({ type, data })
      for (const waiter of waiting.splice(0)) {
        if (waiter.type === type) waiter.resolve(data)
        else waiting.push(waiter)
      }
    },
  })
  return {
    server,
    events,
    setSecret: (value: string) => void (secret = value),
    event(type: string): Promise<WorkOrderPacket> {
      const known = events.find((event) => event.type === type)
      return known ? Promise.resolve(known.data) : new Promise((resolve) => waiting.push({ type, resolve }))
    },
  }
}
