import fc from 'fast-check'
import type { Aggregate, Condition, ReadingValue, RuleDocument } from '#contracts'
import { aRule } from './story.ts'

const METRICS = ['filter_dp_pa', 'fan_rpm'] as const

/** Whole numbers near the limits, so that every side of every band is met. */
export const value = fc.integer({ min: 0, max: 10 })

const comparison = fc.record({
  metric: fc.constantFrom(...METRICS),
  op: fc.constantFrom('>', '>=', '<', '<=') as fc.Arbitrary<'>' | '>=' | '<' | '<='>,
  limit: fc.integer({ min: 2, max: 8 }),
  band: fc.integer({ min: 0, max: 3 }),
})

const plainLeaf: fc.Arbitrary<Condition> = comparison.map(({ metric, op, limit, band }) => ({
  metric,
  op,
  value: limit,
  ...(band > 0 ? { clear: op.startsWith('>') ? limit - band : limit + band } : {}),
}))

const windowLeaf: fc.Arbitrary<Condition> = fc
  .record({
    leaf: comparison,
    agg: fc.constantFrom<Aggregate>('last', 'mean', 'min', 'max', 'sum', 'count', 'stddev'),
    // Readings are 10 s apart at least: a longer window would share its 64 slots.
    minutes: fc.integer({ min: 1, max: 10 }),
    atLeast: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ leaf, agg, minutes, atLeast }) => ({
    metric: leaf.metric,
    op: leaf.op,
    // No standard deviation of whole numbers is exactly this: rounding may not decide.
    value: agg === 'stddev' ? leaf.limit + 0.123 : leaf.limit,
    agg,
    window: `${minutes}m`,
    atLeast: agg === 'stddev' ? Math.max(2, atLeast) : atLeast,
  }))

const clearOf = (op: string, limit: number, band: number) =>
  band > 0 ? { clear: op.startsWith('>') ? limit - band : limit + band } : {}

const changeLeaf: fc.Arbitrary<Condition> = fc
  .record({ leaf: comparison, limit: fc.integer({ min: -4, max: 4 }), minutes: fc.integer({ min: 1, max: 10 }) })
  .map(({ leaf: { metric, op, band }, limit, minutes }) => ({
    change: { metric, over: `${minutes}m`, op, value: limit, ...clearOf(op, limit, band) },
  }))

const usageLeaf: fc.Arbitrary<Condition> = fc
  .record({
    leaf: comparison,
    limit: fc.integer({ min: 5, max: 80 }),
    sinceService: fc.boolean(),
    // No growth of whole numbers is exactly this: rounding may not decide.
    perDayMax: fc.constantFrom(undefined, undefined, 50.123, 1000.7),
  })
  .map(({ leaf: { metric, op, band }, limit, sinceService, perDayMax }) => ({
    usage: {
      metric,
      op,
      value: limit,
      ...clearOf(op, limit, band),
      sinceService,
      ...(perDayMax === undefined ? {} : { perDayMax }),
    },
  }))

const eventLeaf: fc.Arbitrary<Condition> = fc
  .record({
    what: fc.constantFrom({ metric: 'mode', equals: 'E4' }, { metric: 'door_open', equals: true }),
    count: fc.integer({ min: 1, max: 4 }),
    fewer: fc.integer({ min: 0, max: 3 }),
    minutes: fc.integer({ min: 1, max: 20 }),
    each: fc.constantFrom<undefined | 'change' | 'report'>(undefined, 'change', 'report'),
  })
  .map(({ what, count, fewer, minutes, each }) => ({
    event: {
      ...what,
      count,
      window: `${minutes}m`,
      ...(fewer > 0 ? { clear: Math.max(1, count - fewer) } : {}),
      ...(each ? { each } : {}),
    },
  }))

/** Of a device installed a day before the readings, give or take minutes. */
const ageLeaf: fc.Arbitrary<Condition> = fc
  .record({ op: fc.constantFrom<'>' | '<'>('>', '<'), value: fc.constantFrom(1, 1, 30), sinceService: fc.boolean() })
  .map((age) => ({ age }))

/** Seasons that begin or end at the first midnight in Shanghai after 1 January 2026, or not at all. */
const seasonLeaf: fc.Arbitrary<Condition> = fc
  .constantFrom(['--01-01', '--01-01'], ['--01-02', '--02-01'], ['--12-01', '--01-01'], ['--03-01', '--05-01'])
  .map(([from, to]) => ({ season: { from: from!, to: to! } }))

const trees = (leaves: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> =>
  fc.letrec<{ node: Condition; leaf: Condition }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie('leaf'),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
      tie('node').map((not) => ({ not })),
    ),
    leaf: leaves,
  })).node

/** Without a calendar: whatever time it is, the same readings mean the same. */
const timelessLeaf = fc.oneof(
  { weight: 3, arbitrary: plainLeaf },
  { weight: 1, arbitrary: windowLeaf },
  { weight: 1, arbitrary: changeLeaf },
  { weight: 1, arbitrary: usageLeaf },
  { weight: 1, arbitrary: eventLeaf },
)
const timelessCondition = trees(timelessLeaf)
export const condition = trees(
  fc.oneof(
    { weight: 7, arbitrary: timelessLeaf },
    { weight: 1, arbitrary: ageLeaf },
    { weight: 1, arbitrary: seasonLeaf },
  ),
)

/** Conditions that ask a model, or whether anything comes at all: of hours and days. */
const modelLeaf: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .record({ metric: fc.constantFrom(...METRICS), score: fc.constantFrom(0.3, 0.5, 0.8) })
    .map(({ metric, score }) => ({ anomaly: { metric, against: 'self' as const, score } })),
  fc
    .record({
      metric: fc.constantFrom(...METRICS),
      reaches: fc.integer({ min: 6, max: 12 }),
      days: fc.integer({ min: 5, max: 60 }),
    })
    .map(({ metric, reaches, days }) => ({ forecast: { metric, reaches, within: `${days}d`, confidence: 0.5 } })),
  fc
    .record({ metric: fc.constantFrom(undefined, ...METRICS), hours: fc.integer({ min: 2, max: 12 }) })
    .map(({ metric, hours }) => ({ noData: { ...(metric ? { metric } : {}), for: `${hours}h` } })),
)

const hold = fc.constantFrom(undefined, '10s', '1m', '3m', '10m')

/** A rule of any condition and holds; `latch: none` unless drawn otherwise, so that most episodes end by themselves. */
const rulesOf = (conditions: fc.Arbitrary<Condition>): fc.Arbitrary<RuleDocument> =>
  fc
    .record({ when: conditions, for: hold, keep: hold, latched: fc.integer({ min: 0, max: 3 }) })
    .map(({ when, for: held, keep, latched }) => {
      const { for: _for, keep: _keep, ...rest } = aRule()
      return {
        ...rest,
        when,
        latch: latched === 0 ? ('until-serviced' as const) : ('none' as const),
        ...(held ? { for: held } : {}),
        ...(keep ? { keep } : {}),
      }
    })

export const rule = rulesOf(condition)
export const timelessRule = rulesOf(timelessCondition)
export const modelRule = rulesOf(
  trees(fc.oneof({ weight: 3, arbitrary: modelLeaf }, { weight: 1, arbitrary: plainLeaf })),
)

/** A rule with further severities of one comparison. */
export const leveledRule: fc.Arbitrary<RuleDocument> = fc
  .record({
    base: rule,
    limit: fc.integer({ min: 2, max: 4 }),
    band: fc.integer({ min: 0, max: 2 }),
    third: fc.boolean(),
  })
  .map(({ base: { severity: _severity, ...base }, limit, band, third }) => {
    const level = (value: number) => ({ value, ...(band > 0 ? { clear: value - band } : {}) })
    return {
      ...base,
      when: { metric: 'filter_dp_pa', op: '>' as const, ...level(limit) },
      levels: [
        { severity: 'info' as const, ...level(limit) },
        { severity: 'warning' as const, ...level(limit + 2) },
        ...(third ? [{ severity: 'critical' as const, ...level(limit + 4) }] : []),
      ],
    }
  })

/** Steps between readings in units of 10 s: mostly a minute, sometimes a gap that truth does not outlast. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant(6) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 18, max: 60 }) },
)

export interface DrawnSample {
  step: number
  values: Record<string, ReadingValue>
}

/** Values of one message: some metrics, not all, and now and then text. */
export const values = fc
  .record(
    {
      filter_dp_pa: value,
      fan_rpm: value,
      door_open: fc.boolean(),
      mode: fc.constantFrom('E4', 'E4', 'ok'),
    },
    { requiredKeys: [] },
  )
  .filter((drawn) => Object.keys(drawn).length > 0) as fc.Arbitrary<Record<string, ReadingValue>>

export const samples: fc.Arbitrary<DrawnSample[]> = fc.array(
  fc.record({
    step,
    values,
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
)
