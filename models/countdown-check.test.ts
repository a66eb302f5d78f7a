import { expect, test } from 'vitest'
import { countsDown } from './countdown-check.ts'

test('a column of remaining life falls as time passes; one that rises, stands still or jumps about is something else', () => {
  const times = Array.from({ length: 100 }, (_, i) => i / 10)
  expect(
    countsDown(
      times,
      times.map((t) => 20 - t),
    ),
  ).toBe(true)
  expect(countsDown(times, times)).toBe(false)
  expect(
    countsDown(
      times,
      times.map(() => 59),
    ),
  ).toBe(false)
  expect(
    countsDown(
      times,
      times.map((t, i) => (i % 3 ? 20 - t : 0)),
    ),
  ).toBe(false)
})

test('a repeated or missing row does not spoil it, two rows of one time say nothing', () => {
  expect(countsDown([0, 1, 1, 2, 5, 6], [9, 8, 8, 7, 4, 3])).toBe(true)
  expect(countsDown([3, 3], [9, 8])).toBe(false)
  expect(countsDown([], [])).toBe(false)
  expect(countsDown([0, 1], [Number.NaN, Number.NaN])).toBe(false)
})
