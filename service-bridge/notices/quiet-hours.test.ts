import { expect, test } from 'vitest'
import { instantOf, localTime } from '#platform'
import { isQuiet, quietOverAt } from './quiet-hours.ts'

const shanghai = { from: '21:00', to: '08:30', timeZone: 'Asia/Shanghai' }
const at = (text: string): number => Date.parse(text)

test('from 21:00 to 08:30 by the clock of the home', () => {
  expect(isQuiet(at('2026-06-02T12:59:00Z'), shanghai)).toBe(false)
  expect(isQuiet(at('2026-06-02T13:00:00Z'), shanghai)).toBe(true)
  expect(isQuiet(at('2026-06-03T00:29:00Z'), shanghai)).toBe(true)
  expect(isQuiet(at('2026-06-03T00:30:00Z'), shanghai)).toBe(false)
  expect(quietOverAt(at('2026-06-02T20:00:00Z'), shanghai)).toBe(at('2026-06-03T00:30:00Z'))
  expect(quietOverAt(at('2026-06-02T13:00:00Z'), shanghai)).toBe(at('2026-06-03T00:30:00Z'))
  expect(quietOverAt(at('2026-06-02T04:00:00Z'), shanghai)).toBe(at('2026-06-02T04:00:00Z'))
})

test('quiet by day, and never quiet', () => {
  const noon = { from: '12:00', to: '14:00', timeZone: 'Asia/Shanghai' }
  expect(isQuiet(at('2026-06-02T05:00:00Z'), noon)).toBe(true)
  expect(quietOverAt(at('2026-06-02T05:00:00Z'), noon)).toBe(at('2026-06-02T06:00:00Z'))
  expect(isQuiet(at('2026-06-02T05:00:00Z'), { ...noon, to: '12:00' })).toBe(false)
})

test('the morning keeps its local time over both changes of summer time', () => {
  const berlin = { from: '21:00', to: '08:30', timeZone: 'Europe/Berlin' }
  expect(quietOverAt(at('2026-03-28T22:00:00Z'), berlin)).toBe(at('2026-03-29T06:30:00Z'))
  expect(quietOverAt(at('2026-10-24T22:00:00Z'), berlin)).toBe(at('2026-10-25T07:30:00Z'))
})

test('a skipped time is the first after the gap, a repeated one its first pass', () => {
  const zone = 'Europe/Berlin'
  const day = { year: 2026, month: 3, day: 29 }
  expect(instantOf({ ...day, minute: 150 }, zone)).toBe(at('2026-03-29T01:30:00Z'))
  expect(instantOf({ year: 2026, month: 10, day: 25, minute: 150 }, zone)).toBe(at('2026-10-25T00:30:00Z'))
  expect(localTime(at('2026-06-02T18:00:00Z'), 'Asia/Shanghai')).toEqual({
    year: 2026,
    month: 6,
    day: 3,
    minute: 120,
    weekday: 3,
  })
})

test('the end of a month and of a year carry over', () => {
  expect(quietOverAt(at('2026-12-31T14:00:00Z'), shanghai)).toBe(at('2027-01-01T00:30:00Z'))
})

test('an unknown zone is named', () => {
  expect(() => isQuiet(0, { ...shanghai, timeZone: 'Mars/Olympus' })).toThrow('Mars/Olympus')
})
