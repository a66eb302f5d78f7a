import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { driftOf, NO_DRIFT } from './drift.ts'

test('a healthy bearing stays below five, one that wears passes it and is not learned away', () => {
  const { next } = seededRandom(3)
  const noise = () => next() + next() + next() - 1.5
  const state = structuredClone(NO_DRIFT)
  let most = 0
  for (let i = 0; i < 3000; i++) most = Math.max(most, driftOf(state, 0.06 + 0.002 * noise()) ?? 0)
  expect(most).toBeLessThan(3)
  let last = 0
  for (let i = 0; i < 3000; i++) last = driftOf(state, 0.06 + 0.02 * (i / 3000) + 0.002 * noise())!
  expect(last).toBeGreaterThan(5)
})

// R: x <- c(rep(10, 100), rep(14, 100)); median(x) is 12, mad(x) is 2.9652; the first reading of 18 moves a tenth of (18-12)/2.9652.
test('the standing is that of R’s median and mad', () => {
  const state = structuredClone(NO_DRIFT)
  for (let i = 0; i < 200; i++) driftOf(state, i < 100 ? 10 : 14)
  expect(driftOf(state, 18)).toBeCloseTo(0.1 * ((18 - 12) / 2.9652), 5)
})

test('gaps are passed over, a constant start is no division by zero, a checkpoint goes on', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(0, 5), fc.double({ min: -1e6, max: 1e6 })), { maxLength: 500 }),
      (values) => {
        const state = structuredClone(NO_DRIFT)
        let restored = structuredClone(NO_DRIFT)
        for (const value of values) {
          const said = driftOf(state, value)
          expect(driftOf(restored, value)).toEqual(said)
          if (said !== null) expect(Number.isFinite(said)).toBe(true)
          restored = JSON.parse(JSON.stringify(restored))
        }
      },
    ),
  )
})
