import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { fitMultivariateBaseline, MultivariateAnomaly } from './multivariate-anomaly.ts'

/** Flow follows current; temperature goes its own way. */
function pump(seed: number, rows: number): number[][] {
  const { next } = seededRandom(seed)
  const noise = () => next() + next() + next() - 1.5
  return Array.from({ length: rows }, () => {
    const load = noise()
    return [10 + load + 0.1 * noise(), 30 + 5 * load + 0.5 * noise(), 60 + noise()]
  })
}

test('more current with more flow is well; more current with less flow is not, and the sensors behind it are named', () => {
  const baseline = fitMultivariateBaseline(pump(1, 500))!
  const last = (row: number[]) => {
    const model = new MultivariateAnomaly(baseline)
    for (const healthy of pump(2, 50)) model.update(healthy)
    for (let i = 0; i < 60; i++) model.update(row)
    return model.update(row)!
  }
  expect(last([10.5, 32.5, 60]).score).toBeLessThan(0.5)
  const clogged = last([11.5, 24, 60])
  expect(clogged.score).toBeGreaterThan(0.5)
  expect(clogged.shares[0]! + clogged.shares[1]!).toBeGreaterThan(0.95)
  expect(clogged.shares.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
})

test('a healthy machine stays below the threshold it was given', () => {
  const model = new MultivariateAnomaly(fitMultivariateBaseline(pump(1, 500))!)
  for (const row of pump(3, 2000)) expect(model.update(row)!.score).toBeLessThan(0.5)
})

test('a silent sensor gets no score; too few rows make no baseline; a sensor that never moves is no trouble', () => {
  expect(fitMultivariateBaseline(pump(1, 30))).toBeNull()
  expect(fitMultivariateBaseline([])).toBeNull()
  const model = new MultivariateAnomaly(fitMultivariateBaseline(pump(1, 500).map((row) => [...row, 7]))!)
  expect(model.update([10, Number.NaN, 60, 7])).toBeNull()
  expect(Number.isFinite(model.update([10, 30, 60, 7])!.score)).toBe(true)
})
