import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NO_RANGE, noveltyOf } from './range-novelty.ts'

test('the first excess is news, the same again is not', () => {
  const state = { ...NO_RANGE }
  for (const value of [0, 10, 5, 3, 8]) noveltyOf(state, value)
  expect(noveltyOf(state, 12)).toBeCloseTo(0.2, 2)
  expect(noveltyOf(state, 12)).toBeLessThan(0.001)
  expect(noveltyOf(state, 6)).toBe(0)
  expect(noveltyOf(state, -6)).toBeCloseTo(0.5, 2)
})

test('what is not a number is no news and changes nothing; everything else keeps the range in order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6 })), (values) => {
      const state = { ...NO_RANGE }
      for (const value of values) expect(noveltyOf(state, value)).toBeGreaterThanOrEqual(0)
      expect(state.count).toBe(values.filter(Number.isFinite).length)
      if (state.count > 0) expect(state.low <= state.high).toBe(true)
    }),
  )
})
