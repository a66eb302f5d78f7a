import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { nextPauseMs, RETRY_AFTER_MS_MAX, RETRY_PAUSES_MS, retryAfterMs } from './retry-schedule.ts'

const even = { ...seededRandom(1), next: () => 0.5 }

test('ten attempts over 75 h 35 m and 5 s, then none', () => {
  const pauses = RETRY_PAUSES_MS.map((_, i) => (i === 0 ? 0 : nextPauseMs(i, even)))
  expect(pauses).toEqual([...RETRY_PAUSES_MS])
  expect(RETRY_PAUSES_MS.reduce((sum, ms) => sum + ms, 0)).toBe((75 * 60 + 35) * 60_000 + 5_000)
  expect(nextPauseMs(10, even)).toBeNull()
})

test('jitter stays within a fifth and reaches both sides', () => {
  const random = seededRandom(42)
  const drawn = Array.from({ length: 2_000 }, () => nextPauseMs(2, random)! / 300_000)
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0.8)
  expect(Math.max(...drawn)).toBeLessThanOrEqual(1.2)
  expect(Math.min(...drawn)).toBeLessThan(0.82)
  expect(Math.max(...drawn)).toBeGreaterThan(1.18)
})

test.each([
  ['3600', 3_600_000],
  ['0', 0],
  ['  120 ', 120_000],
  ['315360000', RETRY_AFTER_MS_MAX],
  ['Tue, 02 Jun 2026 03:00:00 GMT', 3_600_000],
  ['Tue, 02 Jun 2036 03:00:00 GMT', RETRY_AFTER_MS_MAX],
  ['Tue, 02 Jun 2026 01:00:00 GMT', null],
  ['-1', null],
  ['1.5', null],
  ['1e9', null],
  ['soon', null],
  ['Tuesday-ish', null],
  ['', null],
  [undefined, null],
])('Retry-After %j means %j', (header, expected) => {
  expect(retryAfterMs(header, Date.UTC(2026, 5, 2, 2))).toBe(expected)
})
