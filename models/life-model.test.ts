import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import type { LifeUnit } from './fleet-curve.ts'
import { LevelTracker } from './level-tracker.ts'
import { fitLifeModel, type LifeModelOptions, remainingUse } from './life-model.ts'

const OPTIONS: LifeModelOptions = {
  path: { start: 10, limit: 250, growth: 'geometric', floor: 5 },
  bandwidth: 0.05,
  doubt: 4,
  pointsLeast: 10,
  spanLeast: 0.05,
}
const TRACKER = { fast: 2, slow: 10 }

/** A filter whose pressure doubles several times over its life, with noise, read daily. */
function filter(
  random: () => number,
  { life, load = 1, until = life }: { life: number; load?: number; until?: number },
): LifeUnit {
  const tracker = new LevelTracker(TRACKER)
  const points = []
  for (let day = 0; day <= until; day += 1) {
    tracker.update(day, 10 * 25 ** (day / life) * (1 + 0.05 * (random() - 0.5)))
    points.push(tracker.read()!)
  }
  return { points, endUse: until < life ? null : life, covariates: [load] }
}

function fleet(seed: number, units = 40): LifeUnit[] {
  const { next } = seededRandom(seed)
  return Array.from({ length: units }, () =>
    filter(next, { life: 150 * Math.exp(0.2 * (next() + next() + next() - 1.5)) }),
  )
}

const courseOf = (unit: LifeUnit, at: number) => ({
  at: unit.points[at]!,
  covariates: unit.covariates,
  count: at + 1,
  span: unit.points[at]!.use,
})

test('on lives it has not seen it is near, and its 90 % interval holds about nine times in ten', () => {
  const model = fitLifeModel(fleet(1), OPTIONS)
  if ('known' in model) throw new Error(model.reason)
  let inside = 0
  let all = 0
  let off = 0
  for (const unit of fleet(2, 60))
    for (let day = 20; day < unit.endUse!; day += 5) {
      const said = remainingUse(model, courseOf(unit, day))
      if (!said.known) throw new Error(said.reason)
      const truth = unit.endUse! - day
      all += 1
      off += Math.abs(said.p50 - truth) / unit.endUse!
      if (said.p05 <= truth && truth <= said.p95) inside += 1
      expect(said.p05 <= said.p10 && said.p10 <= said.p50 && said.p50 <= said.p90 && said.p90 <= said.p95).toBe(true)
    }
  expect(inside / all).toBeGreaterThan(0.85)
  expect(inside / all).toBeLessThan(0.97)
  expect(off / all).toBeLessThan(0.05)
})

test('filters still in use say that life is longer than the failed ones alone suggest', () => {
  const { next } = seededRandom(7)
  const failed = Array.from({ length: 12 }, () => filter(next, { life: 100 + 20 * next() }))
  const working = Array.from({ length: 12 }, () => filter(next, { life: 170 + 20 * next(), until: 120 }))
  const young = courseOf(filter(next, { life: 150 }), 10)
  const saidOf = (units: LifeUnit[]) => {
    const model = fitLifeModel(units, OPTIONS)
    if ('known' in model) throw new Error(model.reason)
    const said = remainingUse(model, young)
    return said.known ? said.p50 : Number.NaN
  }
  expect(saidOf([...failed, ...working])).toBeGreaterThan(saidOf(failed))
})

test('an unseen load is flagged and widens the interval', () => {
  const model = fitLifeModel(fleet(3), OPTIONS)
  if ('known' in model) throw new Error(model.reason)
  const unit = filter(seededRandom(4).next, { life: 150 })
  const said = [1, 2].map((load) => remainingUse(model, { ...courseOf(unit, 60), covariates: [load] }))
  const width = (k: number) =>
    said[k]!.known ? (said[k] as { p95: number }).p95 - (said[k] as { p05: number }).p05 : Number.NaN
  expect(said.map((one) => one.known && one.outOfDistribution)).toEqual([false, true])
  expect(width(1)).toBeGreaterThan(width(0) * 1.5)
})

test('a part that does not age is given no end once it outlives the fleet', () => {
  const model = fitLifeModel(fleet(5), OPTIONS)
  if ('known' in model) throw new Error(model.reason)
  const at = { use: 400, level: 12, slope: 0 }
  expect(remainingUse(model, { at, covariates: [1], count: 400, span: 400 })).toEqual({
    known: false,
    reason: 'beyond-horizon',
  })
})

test('too little to go by is said as such', () => {
  expect(fitLifeModel([], OPTIONS)).toEqual({ known: false, reason: 'no-fleet' })
  const working = fleet(6).map((unit) => ({ ...unit, endUse: null }))
  expect(fitLifeModel(working, OPTIONS)).toEqual({ known: false, reason: 'no-fleet' })
  const model = fitLifeModel(fleet(6), OPTIONS)
  if ('known' in model) throw new Error(model.reason)
  const at = { use: 3, level: 12, slope: 0.1 }
  expect(remainingUse(model, { at, covariates: [1], count: 2, span: 3 })).toEqual({
    known: false,
    reason: 'too-few-points',
  })
  expect(remainingUse(model, { at, covariates: [1], count: 20, span: 3 })).toEqual({
    known: false,
    reason: 'too-short-span',
  })
  expect(remainingUse(model, { at: { ...at, level: Number.NaN }, covariates: [1], count: 20, span: 30 })).toEqual({
    known: false,
    reason: 'implausible-input',
  })
})

test('whatever the fleet and the device, an answer is finite numbers in order or a reason', () => {
  const odd = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -1, 1e-300, 1e300, Number.NaN, Number.POSITIVE_INFINITY),
    fc.double({ min: 0, max: 300, noNaN: true }),
  )
  const point = fc.record({ use: odd, level: odd, slope: odd })
  const unit = fc.record({
    points: fc.array(point, { maxLength: 12 }),
    endUse: fc.option(odd),
    covariates: fc.tuple(odd),
  })
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 6 }), fc.array(point, { maxLength: 10 }), odd, (units, asked, load) => {
      const model = fitLifeModel(units, { ...OPTIONS, pointsLeast: 0, spanLeast: 0 })
      if ('known' in model) return
      for (const at of asked) {
        const said = remainingUse(model, { at, covariates: [load], count: 10, span: 10 })
        if (!said.known) continue
        const values = [said.p05, said.p10, said.p50, said.p90, said.p95]
        for (const value of values) expect(Number.isFinite(value)).toBe(true)
        expect(values).toEqual([...values].sort((a, b) => a - b))
      }
    }),
    { numRuns: 300 },
  )
})
