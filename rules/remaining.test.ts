import { expect, test } from 'vitest'
import type { ControlChange, ProductDocument, RuleDocument } from '#contracts'
import { fitServiceLife, type ServiceLife } from '#models'
import { seededRandom } from '#platform'
import { parseRule } from './parse-rule.ts'
import { PartLife } from './part-life.ts'
import { partSpecOf } from './part-spec.ts'
import { aProduct, aRule, MINUTE, Story, T0 } from './testing/story.ts'

const DAY = 24 * 60
const DAY_MS = DAY * MINUTE

const product = aProduct({
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number', name: { en: 'Pressure drop', 'zh-CN': '压差' } },
    { key: 'fan_rpm', unit: 'rpm', type: 'number' },
    { key: 'hours', unit: 'h', type: 'number' },
  ],
  components: [
    {
      key: 'filter',
      kind: 'filter',
      ratedLife: { metric: 'hours', value: 1_000 },
      wear: { metric: 'filter_dp_pa', fresh: 50, worn: 250, while: [{ metric: 'fan_rpm', op: '>=', value: 1_000 }] },
    },
    { key: 'fan', kind: 'motor' },
  ],
  reporting: { mode: 'periodic', every: '6h' },
})
const due = (over: Partial<RuleDocument> = {}): RuleDocument => {
  const { for: _for, keep: _keep, ...rest } = aRule({ latch: 'none', component: 'filter' })
  return { ...rest, when: { remaining: { component: 'filter', below: '14d' } }, ...over }
}

/** Ten hours a day; the level climbs evenly to its limit over `lasts` hours; four readings a day, one at low speed. */
function readingsOf(lasts: number, days: number): { minute: number; values: Record<string, number> }[] {
  return Array.from({ length: 4 * days }, (_, quarter) => {
    const hours = 2.5 * quarter
    const low = quarter % 4 === 3
    const level = 50 + (200 * hours) / lasts + (((quarter * 7) % 5) - 2)
    return {
      minute: quarter * 6 * 60,
      values: { filter_dp_pa: low ? level / 3 : level, fan_rpm: low ? 600 : 1_300, hours },
    }
  })
}

/** Thirty filters that lasted 700 to 1,000 hours: 70 to 100 days. */
function theFleet(shift = 0): ServiceLife {
  const spec = partSpecOf(product, 'filter')!
  const { next } = seededRandom(5 + shift)
  const seen = Array.from({ length: 30 }, () => {
    const life = new PartLife(spec)
    for (const { minute, values } of readingsOf(700 + 300 * next() + shift, 240))
      life.read(T0 + minute * MINUTE, (metric) => values[metric] ?? Number.NaN, Number.NaN)
    return life.seen()
  })
  const fitted = fitServiceLife(seen, spec.path)
  if ('known' in fitted) throw new Error(fitted.reason)
  return fitted
}

const fleet = theFleet()
const fitted = (version = 1, life = fleet): ControlChange => ({
  type: 'model.fitted',
  productKey: 'ap-300',
  component: 'filter',
  kind: 'life',
  version,
  content: life as unknown as Record<string, unknown>,
})
const reset = (day: number): ControlChange => ({
  type: 'component.reset',
  deviceId: 'dev_1',
  component: 'filter',
  source: 'technician',
  atMs: T0 + day * DAY_MS,
  caseId: null,
})

interface Play {
  rules?: RuleDocument[]
  lasts?: number
  days?: number
  model?: ControlChange | null
  restartAlways?: boolean
  /** Done before the first reading of that day. */
  on?: Record<number, (story: Story, minute: number) => void>
  shuffle?: boolean
}

function play({
  rules = [due()],
  lasts = 850,
  days = 90,
  model = fitted(),
  restartAlways = false,
  on = {},
  shuffle,
}: Play) {
  const story = new Story({ product, rules, restartAlways })
  if (model) story.control(-1, model)
  const readings = readingsOf(lasts, days)
  for (const [i, { minute, values }] of readings.entries()) {
    if (i % 4 === 0) on[i / 4]?.(story, minute - 1)
    // A reading and the one before it change places now and then, within what a device may be late.
    if (shuffle && i % 4 === 2) story.read({ at: minute + 5, received: minute + 6, values })
    story.read({ at: minute, received: shuffle && i % 4 === 2 ? minute + 7 : minute, values })
  }
  return story
}

const firing = (story: Story) => story.effects.find((effect) => effect.kind === 'alert.firing')
const firedDay = (story: Story): number => {
  const effect = firing(story)
  return effect ? (effect.atMs - T0) / DAY_MS : Number.NaN
}

test('fires when nine in ten such parts still last just so long, and shows dates, version and factors', () => {
  const story = play({})
  // It is worn out on day 85.
  expect(firedDay(story)).toBeGreaterThan(60)
  expect(firedDay(story)).toBeLessThan(74)
  const [leaf] = (firing(story) as { evidence: readonly unknown[] }).evidence
  expect(leaf).toMatchObject({
    metric: 'remaining_life',
    op: '<',
    limit: 14,
    unit: 'd',
    forecast: { metric: 'filter_dp_pa', reaches: 250, unit: 'Pa', model: 'filter-life-1', outOfDistribution: false },
  })
  const { forecast } = leaf as { forecast: { p10Ms: number; p50Ms: number; p90Ms: number; factors: unknown[] } }
  expect(Math.abs(forecast.p50Ms - (T0 + 85 * DAY_MS)) / DAY_MS).toBeLessThan(8)
  expect(forecast.p10Ms).toBeLessThanOrEqual(forecast.p50Ms)
  expect(forecast.p50Ms).toBeLessThanOrEqual(forecast.p90Ms)
  expect(forecast.factors[0]).toMatchObject({ 'zh-CN': expect.stringContaining('压差为') })
})

test('a higher confidence fires earlier, the middle later', () => {
  const at = (confidence: number) =>
    firedDay(play({ rules: [due({ when: { remaining: { component: 'filter', below: '14d', confidence } } })] }))
  expect(at(0.95)).toBeLessThanOrEqual(at(0.9))
  expect(at(0.5)).toBeGreaterThan(at(0.9))
})

test('without a model nothing is known; from the night that brings one, it decides', () => {
  expect(play({ model: null }).told()).toEqual([])
  const story = play({ model: null, on: { 80: (it, minute) => void it.control(minute, fitted()) } })
  expect(firedDay(story)).toBe(80)
})

test('a newer night decides from where it stands in the log; an older one changes nothing', () => {
  const longer = theFleet(900)
  const story = play({ on: { 50: (it, minute) => void it.control(minute, fitted(2, longer)) } })
  const older = play({
    on: {
      50: (it, minute) => void it.control(minute, fitted(2, longer)),
      51: (it, minute) => void it.control(minute, fitted(1)),
    },
  })
  expect(older.told()).toEqual(story.told())
  expect(story.told()).not.toEqual(play({}).told())
})

test('the same after a restart at every record, and with readings out of order', () => {
  const days = 80
  const straight = play({ days })
  expect(play({ days, restartAlways: true }).effects).toEqual(straight.effects)
  const shuffled = play({ days, shuffle: true })
  expect(shuffled.told().filter((line) => line.includes('firing'))).toHaveLength(1)
  expect(shuffled.state()).toBe(straight.state())
})

test('a new part has a life of its own, counted from where the counter stood', () => {
  const story = play({ days: 76, on: { 75: (it, minute) => void it.control(minute, reset(75)) } })
  expect(story.state()).toBe('firing')
  const counter = 750
  for (const { minute, values } of readingsOf(850, 40))
    story.read({ at: 76 * DAY + minute, values: { ...values, hours: counter + values.hours! } })
  expect(story.told().at(-1)).toMatch(/alert.resolved/)
  expect(story.state()).toBe('inactive')
  const dues = story.told().filter((line) => line.includes('firing')).length
  expect(dues).toBe(1)
})

test('service of another component leaves the course alone', () => {
  const other = { ...reset(40), component: 'fan' } as ControlChange
  expect(firedDay(play({ on: { 40: (it, minute) => void it.control(minute, other) } }))).toBe(firedDay(play({})))
})

test('another version of the rule takes the course over: it need not watch a life anew', () => {
  const edited = due({ when: { remaining: { component: 'filter', below: '20d' } } })
  const story = play({
    on: {
      58: (it, minute) => void it.activate(minute, edited, { version: 2 }),
      59: (it, minute) => void it.control(minute, { type: 'rule.warmed', ruleKey: edited.key, version: 2 }),
    },
  })
  expect(firedDay(story)).toBeLessThan(firedDay(play({})) - 3)
})

test('a product that measures the part otherwise begins its course anew', () => {
  const changed: ProductDocument = {
    ...product,
    components: product.components!.map((it) => (it.wear ? { ...it, wear: { ...it.wear, worn: 500 } } : it)),
  }
  const due = Math.floor(firedDay(play({})))
  const story = play({
    days: due + 2,
    on: {
      [due - 3]: (it, minute) => void it.control(minute, { type: 'product.version', version: 2, product: changed }),
    },
  })
  // Four days are too few to say anything, where the old course would have been due.
  expect(story.told()).toEqual([])
})

test('what cannot be foreseen, or must not rest on a forecast alone, is refused at save', () => {
  const problems = (rule: RuleDocument): string[] => {
    try {
      parseRule(JSON.stringify(rule), product)
      return []
    } catch (error) {
      return (error as { problems: { pointer: string }[] }).problems.map(({ pointer }) => pointer)
    }
  }
  const remaining = { component: 'filter', below: '14d' }
  expect(problems(due())).toEqual([])
  expect(problems(due({ when: { remaining: { ...remaining, component: 'fan' } } }))).toEqual([
    '/when/remaining/component',
  ])
  expect(problems(due({ when: { remaining: { ...remaining, component: 'filtre' } } }))).toEqual([
    '/when/remaining/component',
  ])
  expect(problems(due({ when: { remaining: { ...remaining, below: '6h' } } }))).toEqual(['/when/remaining/below'])
  expect(problems(due({ severity: 'critical' }))).toEqual(['/severity'])
  const service = { job: 'replace-hepa' }
  expect(problems(due({ dispatch: 'auto', service }))).toEqual(['/dispatch'])
  expect(problems(due({ dispatch: 'offer', service }))).toEqual([])
  expect(problems(due({ safety: 'overheat' }))).toEqual(['/safety'])
  const measured = { metric: 'filter_dp_pa', op: '>', value: 200 } as const
  const season = { season: { from: '--05-01', to: '--06-01' } }
  expect(problems(due({ severity: 'critical', when: { all: [{ remaining }, measured] } }))).toEqual([])
  expect(problems(due({ severity: 'critical', when: { any: [{ remaining }, measured] } }))).toEqual(['/severity'])
  expect(problems(due({ severity: 'critical', when: { all: [{ remaining }, season] } }))).toEqual(['/severity'])
  expect(
    problems(due({ severity: 'critical', when: { forecast: { metric: 'filter_dp_pa', reaches: 250, within: '9d' } } })),
  ).toEqual(['/severity'])
})

test('a part of which nobody knows how much it was used before is foreseen by its level', () => {
  const story = new Story({ product, rules: [due()] })
  story.control(-1, fitted())
  // Serviced before anybody looked at the counter, which counts the appliance's life and not the part's.
  story.control(-1, { ...reset(0), atMs: T0 - 5 * MINUTE } as ControlChange)
  const rule = due({ key: 'later' })
  for (const [i, { minute, values }] of readingsOf(850, 80).entries()) {
    if (i === 160) story.activate(minute - 1, rule)
    story.read({ at: minute, values: { ...values, hours: 9_000 + values.hours! } })
  }
  const fired = story.effects.filter((effect) => effect.kind === 'alert.firing')
  expect(fired.map((effect) => 'episode' in effect && effect.episode.ruleKey).sort()).toEqual(['hepa-clogged', 'later'])
  for (const effect of fired) {
    expect((effect.atMs - T0) / DAY_MS).toBeGreaterThan(55)
    expect((effect.atMs - T0) / DAY_MS).toBeLessThan(78)
  }
})

test('a latched alert of a long-lived part ends with its service, so that the next life is watched too', () => {
  const latched = due({ latch: 'until-serviced', when: { remaining: { component: 'filter', below: '14d' } } })
  const story = play({ rules: [latched], days: 76, on: { 75: (it, minute) => void it.control(minute, reset(75)) } })
  const next = (offset: number, lasts: number, days: number) => {
    for (const { minute, values } of readingsOf(lasts, days))
      story.read({ at: offset * DAY + minute, values: { ...values, hours: 10 * offset + values.hours! } })
  }
  // Nothing is read of it for three weeks.
  next(97, 850, 80)
  expect(story.told().filter((line) => line.endsWith('serviced'))).toHaveLength(1)
  expect(story.told().filter((line) => line.includes('firing'))).toHaveLength(2)
})
