import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { LevelTracker } from './level-tracker.ts'
import { lifeFactors } from './life-factors.ts'
import {
  daysOutlasted,
  fitServiceLife,
  LIVES_LEAST,
  type LifeDay,
  remainingDays,
  type SeenLife,
  type ServiceLife,
} from './service-life.ts'
import type { WearPath } from './wear-path.ts'

const PATH: WearPath = { start: 50, limit: 250, growth: 'linear' }

/** A filter that fills by hours of running: households differ in hours a day, filters in hours they last. */
function life(random: () => number, { noise = 6, until = 1 } = {}): SeenLife {
  const lasts = 2_000 * Math.exp(0.15 * (random() + random() + random() - 1.5) * 2)
  const perDay = 6 + 6 * random()
  const tracker = new LevelTracker({ fast: 40, slow: 200 })
  const points: LifeDay[] = []
  let use = 0
  let day = 20_000
  for (; use < lasts * until; day++) {
    use += perDay * (0.7 + 0.6 * random())
    tracker.update(use, 50 + 200 * (use / lasts) ** 1.5 + noise * (random() - 0.5))
    points.push({ ...tracker.read()!, day, pace: perDay })
  }
  return { points, end: until < 1 ? null : { day, use } }
}

function lives(seed: number, count: number, options?: { until: number }): SeenLife[] {
  const { next } = seededRandom(seed)
  return Array.from({ length: count }, () => life(next, options))
}

function fitted(seen: readonly SeenLife[]): ServiceLife {
  const model = fitServiceLife(seen, PATH)
  if ('known' in model) throw new Error(model.reason)
  return model
}

test('on lives it has not seen it is near in days, and its intervals hold as often as they say', () => {
  const model = fitted(lives(1, 60))
  let [inside90, inside80, outlasted, all, off] = [0, 0, 0, 0, 0]
  for (const { points, end } of lives(2, 60))
    for (let i = 20; i < points.length; i += 10) {
      const said = remainingDays(model, points[i]!, { days: i + 1, span: points[i]!.use - points[0]!.use })
      if (!said.known) throw new Error(said.reason)
      const truth = end!.day - points[i]!.day
      all++
      off += Math.abs(said.p50 - truth)
      if (said.p05 <= truth && truth <= said.p95) inside90++
      if (said.p10 <= truth && truth <= said.p90) inside80++
      if (truth >= daysOutlasted(said, 0.9)) outlasted++
    }
  expect(inside90 / all).toBeGreaterThan(0.84)
  expect(inside80 / all).toBeGreaterThan(0.74)
  expect(inside80 / all).toBeLessThan(0.92)
  expect(outlasted / all).toBeGreaterThan(0.84)
  expect(off / all).toBeLessThan(0.08 * model.typicalDays)
})

test('what it says of itself is measured on lives kept out, and is better than going by age', () => {
  const { heldOut, lives: count, censored } = fitted([...lives(3, 50), ...lives(4, 20, { until: 0.6 })])
  expect({ count, censored }).toEqual({ count: 50, censored: 20 })
  expect(heldOut.lives).toBe(50)
  expect(heldOut.maeDays).toBeLessThan(heldOut.ageAloneMaeDays)
  expect(heldOut.coverage90).toBeGreaterThan(0.8)
  expect(heldOut.coverage90).toBeLessThanOrEqual(1)
})

test('with fewer lives than an interval needs it says nothing, and nothing of what has hardly begun', () => {
  expect(fitServiceLife(lives(5, LIVES_LEAST - 1), PATH)).toEqual({ known: false, reason: 'no-fleet' })
  expect(fitServiceLife([...lives(5, 5), ...lives(6, 40, { until: 0.5 })], PATH)).toEqual({
    known: false,
    reason: 'no-fleet',
  })
  const model = fitted(lives(7, 20))
  const { points } = lives(8, 1)[0]!
  expect(remainingDays(model, points[3]!, { days: 4, span: 30 })).toEqual({ known: false, reason: 'too-few-points' })
  // Of a part of unknown age a few days say nothing; one that was just put in is new.
  const unknownAge = { ...points[9]!, use: Number.NaN }
  expect(remainingDays(model, unknownAge, { days: 9, span: 1 })).toEqual({ known: false, reason: 'too-short-span' })
  const young = remainingDays(model, points[5]!, { days: 6, span: 20 })
  expect(young.known && young.p50 / model.typicalDays).toBeGreaterThan(0.7)
  expect(remainingDays(model, { ...points[40]!, pace: 0 }, { days: 40, span: 300 })).toEqual({
    known: false,
    reason: 'no-use',
  })
})

test('a part that outlives all others gets no end', () => {
  const model = fitted(lives(9, 30))
  const said = remainingDays(model, { day: 1, use: 9_000, level: 60, slope: 0, pace: 8 }, { days: 900, span: 9_000 })
  expect(said).toEqual({ known: false, reason: 'beyond-horizon' })
})

test('the model survives JSON, and a log record holds it', () => {
  const model = fitted(lives(10, 60))
  const text = JSON.stringify(model)
  expect(JSON.parse(text)).toEqual(model)
  expect(text.length).toBeLessThan(16_000)
})

test('the factors are sentences in both languages, with the numbers a technician can check', () => {
  const model = fitted(lives(11, 30))
  const at = { day: 20_100, use: 1_400, level: 170, slope: 0.1, pace: 9 }
  const said = remainingDays(model, at, { days: 100, span: 1_300 })
  if (!said.known) throw new Error(said.reason)
  const factors = lifeFactors(model, at, said, {
    metric: { en: 'Filter pressure drop', 'zh-CN': '滤网压差' },
    unit: 'Pa',
    counterUnit: 'h',
    path: PATH,
    levelIsUse: false,
  })
  expect(factors[0]).toEqual({
    en: 'Filter pressure drop is 170 Pa: 60 % of the way from new (50 Pa) to worn out (250 Pa)',
    'zh-CN': '滤网压差为170 Pa，从全新（50 Pa）到应更换（250 Pa）已走过60%',
  })
  expect(factors[1]!.en).toBe('1400 h of use since it was put in, lately 9 h a day')
  expect(factors.at(-1)!.en).toContain('30 such parts seen to their end')
  for (const text of factors) expect(`${text.en}${text['zh-CN']}`).not.toMatch(/NaN|Infinity|undefined/)
})

test('whatever it is fed, it answers with numbers or a reason', () => {
  const number = fc.oneof(fc.double(), fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300))
  const point = fc.record({ day: number, use: number, level: number, slope: number, pace: number })
  const seen = fc.record({
    points: fc.array(point, { maxLength: 6 }),
    end: fc.option(fc.record({ day: number, use: number })),
  })
  const model = fitted(lives(12, 15))
  fc.assert(
    fc.property(fc.array(seen, { maxLength: 14 }), point, number, number, (histories, at, days, span) => {
      const own = fitServiceLife(histories, PATH)
      for (const it of 'known' in own ? [model] : [model, own]) {
        const said = remainingDays(it, at, { days, span })
        if (!said.known) continue
        for (const value of [said.p05, said.p10, said.p50, said.p90, said.p95]) expect(value).toSatisfy(Number.isFinite)
        expect(daysOutlasted(said, 0.9)).toSatisfy(Number.isFinite)
      }
    }),
    { numRuns: 300 },
  )
})
