import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DURATION_MS_MAX, durationMs, isoDuration } from './duration.ts'

describe('durationMs', () => {
  test.each([
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['14d', 1_209_600_000],
    ['2w', 1_209_600_000],
    ['250ms', 250],
    ['PT10M', 600_000],
    ['P1DT2H', 93_600_000],
    ['PT0.5S', 500],
    ['P2W', 1_209_600_000],
  ])('%s is %d ms', (text, ms) => expect(durationMs(text)).toBe(ms))

  test.each([
    '',
    'P',
    'PT',
    'P1M',
    'P1Y',
    '10',
    'm',
    '-5m',
    '1.5h',
    '10 m',
    'P1DT',
    '99999999999999999999d',
    '36526d',
    'P104249991D',
  ])('refuses %j', (text) => expect(durationMs(text)).toBeNull())

  test('what isoDuration writes reads back the same', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: DURATION_MS_MAX }), (ms) => durationMs(isoDuration(ms)) === ms))
  })
})
