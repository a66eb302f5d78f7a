import { expect, test } from 'vitest'
import { catalog } from '#catalog'
import { runPackYear } from './pack-year.ts'

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
