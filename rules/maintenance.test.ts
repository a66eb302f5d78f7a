import { expect, test } from 'vitest'
import { occurrenceAt } from './maintenance.ts'

const BERLIN = 'Europe/Berlin'
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
const at = (text: string): number => Date.parse(text)
const told = (from: string, to: string, when: string, days = EVERY_DAY) => {
  const { startMs, endMs } = occurrenceAt({ scope: {}, zone: BERLIN, days, from, to }, BERLIN, at(when))
  return `${new Date(startMs).toISOString().slice(0, 16)} – ${new Date(endMs).toISOString().slice(0, 16)}`
}

test('case 14: the window keeps its local time over both changes of summer time', () => {
  expect(told('22:00', '06:00', '2026-03-27T12:00:00Z')).toBe('2026-03-27T21:00 – 2026-03-28T05:00')
  expect(told('22:00', '06:00', '2026-03-28T12:00:00Z')).toBe('2026-03-28T21:00 – 2026-03-29T04:00')
  expect(told('22:00', '06:00', '2026-10-24T12:00:00Z')).toBe('2026-10-24T20:00 – 2026-10-25T05:00')
})

test('an hour that autumn repeats is one stay, without a gap; a quarter within it comes once', () => {
  expect(told('02:00', '03:00', '2026-10-24T23:30:00Z')).toBe('2026-10-25T00:00 – 2026-10-25T02:00')
  expect(told('02:30', '02:45', '2026-10-24T23:30:00Z')).toBe('2026-10-25T00:30 – 2026-10-25T00:45')
  expect(told('02:30', '02:45', '2026-10-25T00:45:00Z')).toBe('2026-10-26T01:30 – 2026-10-26T01:45')
})

test('an hour that spring skips does not come that day; one that reaches into it begins or ends after the gap', () => {
  expect(told('02:00', '03:00', '2026-03-28T12:00:00Z')).toBe('2026-03-30T00:00 – 2026-03-30T01:00')
  expect(told('01:30', '02:30', '2026-03-28T12:00:00Z')).toBe('2026-03-29T00:30 – 2026-03-29T01:30')
})

test('on its days only, and the night belongs to the day it began on', () => {
  // 2026-06-05 is a Friday.
  expect(told('22:00', '06:00', '2026-06-05T21:00:00Z', [5])).toBe('2026-06-05T20:00 – 2026-06-06T04:00')
  expect(told('22:00', '06:00', '2026-06-06T03:00:00Z', [5])).toBe('2026-06-05T20:00 – 2026-06-06T04:00')
  expect(told('22:00', '06:00', '2026-06-06T04:00:00Z', [5])).toBe('2026-06-12T20:00 – 2026-06-13T04:00')
})

test('at any moment of a year a daily window is on exactly when the clock of the zone says so', () => {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: BERLIN, hour: '2-digit', minute: '2-digit' })
  const window = { scope: {}, zone: BERLIN, days: EVERY_DAY, from: '12:00', to: '13:30' }
  for (let ms = at('2026-01-01T00:00:00Z'); ms < at('2027-01-01T00:00:00Z'); ms += 187 * 60_000) {
    const shown = clock.format(ms)
    const { startMs } = occurrenceAt(window, BERLIN, ms)
    expect(startMs <= ms, new Date(ms).toISOString()).toBe(shown >= '12:00' && shown < '13:30')
  }
})
