import { instant, type ProductDocument, type RuleDocument } from '#contracts'
import { sha256Hex } from '#platform'
import type { HubApi } from '#simulators'

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

const AGREEMENT = {
  partnerKey: 'swift-repair',
  accountNo: 'A-1',
  coverage: ['310115'],
  skills: ['air-purifier'],
  currency: 'CNY',
  prices: [{ kind: 'labour', amountMinor: 6_000 }],
}

export interface Homes {
  brand: HubApi
  partnerSecret: string
  devices: { id: string; token: string }[]
}

/** One home per appliance, each with a standing consent to send somebody. */
export async function setUpHomes(
  hub: HubApi,
  { count, partnerUrl, nowMs }: { count: number; partnerUrl: string; nowMs: number },
): Promise<Homes> {
  const { secret } = await hub.post<{ secret: string }>('/api/partners', {
    key: 'swift-repair',
    name: 'Swift Repair',
    url: partnerUrl,
  })
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'acme',
    name: { en: 'Acme', 'zh-CN': '艾克米' },
  })
  const brand = hub.as(made.adminKey.key)
  await brand.post('/api/products', PRODUCT)
  await brand.post('/api/agreements', AGREEMENT)
  const consent = {
    granted: true,
    at: instant(nowMs),
    by: 'owner',
    method: 'app',
    textVersion: '1',
    textSha256: sha256Hex('text'),
  }
  const devices: Homes['devices'] = []
  for (let i = 0; i < count; i++) {
    const home = await brand.post<{ id: string }>('/api/homes', {
      region: '310115005',
      quietHours: { from: '00:00', to: '00:00' },
      externalRef: `home-${i}`,
      address: {
        province: '上海市',
        city: '上海市',
        district: '浦东新区',
        street: '示例街道',
        community: '示例花园',
        room: '101',
      },
      people: [
        {
          role: 'owner',
          name: '住户',
          channel: 'app',
          locale: 'zh-CN',
          decides: true,
          pays: true,
          contact: { number: '17000001000', kind: 'privacy' },
        },
      ],
    })
    await brand.post(`/api/homes/${home.id}/consents`, { ...consent, purpose: 'contact', dataKinds: ['telemetry'] })
    await brand.post(`/api/homes/${home.id}/consents`, {
      ...consent,
      purpose: 'share',
      dataKinds: ['address', 'contact', 'diagnosis', 'device'],
      recipients: [{ partnerKey: 'swift-repair', name: 'Swift Repair', contact: 'service@swift.example' }],
    })
    const { device, credential } = await brand.post<{ device: { id: string }; credential: { accessToken: string } }>(
      '/api/devices',
      { serial: `SN-${i}`, product: 'ap-300', home: home.id },
    )
    devices.push({ id: device.id, token: credential.accessToken })
  }
  for (const rule of [RULE, RESTLESS]) {
    await brand.post('/api/rules', rule)
    await brand.post(`/api/rules/${rule.key}/activate`, {})
  }
  return { brand, partnerSecret: secret, devices }
}
