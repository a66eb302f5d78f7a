import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { type FailedUnit, fitFailureRegression, readFailureRegression } from './failure-regression.ts'
import { fitHealthIndex, healthContributions, readHealthIndex } from './health-index.ts'

/** Three sensors: one warms with wear, one shakes late, one is a setting that never moves. */
function machines(seed: number, count: number): FailedUnit[] {
  const { next } = seededRandom(seed)
  const noise = () => next() + next() + next() - 1.5
  return Array.from({ length: count }, () => {
    const life = 80 + Math.floor(60 * next())
    return {
      samples: Array.from({ length: life }, (_, cycle) => {
        const worn = cycle / life
        return {
          sensors: [40 + 20 * worn + noise(), 1 + 8 * worn ** 4 + 0.2 * noise(), 518.67],
          remaining: life - cycle,
        }
      }),
    }
  })
}

test('what the index says is the sum of what each sensor adds, and a setting adds nothing', () => {
  const samples = machines(1, 10).flatMap((unit) => unit.samples)
  const index = fitHealthIndex(samples)!
  const parts = healthContributions(index, samples[70]!.sensors)
  expect(parts[2]).toBe(0)
  expect(readHealthIndex(index, samples[70]!.sensors)).toBeCloseTo(
    parts.reduce((a, b) => a + b) + index.weights.at(-1)!,
    9,
  )
})

test('on machines it has not seen it errs as it says it does, and 9 in 10 lie in its 90 % interval', () => {
  const model = fitFailureRegression(machines(2, 30))!
  const rows = machines(3, 30).flatMap((unit) => unit.samples)
  const read = rows.map(({ sensors, remaining }) => ({ remaining, ...readFailureRegression(model, sensors)! }))
  const rms = Math.sqrt(
    read.reduce((sum, { predicted, remaining }) => sum + (predicted - remaining) ** 2, 0) / rows.length,
  )
  expect(rms / model.heldOutError).toBeGreaterThan(0.7)
  expect(rms / model.heldOutError).toBeLessThan(1.3)
  const inside = read.filter(
    ({ predicted, remaining, low90, high90 }) => predicted + low90 <= remaining && remaining <= predicted + high90,
  )
  expect(inside.length / rows.length).toBeGreaterThan(0.83)
  expect(inside.length / rows.length).toBeLessThan(0.98)
})

test('too little to learn from, and a silent sensor, get no answer', () => {
  expect(fitFailureRegression([])).toBeNull()
  expect(fitFailureRegression([{ samples: [{ sensors: [1, 2, 3], remaining: 4 }] }])).toBeNull()
  const model = fitFailureRegression(machines(2, 6))!
  expect(readFailureRegression(model, [Number.NaN, 1, 518.67])).toBeNull()
})
