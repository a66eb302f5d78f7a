import fc from 'fast-check'
import { expect, test } from 'vitest'
import { timeForUse } from './use-forecast.ts'

const profile = (...paces: [steps: number, pace: number][]): number[] => {
  const cumulative = [0]
  for (const [steps, pace] of paces) for (let i = 0; i < steps; i++) cumulative.push(cumulative.at(-1)! + pace)
  return cumulative
}

test('alone, a device goes on as it did lately', () => {
  expect(timeForUse([], profile([8, 2]), 10)).toBe(5)
  expect(timeForUse([], profile([30, 1], [10, 4]), 20)).toBe(5)
})

test('units that used theirs alike tell what comes: a household that travels in the seventh week', () => {
  const traveller = profile([42, 1], [7, 0], [100, 1])
  const other = profile([149, 3])
  expect(timeForUse([traveller, other], profile([40, 1]), 10)).toBeCloseTo(17, 6)
})

test('no use takes no time, and no pace still ends in a number', () => {
  expect(timeForUse([], [0, 0, 0], 0)).toBe(0)
  expect(timeForUse([], [0, 0, 0], 5)).toBe(1e6)
})

test('time is never negative nor infinite, and more use never takes less', () => {
  const profiles = fc.array(fc.float({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 30 })
  const cumulated = profiles.map((paces) => profile(...paces.map((pace): [number, number] => [1, pace])))
  fc.assert(
    fc.property(fc.array(cumulated, { maxLength: 5 }), cumulated, fc.nat(1000), fc.nat(1000), (fleet, own, a, b) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map((use) => timeForUse(fleet, own, use))
      expect(less).toBeGreaterThanOrEqual(0)
      expect(more).toBeGreaterThanOrEqual(less! - 1e-9)
      expect(more).toBeLessThanOrEqual(1e6)
    }),
  )
})
