import { expect, test } from 'vitest'
import { catalog } from '#catalog'
import { runPackYear } from './pack-year.ts'
import { judgeForecasts, trainFleet } from './train-fleet.ts'

/** Few appliances for a short while: whether the trial still tells the truth, not how good the packs are. */
const SMALL = { devices: 6, days: 150, seed: 11 }

test.each(catalog.map((entry) => entry.category))(
  'the pack of a %s speaks in the window and of nothing else',
  (category) => {
    const results = runPackYear({ category, ...SMALL })
    expect(results.length).toBeGreaterThan(0)
    const sum = (of: 'lives' | 'hits' | 'early' | 'missed' | 'false'): number =>
      results.reduce((total, result) => total + result[of], 0)
    expect(sum('hits') + sum('early') + sum('missed')).toBe(sum('lives'))
    expect(sum('false')).toBe(0)
    expect(sum('hits')).toBeGreaterThanOrEqual(sum('lives') - 1)
  },
)

test('the same seed tells the same, another seed something else', () => {
  const of = (seed: number) => JSON.stringify(runPackYear({ category: 'robot-vacuum', devices: 4, days: 120, seed }))
  expect(of(3)).toBe(of(3))
  expect(of(3)).not.toBe(of(4))
})

test('forecast rules speak in the window too, by what a past fleet taught; the packs give way to them', () => {
  const forecast = trainFleet('range-hood', 900, 24)
  expect(forecast.refused.size).toBe(0)
  const [result] = runPackYear({ category: 'range-hood', devices: 8, days: 200, seed: 12, forecast })
  expect(result!.lives).toBeGreaterThan(8)
  expect(result!.hits).toBeGreaterThanOrEqual(result!.lives - 1)
  expect(result!.false).toBe(0)
})

test('forecasts are judged on appliances that taught nothing', () => {
  const forecast = trainFleet('range-hood', 900, 24)
  const [judged] = judgeForecasts('range-hood', forecast, 901, 12)
  expect(judged!.maeShare).toBeLessThan(0.15)
  expect(judged!.coverage90).toBeGreaterThan(0.8)
})
