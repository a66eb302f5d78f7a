import { type AgreementDocument, instant, type ProductDocument, type RuleDocument } from '#contracts'
import { sha256Hex } from '#platform'
import type { HubApi } from './hub-api.ts'

export interface SmallBrandOptions {
  nowMs: number
  /** Where the one partner takes its orders. */
  partnerUrl: string
  product: ProductDocument
  rules: readonly RuleDocument[]
  agreement: AgreementDocument
  /** One appliance each. */
  homes: number
  /** Where the homes stand, by turns; one street when absent. */
  regions?: readonly string[]
  /** A standing consent to send somebody without asking again. */
  standingShare: boolean
}

export interface SmallBrand {
  brand: HubApi
  partnerSecret: string
  devices: { id: string; serial: string; token: string }[]
  homeIds: string[]
}

const ADDRESS = {
  province: '上海市',
  city: '上海市',
  district: '浦东新区',
  street: '示例街道',
  community: '示例花园',
  room: '101',
}
const PERSON = {
  role: 'owner',
  name: '住户',
  channel: 'app',
  locale: 'zh-CN',
  decides: true,
  pays: true,
  contact: { number: '17000001000', kind: 'privacy' },
}

/** The least that makes a reading able to become a work order, made over HTTP as an operator and a brand would. */
export async function setUpSmallBrand(hub: HubApi, options: SmallBrandOptions): Promise<SmallBrand> {
  const { agreement, product, rules } = options
  const { secret } = await hub.post<{ secret: string }>('/api/partners', {
    key: agreement.partnerKey,
    name: 'Swift Repair',
    url: options.partnerUrl,
  })
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'acme',
    name: { en: 'Acme', 'zh-CN': '艾克米' },
  })
  const brand = hub.as(made.adminKey.key)
  await brand.post('/api/products', product)
  await brand.post('/api/agreements', agreement)
  const devices: SmallBrand['devices'] = []
  const homeIds: string[] = []
  for (let i = 0; i < options.homes; i++) {
    const homeId = await addHome(brand, i, options)
    const serial = `SN-${i}`
    const { device, credential } = await brand.post<{ device: { id: string }; credential: { accessToken: string } }>(
      '/api/devices',
      { serial, product: product.key, home: homeId },
    )
    homeIds.push(homeId)
    devices.push({ id: device.id, serial, token: credential.accessToken })
  }
  for (const rule of rules) {
    await brand.post('/api/rules', rule)
    await brand.post(`/api/rules/${rule.key}/activate`, {})
  }
  return { brand, partnerSecret: secret, devices, homeIds }
}

async function addHome(brand: HubApi, index: number, options: SmallBrandOptions): Promise<string> {
  const { regions = ['310115005'] } = options
  const home = await brand.post<{ id: string }>('/api/homes', {
    timeZone: 'Asia/Shanghai',
    region: regions[index % regions.length],
    // Whoever tries something at night must not wait for the morning.
    quietHours: { from: '00:00', to: '00:00' },
    externalRef: `home-${index}`,
    address: ADDRESS,
    people: [PERSON],
  })
  const consent = {
    granted: true,
    at: instant(options.nowMs),
    by: 'owner',
    method: 'app',
    textVersion: '1',
    textSha256: sha256Hex('text'),
    dataKinds: ['telemetry'],
  }
  for (const purpose of ['monitoring', 'contact'])
    await brand.post(`/api/homes/${home.id}/consents`, { ...consent, purpose })
  if (options.standingShare)
    await brand.post(`/api/homes/${home.id}/consents`, {
      ...consent,
      purpose: 'share',
      dataKinds: ['address', 'contact', 'diagnosis', 'device'],
      recipients: [
        { partnerKey: options.agreement.partnerKey, name: 'Swift Repair', contact: 'service@swift.example' },
      ],
    })
  return home.id
}
