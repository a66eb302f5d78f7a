import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Condition, RuleDocument } from '#contracts'
import * as arbitrary from './testing/arbitraries.ts'
import { aRule, MINUTE, Story, T0 } from './testing/story.ts'
import { warmUpMs } from './warm-up.ts'

const HOUR = 60 * MINUTE
const mean = (value: number, over: object = {}): RuleDocument =>
  aRule({
    when: { metric: 'filter_dp_pa', op: '>', value, agg: 'mean', window: '6h', atLeast: 200 },
    for: '10m',
    latch: 'none',
    ...over,
  })
const warmed = (story: Story, minute: number) =>
  story.control(minute, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })

test('T19: another limit of a mean of six hours decides after `for`, as if it had been there from the first reading', () => {
  const story = new Story({ rules: [mean(250)], restartAlways: true })
  story.series('240x400')
  story.activate(400, mean(230), { version: 2 })
  expect(story.evaluator.warming()).toMatchObject([{ version: 2, readyAtMs: T0 + 400 * MINUTE + 10 * MINUTE }])
  story.series('240x10', 400)
  expect(story.told()).toEqual([])
  const late = warmed(story, 410)
  expect(late.filter(({ kind }) => kind === 'operator.event')).toEqual([])
  story.series('240x20', 410)
  expect(story.state()).toBe('firing')
  expect(story.told().map((line) => line.replace(/^\S+ /, ''))).toEqual(['alert.firing'])
  expect(story.view().lastValue).toBe(240)
})

test('what it is given is what the version before knew, not what it will yet hear: late readings count once', () => {
  const story = new Story({ rules: [mean(1_000, { for: '0s' })], restartAlways: true })
  story.series('100x300')
  story.activate(300, mean(900, { for: '0s' }), { version: 2 })
  // Measured among the kept ones, told while it warms.
  story.read({ at: 295.5, received: 300.5, values: { filter_dp_pa: 701 } })
  story.series('100', 301)
  warmed(story, 301)
  story.series('100', 302)
  expect(story.view().lastValue).toBeCloseTo((302 * 100 + 701) / 303, 9)
})

test('how long a version waits: for what the one before has not seen, and for its hold', () => {
  const when = (condition: Condition, over: Partial<RuleDocument> = {}): RuleDocument =>
    aRule({ when: condition, for: '1h', ...over })
  const dp = { metric: 'filter_dp_pa', op: '>', value: 250, agg: 'mean', window: '7d' } as const
  const error = { event: { metric: 'mode', equals: 'E4', count: 3, window: '1d' } } as const
  const old = when({ all: [dp, { change: { metric: 'fan_rpm', over: '2d', op: '>', value: 5 } }] })
  const waits = (next: RuleDocument): number => warmUpMs(next, old) / HOUR
  expect(warmUpMs(old) / HOUR).toBe(7 * 24 + 1)
  expect(waits(when({ ...dp, value: 200, clear: 150, atLeast: 40 }))).toBe(1)
  expect(waits(when({ any: [{ change: { metric: 'fan_rpm', over: '48h', op: '<', value: 1 } }, dp] }))).toBe(1)
  expect(waits(when({ all: [dp, error] }))).toBe(25)
  expect(waits(when({ ...dp, window: '5d' }))).toBe(5 * 24 + 1)
  expect(waits(when({ ...dp, agg: 'max' }))).toBe(7 * 24 + 1)
  expect(waits(when({ ...dp, metric: 'fan_rpm' }))).toBe(7 * 24 + 1)
  // Another component is serviced at other times: its windows begin anew at others.
  expect(waits(when(dp, { component: 'hepa-filter' }))).toBe(7 * 24 + 1)
  expect(warmUpMs(when(error), when({ event: { ...error.event, count: 2 } })) / HOUR).toBe(25)
  expect(warmUpMs(when({ event: { ...error.event, clear: 1 } }), when(error)) / HOUR).toBe(1)
})

/** One leaf that looks back, whose number shows in the view. */
const leaf = arbitrary.condition.filter(
  (condition) => ('metric' in condition && condition.agg !== undefined) || 'change' in condition,
)
const place = fc.record({ behind: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 60 })) })

test('whenever a version takes over, its windows hold what those of one that was always there hold', () => {
  fc.assert(
    fc.property(
      leaf,
      arbitrary.samples,
      fc.array(place, { minLength: 40, maxLength: 40 }),
      fc.nat(39),
      fc.boolean(),
      (when, drawn, places, at, serviced) => {
        const { for: _for, keep: _keep, ...rest } = aRule({ when, latch: 'none' })
        const next = { ...rest, when: withLimit(when, 3) } as RuleDocument
        const [edited, always] = [new Story({ rules: [rest] }), new Story({ rules: [next] })]
        const switchAt = at % drawn.length
        const metric = 'change' in when ? when.change.metric : (when as { metric: string }).metric
        let minute = 0
        drawn.forEach(({ step, values }, i) => {
          minute += step / 6
          // What was measured before the switch and comes after it is for neither: a version begins with what was told.
          const behind = i > switchAt ? 0 : places[i]!.behind / 6
          const read = { at: Math.max(0, minute - behind), received: minute + 0.01, values }
          for (const story of [edited, always]) story.read(read)
          if (serviced && i === (at >> 1) % drawn.length)
            for (const story of [edited, always])
              story.control(minute + 0.02, {
                type: 'component.reset',
                deviceId: 'dev_1',
                component: 'fan',
                atMs: T0 + minute * MINUTE,
                source: 'technician',
                caseId: null,
              })
          if (i === switchAt) {
            edited.activate(minute + 0.03, next, { version: 2 })
            warmed(edited, minute + 0.03)
            edited.restart()
          }
          // A service empties windows, and what is shown of them stands until the next reading.
          if (i > switchAt && metric in values) expect(edited.view().lastValue).toBe(always.view().lastValue)
        })
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
  )
})

function withLimit(condition: Condition, value: number): Condition {
  if ('change' in condition) return { change: { ...condition.change, value, clear: value } }
  return { ...condition, value, clear: value } as Condition
}
