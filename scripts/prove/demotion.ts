import { type AgreementDocument, EVENT_TYPE_PREFIX, type ProductDocument, type RuleDocument } from '#contracts'
import { watchPrecision } from '#models'
import { realClock, seededRandom } from '#platform'
import { DemoPartner, HubApi, HubClock, type SmallBrand, setUpSmallBrand, startWebhookServer } from '#simulators'
import { type CaseRow, listAll } from './brand-desk.ts'
import { percent, type Row } from './table.ts'
import type { TrialHub } from './trial-hub.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const STEP_MS = 2 * HOUR_MS
/** Readings of the fleet. */
const REPORTS_MS = 6 * HOUR_MS
/** Needs of one rule in one city and hour that are no storm: this is about verdicts. */
const HOMES_PER_CITY = 4
const CITIES = 60
/** Alerts a day that are told. */
const PER_DAY = 3
/** How often a finding is right: while the rule is good, and once the firmware makes it guess. */
const RIGHT = { good: 0.9, wrong: 0.05 }
/** By then it has to be in shadow. */
const VERDICTS_MAX = 30
/** Days after which nothing more is expected. */
const WRONG_DAYS_MAX = 30
const QUIET_DAYS = 3
const FALSE_DEMOTIONS_MAX = 0.01
/** Lives of rules that the statistics are counted over, and the verdicts of a long one. */
const LIVES = 2_000
const LIFE_VERDICTS = 1_000
const BAR = 0.6

const PRODUCT: ProductDocument = {
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 2_000 }],
  components: [
    {
      key: 'hepa-filter',
      kind: 'filter',
      part: 'HEPA-300',
      recovery: { when: { metric: 'filter_dp_pa', op: '<', value: 150 }, for: '1h', within: '3d', minReadings: 4 },
    },
  ],
  reporting: { mode: 'periodic', every: '6h' },
}
const RULE: RuleDocument = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤网堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
  latch: 'until-serviced',
  dispatch: 'auto',
  service: { job: 'replace-hepa', parts: [{ sku: 'HEPA-300', quantity: 1 }], skills: ['air-purifier'] },
}
const REGIONS = Array.from({ length: CITIES }, (_, i) => `${1_100 + 100 * Math.floor(i / 6) + (i % 6)}05`)
const AGREEMENT: AgreementDocument = {
  partnerKey: 'swift-repair',
  accountNo: 'A-1',
  coverage: [...new Set(REGIONS.map((region) => region.slice(0, 2)))],
  skills: ['air-purifier'],
  currency: 'CNY',
  prices: [
    { kind: 'labour', amountMinor: 6_000 },
    { kind: 'part', sku: 'HEPA-300', amountMinor: 9_900 },
  ],
}

export interface DemotionOptions {
  /** Days before the firmware makes the rule wrong. */
  days: number
  seed: number
  onProgress?: (line: string) => void
  signal?: AbortSignal
}

export interface DemotionResult {
  days: number
  /** Verdicts until then, and how many were right. */
  good: { verdicts: number; right: number }
  /** Verdicts from the day it was wrong to the one after which it was in shadow; `null` when it never was. */
  shadowAfter: number | null
  demotedEvents: number
  casesAfterwards: number
  statistics: {
    lives: number
    /** Good all their lives, and exactly as good as asked. */
    falseDemotions: { good: number; atTheBar: number }
    /** Of lives that go wrong, as above. */
    verdicts: { p50: number; p99: number; max: number }
  }
  seconds: number
  failures: string[]
}

/** Who is ill in truth, and whom the sensor calls ill. */
interface Appliance {
  id: string
  serial: string
  wear: number
  dpPa: number
}

const HEALTHY_PA = 120
const CLOGGED_PA = 262

/** A month of a rule that is right, then a firmware that makes it guess: whole hub, real orders, real verdicts. */
export async function proveDemotion(hub: TrialHub, options: DemotionOptions): Promise<DemotionResult> {
  const { days, seed, onProgress = () => undefined, signal } = options
  const startedMs = realClock.nowMs()
  const random = seededRandom(seed)
  const api = new HubApi(hub.httpUrl, hub.adminKey)
  const clock = new HubClock(api)
  const fleet = new Map<string, Appliance>()
  const verdicts: { wrongSince: boolean; right: boolean }[] = []
  let demotedEvents = 0
  let isWrong = false
  const partner = new DemoPartner({
    hubUrl: hub.httpUrl,
    random: random.fork('partner'),
    nowMs: () => clock.nowMs,
    world: {
      has: (serial) => fleet.has(serial),
      wear: (serial) => fleet.get(serial)!.wear,
      replace: (serial) => Object.assign(fleet.get(serial)!, { wear: 0, dpPa: HEALTHY_PA }),
    },
    onChange: (change) => {
      if (change.kind === 'verdict') verdicts.push({ wrongSince: isWrong, right: change.verdict === 'confirmed' })
    },
  })
  let brandSecret: string | null = null
  const brandServer = await startWebhookServer({
    secret: () => brandSecret,
    onEvent: ({ type }) => void (type === `${EVENT_TYPE_PREFIX}rule.demoted` && demotedEvents++),
  })
  try {
    const partnerUrl = (await partner.start())!
    await clock.read()
    const made = await moveIn(api, {
      nowMs: clock.nowMs,
      partnerUrl,
      homes: (days + WRONG_DAYS_MAX + QUIET_DAYS) * PER_DAY,
    })
    const { brand } = made
    const { key } = await api.post<{ key: string }>('/api/keys', {
      role: 'partner',
      partnerKey: AGREEMENT.partnerKey,
      label: 'trial',
    })
    partner.equip({ secret: made.partnerSecret, apiKey: key })
    brandSecret = (await brand.post<{ secret: string }>('/api/endpoints', { url: brandServer.url })).secret
    for (const { id, serial } of made.devices) fleet.set(serial, { id, serial, wear: 0, dpPa: HEALTHY_PA })
    const healthy = [...fleet.values()].values()

    const day = async (share: number): Promise<void> => {
      for (let i = 0; i < PER_DAY; i++) {
        const { value: next } = healthy.next()
        if (next) Object.assign(next, { wear: random.chance(share) ? 1 : 0.1, dpPa: CLOGGED_PA })
      }
      for (let passedMs = 0; passedMs < DAY_MS && !signal?.aborted; passedMs += STEP_MS) {
        await clock.stepTo(clock.nowMs + STEP_MS)
        await partner.step(clock.nowMs)
        if (passedMs % REPORTS_MS === 0) await report(brand, [...fleet.values()], clock.nowMs)
      }
    }
    const rule = (): Promise<{ status: string }> => brand.get(`/api/rules/${RULE.key}`)
    for (let d = 0; d < days; d++) {
      await day(RIGHT.good)
      if (d % 10 === 9) onProgress(`day ${d + 1}: ${verdicts.length} verdicts, ${since(startedMs)} s`)
    }
    const beforeWrong = (await rule()).status
    isWrong = true
    let shadowAfter: number | null = null
    for (let d = 0; d < WRONG_DAYS_MAX && shadowAfter === null; d++) {
      await day(RIGHT.wrong)
      const now = await scoreOf(brand)
      if (now.alarm === 'demoted')
        shadowAfter = now.afterVerdict - verdicts.filter(({ wrongSince }) => !wrongSince).length
      onProgress(
        `day ${days + d + 1}, firmware wrong: ${verdicts.filter((one) => one.wrongSince).length} verdicts since`,
      )
    }
    const status = (await rule()).status
    const casesBefore = (await listAll<CaseRow>(brand, '/api/cases')).length
    for (let d = 0; d < QUIET_DAYS; d++) await day(RIGHT.wrong)
    const casesAfterwards = (await listAll<CaseRow>(brand, '/api/cases')).length - casesBefore
    const before = verdicts.filter(({ wrongSince }) => !wrongSince)
    const statistics = lives(days * PER_DAY)
    return {
      days,
      good: { verdicts: before.length, right: before.filter(({ right }) => right).length },
      shadowAfter,
      demotedEvents,
      casesAfterwards,
      statistics,
      seconds: since(startedMs),
      failures: [
        ...(beforeWrong === 'active' ? [] : [`the rule was ${beforeWrong} while it was good`]),
        ...(shadowAfter === null ? ['it was never found out'] : []),
        ...(shadowAfter !== null && shadowAfter > VERDICTS_MAX ? [`it took ${shadowAfter} verdicts`] : []),
        ...(status === 'shadow' ? [] : [`in the end it is ${status}`]),
        ...(demotedEvents === 1 ? [] : [`rule.demoted was told ${demotedEvents} times`]),
        ...(casesAfterwards === 0 ? [] : [`${casesAfterwards} cases came of it in shadow`]),
        ...(Math.max(statistics.falseDemotions.good, statistics.falseDemotions.atTheBar) <= FALSE_DEMOTIONS_MAX
          ? []
          : ['rules that keep to the bar are demoted too often']),
        ...(statistics.verdicts.p99 <= VERDICTS_MAX
          ? []
          : [`one in a hundred takes ${statistics.verdicts.p99} verdicts`]),
      ],
    }
  } finally {
    await partner.close()
    await brandServer.close()
  }
}

const since = (ms: number): number => Math.round((realClock.nowMs() - ms) / 1_000)

function moveIn(
  api: HubApi,
  { nowMs, partnerUrl, homes }: { nowMs: number; partnerUrl: string; homes: number },
): Promise<SmallBrand> {
  return setUpSmallBrand(api, {
    nowMs,
    partnerUrl,
    product: PRODUCT,
    rules: [RULE],
    agreement: AGREEMENT,
    homes,
    regions: REGIONS.slice(0, Math.ceil(homes / HOMES_PER_CITY)),
    standingShare: true,
  })
}

async function report(brand: HubApi, fleet: readonly Appliance[], ts: number): Promise<void> {
  const lines = fleet.map(({ serial, dpPa }) => JSON.stringify({ serial, ts, values: { filter_dp_pa: dpPa } }))
  const raw = { type: 'application/x-ndjson', text: `${lines.join('\n')}\n` }
  const { refused } = await brand.post<{ refused: number }>('/api/telemetry', null, { raw })
  if (refused > 0) throw new Error(`${refused} readings were refused`)
}

/** What the hub itself says of the rule, and at which of its verdicts it fell. */
async function scoreOf(brand: HubApi): Promise<{ alarm: string | null; afterVerdict: number }> {
  const { versions } = await brand.get<{ versions: { alarm: { kind: string } | null }[] }>(
    `/api/rules/${RULE.key}/scorecard`,
  )
  const { items } = await brand.get<{ items: { action: string; detail: { afterVerdict?: number } }[] }>(
    '/api/audit?action=rule.demoted',
  )
  return { alarm: versions[0]?.alarm?.kind ?? null, afterVerdict: items[0]?.detail.afterVerdict ?? 0 }
}

/** The same course of verdicts, many lives of it, before the judge alone. */
function lives(good: number): DemotionResult['statistics'] {
  const draw = (seed: number, shares: readonly number[]): boolean[] => {
    const random = seededRandom(seed)
    return shares.map((share) => random.chance(share))
  }
  const fell = (seed: number, shares: readonly number[]) => watchPrecision(draw(seed, shares), { bar: BAR }).fellAt
  const share = (of: number): number =>
    Array.from({ length: LIVES }, (_, seed) => fell(seed, new Array(LIFE_VERDICTS).fill(of))).filter(
      (at) => at !== null,
    ).length / LIVES
  const wrong = [...new Array(good).fill(RIGHT.good), ...new Array(LIFE_VERDICTS).fill(RIGHT.wrong)]
  const found = Array.from({ length: LIVES }, (_, seed) => (fell(seed, wrong) ?? Number.POSITIVE_INFINITY) - good).sort(
    (a, b) => a - b,
  )
  return {
    lives: LIVES,
    falseDemotions: { good: share(RIGHT.good), atTheBar: share(BAR) },
    verdicts: { p50: found[Math.floor(LIVES / 2)]!, p99: found[Math.floor(LIVES * 0.99)]!, max: found.at(-1)! },
  }
}

export function demotionRows(result: DemotionResult): Row[] {
  const { good, statistics } = result
  const { falseDemotions, verdicts } = statistics
  return [
    ['days until the firmware was wrong', result.days],
    ['verdicts until then; right', good.verdicts, percent(good.right, good.verdicts)],
    ['in shadow after verdicts', result.shadowAfter ?? 'never'],
    ['rule.demoted told; cases afterwards', result.demotedEvents, result.casesAfterwards],
    [`${statistics.lives} lives: verdicts to shadow, p50 p99 max`, verdicts.p50, verdicts.p99, verdicts.max],
    ['demoted though good; though at the bar', percent(falseDemotions.good, 1), percent(falseDemotions.atTheBar, 1)],
    ['real time, s', result.seconds],
  ]
}
