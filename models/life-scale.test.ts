import { expect, test } from 'vitest'
import { fitLifeScale, lifeAt } from './life-scale.ts'

test('a law that holds exactly is found: life falls with the cube of load', () => {
  const units = [1, 2, 4, 8, 16, 32, 64, 128].map((load) => ({ life: 1000 * load ** -3, covariates: [load] }))
  const scale = fitLifeScale(units)!
  expect(scale.exponents[0]).toBeCloseTo(-3, 1)
  expect(lifeAt(scale, [4]).life / (1000 * 4 ** -3)).toBeCloseTo(1, 1)
})

test('at a load the fleet knows nothing is added to what residuals show; far from it, ever more', () => {
  const units = [1, 1, 1, 1].map((load, i) => ({ life: 100 + i, covariates: [load] }))
  const scale = fitLifeScale(units)!
  const sds = [1, 1.2, 2, 4].map((load) => lifeAt(scale, [load]).logSd)
  expect(sds[0]).toBe(0)
  for (const k of [1, 2, 3]) expect(sds[k]).toBeGreaterThan(sds[k - 1]!)
  // A load never varied keeps its prior: log 4 times a half, beside the law's own misfit.
  expect(sds[3]).toBeCloseTo(Math.hypot(Math.log(4) * 0.5, 0.03), 6)
})

test('lives that are none, and loads that are none, are passed over', () => {
  expect(
    fitLifeScale([
      { life: 0, covariates: [1] },
      { life: Number.NaN, covariates: [1] },
      { life: 5, covariates: [-1] },
    ]),
  ).toBeNull()
})
