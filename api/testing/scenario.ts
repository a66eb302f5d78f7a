import { newId } from '#platform'
import type { Sink } from './sink.ts'
import type { TestBrand, TestHub } from './test-hub.ts'

/** Ids of one brand's things, one of each kind, named as the paths of the API name them. */
export interface Populated {
  brand: TestBrand
  ids: {
    product: string
    home: string
    person: string
    device: string
    credential: string
    rule: string
    proposal: string
    silence: string
    window: string
    change: string
    alert: string
    case: string
    offer: string
    workOrder: string
    agreement: string
    sku: string
    notice: string
    delivery: string
    endpoint: string
    entry: string
    hold: string
    report: string
    stop: string
    import: string
    provisioningKey: string
    key: string
  }
  deviceToken: string
  offerToken: string
  jobToken: string
}

const DAY_MS = 86_400_000

export function aProduct(key = 'ap-300') {
  return {
    key,
    category: 'air-purifier',
    name: { en: 'air purifier', 'zh-CN': '空气净化器' },
    metrics: [
      { key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 2_000 },
      { key: 'fan_rpm', unit: 'rpm', type: 'number' },
    ],
    components: [
      { key: 'hepa-filter', kind: 'filter', part: 'HEPA-300', name: { en: 'HEPA filter', 'zh-CN': '滤芯' } },
    ],
    warranty: { whole: 'P365D', startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '1m' },
  }
}

export function aRule(key = 'hepa-clogged') {
  return {
    key,
    name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
    scope: { product: 'ap-300' },
    component: 'hepa-filter',
    severity: 'warning',
    when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
    dispatch: 'offer',
    service: {
      job: 'replace-hepa',
      parts: [{ sku: 'HEPA-300', quantity: 1 }],
      skills: ['air-purifier'],
      duration: 'PT30M',
      selfService: { guide: 'hepa-swap', minutes: 5 },
    },
  }
}

export function anAgreement(partnerKey: string) {
  return {
    partnerKey,
    accountNo: 'A-1',
    coverage: ['31'],
    skills: ['air-purifier'],
    prices: [
      { kind: 'inspection', amountMinor: 3_000 },
      { kind: 'part', sku: 'HEPA-300', amountMinor: 9_900 },
    ],
    sla: { accept: 'PT4H' },
  }
}

export function aConsent(purpose: string, over: Record<string, unknown> = {}) {
  return {
    purpose,
    granted: true,
    at: '2026-06-01T00:00:00.000Z',
    by: 'owner',
    method: 'app',
    textVersion: '1',
    textSha256: 'a'.repeat(64),
    dataKinds: ['telemetry'],
    ...over,
  }
}

/**
 * One brand with one of everything, made by calls and readings alone: a purifier whose filter
 * clogs, the alert, the case, the offer, its acceptance, and the order at the partner.
 * `word` stands in every text the brand may choose, so that a leak can be found by it.
 */
export async function populate(
  hub: TestHub,
  brand: TestBrand,
  { partnerKey, sink, word = brand.key }: { partnerKey: string; sink: Sink; word?: string },
): Promise<Populated> {
  const as = async (method: string, url: string, body?: unknown, key = brand.admin) => {
    const answer = await hub.call(method, url, { key, ...(body === undefined ? {} : { body }) })
    if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const product = aProduct()
  await as('POST', '/api/products', { ...product, model: `model ${word}` })
  const home = await as('POST', '/api/homes', {
    region: '310115005',
    address: { province: '上海市', city: '上海市', district: '浦东新区', street: `street ${word}`, room: '1201' },
    externalRef: `ref ${word}`,
  })
  const person = await as('POST', `/api/homes/${home.id}/people`, {
    role: 'owner',
    name: `name ${word}`,
    contact: { number: '13800000000', kind: 'privacy' },
    channel: 'wechat',
  })
  await as('POST', `/api/homes/${home.id}/consents`, aConsent('monitoring'))
  await as('POST', `/api/homes/${home.id}/consents`, aConsent('contact'))
  const past = await as('POST', '/api/imports', { kind: 'outcomes', source: `file ${word}` })
  const made = await as('POST', '/api/devices', {
    serial: `SN-${word}`.replaceAll(' ', '-'),
    product: 'ap-300',
    home: home.id,
    tags: ['pilot'],
    installedAt: '2024-01-01T00:00:00.000Z',
  })
  const device = made.device.id as string
  await as('PUT', '/api/parts/HEPA-300', {
    sku: 'HEPA-300',
    name: { en: `filter ${word}`, 'zh-CN': '滤芯' },
    genuine: true,
    leadDays: { '': 2 },
  })
  const agreement = await as('POST', '/api/agreements', { ...anAgreement(partnerKey), accountNo: `acct ${word}` })
  const { endpoint } = await as('POST', '/api/endpoints', { url: sink.url })
  await as('POST', '/api/rules', { ...aRule(), notes: `notes ${word}` })
  await as('POST', '/api/rules/hepa-clogged/activate', {})
  await as('PUT', '/api/parameters', { scope: 'device', scopeId: device, key: 'dp_limit', value: 240 })
  const { provisioningKey } = await as('POST', '/api/provisioning-keys', { product: 'ap-300' })

  const telemetry = `/api/v1/${made.credential.accessToken}/telemetry`
  for (const value of [180, 262.1]) {
    await as('POST', telemetry, { ts: hub.clock.nowMs(), values: { filter_dp_pa: value } })
    hub.clock.advance(60_000)
  }
  await as('POST', telemetry, { unknown_metric: 1, note: word })
  await hub.pass(30 * 60_000)
  await hub.recorded()

  const [alert] = (await as('GET', '/api/alerts')).items
  const [offer] = (await as('GET', '/api/offers')).items
  if (!alert || !offer) throw new Error('the filter clogged and nobody was asked')
  const offerToken = (offer.link as string).split('/').at(-1)!
  const view = await as('GET', `/home/v1/offers/${offerToken}`)
  await as('POST', `/home/v1/offers/${offerToken}/accept`, { slot: view.slots[0], shareWith: [partnerKey] })
  await hub.settled()
  const [order] = (await as('GET', '/api/work-orders')).items
  if (!order) throw new Error('the offer was accepted and nobody was sent')
  const [notice] = (await as('GET', '/api/notices')).items
  const [delivery] = (await as('GET', '/api/deliveries')).items
  const [entry] = (await as('GET', '/api/quarantine')).items
  const [key] = (await as('GET', '/api/keys')).items
  const [credential] = (await as('GET', `/api/devices/${device}/credentials`)).items
  const told = await as('POST', '/api/fault-reports', {
    device,
    reportedAt: new Date(hub.clock.nowMs()).toISOString(),
    channel: 'hotline',
    symptomCode: 'noise',
    text: `words ${word}`,
    externalRef: `ticket ${word}`,
  })
  const stop = newId('stop')
  await hub.db.asHub((tx) =>
    tx
      .insertInto('offer_stops')
      .values({
        brand_id: brand.id,
        stop_id: stop,
        home_id: home.id,
        category: 'air-purifier',
        component_kind: 'motor',
        stopped_at_ms: hub.clock.nowMs(),
      })
      .execute(),
  )
  // A storm takes more devices than a scenario has: its row alone, with nothing waiting in it.
  const hold = newId('hold')
  await hub.db.asHub((tx) =>
    tx
      .insertInto('fleet_holds')
      .values({
        brand_id: brand.id,
        hold_id: hold,
        rule_key: 'hepa-clogged',
        rule_version: 1,
        product_key: 'ap-300',
        firmware: word,
        region: '3101',
        population: 100,
        case_limit: 5,
        held_at_ms: hub.clock.nowMs(),
      })
      .execute(),
  )
  const proposal = await as('POST', '/api/rules/hepa-clogged/proposals', {})
  const quiet = await as('POST', '/api/silences', {
    scope: { product: 'ap-300', rule: 'hepa-clogged' },
    until: new Date(hub.clock.nowMs() + DAY_MS).toISOString(),
    reason: word,
  })
  await as('PUT', '/api/maintenance-windows/night', {
    scope: { region: '99' },
    zone: 'home',
    days: [1],
    from: '02:00',
    to: '03:00',
  })
  const change = await hub.db.asHub((tx) =>
    tx.selectFrom('control_changes').select('change_id').where('brand_id', '=', brand.id).executeTakeFirstOrThrow(),
  )
  return {
    brand,
    ids: {
      import: past.id,
      product: 'ap-300',
      home: home.id,
      person: person.id,
      device,
      credential: credential.id,
      rule: 'hepa-clogged',
      proposal: proposal.id,
      silence: quiet.id,
      window: 'night',
      change: change.change_id,
      alert: alert.id,
      case: offer.caseIds[0],
      offer: offer.id,
      workOrder: order.id,
      agreement: agreement.id,
      sku: 'HEPA-300',
      notice: notice.id,
      delivery: delivery.id,
      endpoint: endpoint.id,
      entry: entry.id,
      hold,
      report: told.report.id,
      stop,
      provisioningKey: provisioningKey.id,
      key: key.id,
    },
    deviceToken: made.credential.accessToken,
    offerToken,
    jobToken: (order.packet.links.job as string).split('/').at(-1)!,
  }
}
