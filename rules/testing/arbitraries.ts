import fc from 'fast-check'
import type { Aggregate, Condition, RuleDocument } from '#contracts'
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
    minutes: fc.integer({ min: 1, max: 30 }),
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

export const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition; leaf: Condition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
    tie('node').map((not) => ({ not })),
  ),
  leaf: fc.oneof({ weight: 3, arbitrary: plainLeaf }, { weight: 1, arbitrary: windowLeaf }),
})).node

const hold = fc.constantFrom(undefined, '10s', '1m', '3m', '10m')

/** A rule of any condition and holds; `latch: none` unless drawn otherwise, so that most episodes end by themselves. */
export const rule: fc.Arbitrary<RuleDocument> = fc
  .record({ when: condition, for: hold, keep: hold, latched: fc.integer({ min: 0, max: 3 }) })
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
  values: Record<string, number>
}

export const samples: fc.Arbitrary<DrawnSample[]> = fc.array(
  fc.record({
    step,
    values: fc
      .record({ filter_dp_pa: value, fan_rpm: value }, { requiredKeys: [] })
      .filter((values) => Object.keys(values).length > 0) as fc.Arbitrary<Record<string, number>>,
  }),
  { minLength: 1, maxLength: 40 },
)
