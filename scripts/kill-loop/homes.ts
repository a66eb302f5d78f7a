import type { AgreementDocument, ProductDocument, RuleDocument } from '#contracts'
import { type HubApi, type SmallBrand, setUpSmallBrand } from '#simulators'

const PRODUCT: ProductDocument = {
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 2_000 }],
  components: [
    { key: 'hepa-filter', kind: 'filter', part: 'HEPA-300' },
    { key: 'fan', kind: 'fan' },
  ],
  reporting: { mode: 'periodic', every: '10s' },
}

/** Sends somebody: each appliance clogs once, at its own moment of the trial. */
const RULE: RuleDocument = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤网堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
  for: '500ms',
  latch: 'until-serviced',
  dispatch: 'auto',
  service: { job: 'replace-hepa', parts: [{ sku: 'HEPA-300', quantity: 1 }], skills: ['air-purifier'] },
}

/** Another rule on the same readings, whose episodes come and go with the noise and send nobody. */
const RESTLESS: RuleDocument = {
  key: 'restless',
  name: { en: 'Restless pressure', 'zh-CN': '压差波动' },
  scope: { product: 'ap-300' },
  component: 'fan',
  severity: 'info',
  when: { metric: 'filter_dp_pa', op: '>', value: 196, clear: 184 },
  keep: '200ms',
  latch: 'none',
  dispatch: 'notify',
}

/**
 * With so many cities nothing is held for a storm. With one, most is: what is counted as an hour's needs depends on when
 * the hub came to decide them, and that is told apart when the books are compared.
 */
const REGIONS = ['320102', '320211', '330106', '330206', '340104', '350203', '360102', '370202', '410102', '420102']

const AGREEMENT: AgreementDocument = {
  partnerKey: 'swift-repair',
  accountNo: 'A-1',
  coverage: REGIONS,
  skills: ['air-purifier'],
  currency: 'CNY',
  prices: [{ kind: 'labour', amountMinor: 6_000 }],
}

/** One home per appliance, each with a standing consent to send somebody. */
export function setUpHomes(
  hub: HubApi,
  { count, cities, partnerUrl, nowMs }: { count: number; cities: number; partnerUrl: string; nowMs: number },
): Promise<SmallBrand> {
  return setUpSmallBrand(hub, {
    nowMs,
    partnerUrl,
    product: PRODUCT,
    rules: [RULE, RESTLESS],
    agreement: AGREEMENT,
    homes: count,
    regions: REGIONS.slice(0, cities),
    standingShare: true,
  })
}
