import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packNumbers, unpackNumbers } from './number-pack.ts'

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.nat(250),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1_767_225_600_123),
)

test('every number comes back exactly, minus zero and the largest included', () => {
  fc.assert(
    fc.property(fc.array(number), fc.maxSafeInteger(), (numbers, base) => {
      const back = unpackNumbers(packNumbers(numbers, base))
      expect(back).toHaveLength(numbers.length)
      for (const [i, value] of numbers.entries()) expect(Object.is(back[i], value)).toBe(true)
    }),
  )
})

test('state is small: times near the base and small numbers take a few bytes', () => {
  const base = 1_767_225_600_000
  const times = Array.from({ length: 100 }, (_, i) => base - i * 60_000)
  expect(packNumbers(times, base).length).toBeLessThan(700)
  expect(packNumbers(Array(100).fill(Number.NaN), base).length).toBeLessThan(160)
})
