import { expect, test } from 'vitest'
import { poissonInterval } from './poisson-interval.ts'

test('is close to the exact interval, half the quantiles of chi-squared with 2k and 2k + 2 degrees (Garwood 1936)', () => {
  // Standard tables of chi-squared: 5 % and 95 % points.
  const exact: [count: number, low: number, high: number][] = [
    [5, 3.94 / 2, 21.026 / 2],
    [10, 10.851 / 2, 33.924 / 2],
    [15, 18.493 / 2, 46.194 / 2],
  ]
  for (const [count, low, high] of exact) {
    const [l, h] = poissonInterval(count)
    expect(Math.abs(l / low - 1)).toBeLessThan(0.01)
    expect(Math.abs(h / high - 1)).toBeLessThan(0.01)
  }
  expect(poissonInterval(0)[0]).toBe(0)
  expect(poissonInterval(0)[1]).toBeGreaterThan(2.5)
  expect(poissonInterval(0)[1]).toBeLessThan(3.5)
})
