import type { JobView, OfferView, SiteAddress } from '#contracts'

const DAY_MS = 86_400_000
const NOW = '2026-11-23T02:30:00.000Z'
const nowMs = Date.parse(NOW)
const at = (ms: number) => new Date(ms).toISOString()
const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`
const SHA = '3f'.repeat(32)

/** Two weeks of a filter closing up, four readings a day. */
const series: [string, number][] = Array.from({ length: 40 }, (_, i) => [
  at(nowMs - (40 - i) * (DAY_MS / 4)),
  Math.round((214 + 48 * (i / 39) ** 1.3 + 2.2 * Math.sin(i * 1.7)) * 10) / 10,
])

const slots = Array.from({ length: 5 }, (_, day) =>
  [1, 3.5, 6].map((hour) => {
    const from = Date.parse('2026-11-25T00:00:00.000Z') + day * DAY_MS + hour * 3_600_000
    return { from: at(from), to: at(from + 2 * 3_600_000) }
  }),
).flat()

const evidence = {
  rule: 'hepa-clogged',
  ruleVersion: 1,
  metric: 'filter_dp_pa',
  name: { en: 'Filter pressure drop', 'zh-CN': '滤网压差' },
  value: 262.1,
  op: '>' as const,
  limit: 250,
  unit: 'Pa',
  since: at(nowMs - 3.2 * 3_600_000),
  series,
}

const guide = {
  guide: 'hepa-swap',
  minutes: 5,
  steps: [
    { en: 'Switch off and unplug the purifier.', 'zh-CN': '关机并拔下电源插头。' },
    { en: 'Press the latch and lift off the rear cover.', 'zh-CN': '按住卡扣，取下后盖。' },
    { en: 'Pull out the old filter and put it straight into a bag.', 'zh-CN': '抽出旧滤网，直接装入垃圾袋。' },
  ],
}

/** An offer as the hub makes it, with whatever a test wants otherwise. */
export function offerView(change: Partial<OfferView> = {}): OfferView {
  return {
    id: id('of', 1),
    state: 'offered',
    choices: ['accept', 'snooze', 'self_service', 'decline'],
    locale: 'zh-CN',
    timeZone: 'Asia/Shanghai',
    now: NOW,
    expiresAt: at(nowMs + 13 * DAY_MS),
    snoozedUntil: null,
    brand: { key: 'acme', name: { en: 'Acme Home', 'zh-CN': '优家电器' } },
    urgency: 'warning',
    safety: null,
    revision: 1,
    apart: [],
    stopped: false,
    needs: [
      {
        caseId: id('case', 1),
        device: {
          category: 'air-purifier',
          name: { en: 'Air purifier AP-300', 'zh-CN': '空气净化器 AP-300' },
          serial: 'AP-0001',
        },
        component: { key: 'hepa-filter', name: { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' } },
        cause: {
          en: 'The HEPA filter is full of dust, so the fan pulls hard and less clean air comes out',
          'zh-CN': 'HEPA 滤网积尘已满，风机吃力、出风变小',
        },
        job: {
          code: 'replace-hepa',
          title: { en: 'Replace the HEPA filter', 'zh-CN': '更换 HEPA 滤网' },
          duration: 'PT30M',
        },
        evidence: [
          evidence,
          {
            ...evidence,
            metric: 'fan_rpm',
            name: { en: 'Fan speed', 'zh-CN': '风机转速' },
            value: 1351,
            op: '>=' as const,
            limit: 1100,
            unit: 'rpm',
            series: [],
          },
        ],
        selfService: guide,
      },
    ],
    charge: {
      currency: 'CNY',
      payer: 'homeowner',
      coverage: 'out_of_warranty',
      lines: [
        { kind: 'inspection', amountMinor: 3_000 },
        {
          kind: 'part',
          sku: 'HEPA-300',
          name: { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' },
          quantity: 1,
          amountMinor: 19_900,
        },
        { kind: 'labour', amountMinor: 5_000 },
      ],
      totalMinor: 27_900,
      collectedBy: 'partner',
      quoteVersion: 1,
    },
    slots,
    partners: [
      {
        key: 'swift-repair',
        name: { en: 'Swift Repair', 'zh-CN': '快修到家' },
        shares: ['address', 'contact', 'diagnosis', 'device'],
      },
    ],
    consentText: {
      version: '2026-01',
      sha256: SHA,
      text: {
        en: 'I agree that the address, contact, appliance data and diagnosis needed for this visit are given to the service partner I choose, for this visit only.',
        'zh-CN': '同意将本次服务所需的地址、联系方式、设备信息与诊断结果提供给所选服务商，仅用于本次上门服务。',
      },
    },
    quote: null,
    progress: null,
    ...change,
  }
}

/** The same offer accepted, as far as `stage`. */
export function acceptedView(
  stage: NonNullable<OfferView['progress']>['stage'] = 'under_way',
  change: Partial<NonNullable<OfferView['progress']>> = {},
): OfferView {
  const stages = ['received', 'taken', 'under_way', 'done', 'followed_up'] as const
  return offerView({
    state: stage === 'followed_up' ? 'closed' : 'accepted',
    choices: stage === 'received' || stage === 'taken' ? ['reschedule', 'cancel'] : [],
    progress: {
      stage,
      reached: stages
        .slice(0, stages.indexOf(stage) + 1)
        .map((reached, i) => ({ stage: reached, at: at(nowMs + i * 3_600_000) })),
      workOrder: 'BH-2026-000123',
      visit: 1,
      waitingFor: null,
      requested: slots[0]!,
      appointment: slots[0]!,
      technician: { ref: 'T-17', name: '师傅 17 号', rating: 4.9 },
      result: null,
      results: [],
      overcharge: null,
      rating: null,
      ...change,
    },
  })
}

/** A job as the technician gets it. */
export function jobView(change: Partial<JobView> = {}): JobView {
  return {
    workOrder: {
      id: id('wo', 1),
      number: 'BH-2026-000123',
      createdAt: at(nowMs - 600_000),
      priority: 'normal',
      reworkOf: null,
      window: { notBefore: slots[0]!.from, dueBy: slots.at(-1)!.to, slots: slots.slice(0, 6) },
      sla: {
        acceptBy: at(nowMs + 2 * 3_600_000),
        bookBy: at(nowMs + DAY_MS),
        arriveBy: slots[0]!.to,
        finishBy: slots.at(-1)!.to,
      },
      requirements: { skills: ['air-purifier'], certifications: [], genuineParts: true },
      charge: offerView().charge,
    },
    brand: { key: 'acme', name: { en: 'Acme Home', 'zh-CN': '优家电器' }, accountNo: 'A-100' },
    items: [
      {
        id: id('it', 1),
        caseId: id('case', 1),
        device: {
          id: id('dev', 1),
          category: 'air-purifier',
          product: 'ap-300',
          productName: { en: 'Air purifier AP-300', 'zh-CN': '空气净化器 AP-300' },
          model: 'AP-300',
          serial: 'AP-0001',
          firmware: '1.4.2',
          installedAt: at(nowMs - 400 * DAY_MS),
          history: [
            {
              at: at(nowMs - 200 * DAY_MS),
              component: 'hepa-filter',
              verdict: 'confirmed',
              parts: ['HEPA-300'],
              verified: 'verified',
            },
          ],
        },
        job: {
          code: 'replace-hepa',
          title: { en: 'Replace the HEPA filter', 'zh-CN': '更换 HEPA 滤网' },
          kind: 'replace_part',
          duration: 'PT30M',
          parts: [{ sku: 'HEPA-300', quantity: 1, needChance: 0.97 }],
          tools: [{ en: 'Soft brush and vacuum cleaner', 'zh-CN': '软毛刷、吸尘器' }],
          steps: [
            { en: 'Switch off and unplug; open the rear cover.', 'zh-CN': '关机并拔下电源，打开后盖。' },
            {
              en: 'Take out the old filter without shaking it and seal it in the bag.',
              'zh-CN': '平稳取出旧滤网，勿拍打，放入密封袋。',
            },
            {
              en: 'Unwrap the new filter, arrow towards the fan, close the cover.',
              'zh-CN': '拆开新滤网包装，箭头朝向风机，装好后盖。',
            },
          ],
          safety: [{ en: 'Mains appliance: unplug before opening.', 'zh-CN': '带电设备：开盖前务必断电。' }],
        },
        diagnosis: {
          component: 'hepa-filter',
          componentName: { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' },
          cause: { code: 'clogged', text: offerView().needs[0]!.cause },
          confidence: 0.86,
          alternatives: [],
          faultCodes: [],
          remoteActions: [],
          evidence: [evidence],
          dataAgeSeconds: 2_500,
        },
      },
    ],
    site: { district: '310115', street: '310115005' },
    locale: 'zh-CN',
    timeZone: 'Asia/Shanghai',
    now: NOW,
    status: null,
    visit: 1,
    quote: null,
    appointment: null,
    allowed: [
      'accepted',
      'rejected',
      'appointed',
      'dispatched',
      'en_route',
      'arrived',
      'completed',
      'failed',
      'cancelled',
    ],
    doubted: [],
    siteOpen: false,
    events: [],
    ...change,
  }
}

export const siteAddress: SiteAddress = {
  province: '上海市',
  city: '上海市',
  district: '浦东新区',
  street: '花木街道',
  community: '示例小区',
  building: '8 号楼',
  unit: '2 单元',
  floor: '11 层',
  room: '1102',
  accessNotes: '门岗登记',
  contact: { name: '住户', number: '17000000000', kind: 'privacy', extension: '0042', locale: 'zh-CN' },
  consent: { id: id('cons', 1), recipient: 'swift-repair', grantedAt: NOW },
}

const washer = {
  category: 'washing-machine',
  name: { en: 'Washing machine WM-9', 'zh-CN': '滚筒洗衣机 WM-9' },
  serial: 'WM-0042',
}

/** Two appliances of one home in one offer. */
export function twoNeeds(): OfferView {
  const one = offerView()
  return offerView({
    choices: ['accept', 'snooze', 'self_service', 'decline', 'stop'],
    revision: 3,
    needs: [
      one.needs[0]!,
      {
        caseId: id('case', 2),
        device: washer,
        component: { key: 'inlet-filter', name: { en: 'Inlet filter', 'zh-CN': '进水滤网' } },
        cause: { en: 'Water comes in more slowly every week', 'zh-CN': '进水越来越慢' },
        job: {
          code: 'clean-inlet',
          title: { en: 'Clean the inlet filter', 'zh-CN': '清洗进水滤网' },
          duration: 'PT20M',
        },
        evidence: [
          {
            ...evidence,
            metric: 'fill_l_min',
            name: { en: 'Filling speed', 'zh-CN': '进水速度' },
            value: 3.4,
            op: '<',
            limit: 4,
            unit: 'L/min',
            series: series.map(([when, value]): [string, number] => [when, Math.round((8.4 - value / 52) * 100) / 100]),
          },
        ],
        selfService: null,
      },
    ],
    charge: {
      ...one.charge,
      lines: [
        ...one.charge.lines,
        { kind: 'labour', name: { en: 'Inlet filter', 'zh-CN': '进水滤网' }, amountMinor: 6_000 },
      ],
      totalMinor: 33_900,
    },
  })
}

/** The job of both. */
export function twoItems(): JobView {
  const one = jobView()
  const [first] = one.items as [JobView['items'][number]]
  const need = twoNeeds().needs[1]!
  return jobView({
    workOrder: { ...one.workOrder, charge: twoNeeds().charge },
    items: [
      first,
      {
        id: id('it', 2),
        caseId: need.caseId,
        device: {
          ...first.device,
          id: id('dev', 2),
          category: washer.category,
          product: 'wm-9',
          productName: washer.name,
          model: 'WM-9',
          serial: washer.serial,
          history: [],
        },
        job: {
          ...first.job,
          ...need.job,
          kind: 'clean',
          parts: [],
          tools: [],
          safety: [{ en: 'Close the tap first.', 'zh-CN': '先关闭水龙头。' }],
        },
        diagnosis: {
          ...first.diagnosis,
          component: 'inlet-filter',
          cause: { code: 'clogged', text: need.cause },
          confidence: 0.71,
          evidence: need.evidence,
          alternatives: [{ code: 'low_pressure', text: { en: 'Low water pressure', 'zh-CN': '水压低' } }],
          faultCodes: [{ code: 'E12', at: at(nowMs - DAY_MS) }],
          forecast: {
            metric: 'fill_l_min',
            reaches: 3,
            p10: at(nowMs + 4 * DAY_MS),
            p50: at(nowMs + 9 * DAY_MS),
            p90: at(nowMs + 20 * DAY_MS),
            model: 'trend-1',
          },
        },
      },
    ],
  })
}
