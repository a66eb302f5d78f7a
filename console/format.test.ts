import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayIn, instantAt, money, slotText, span, when } from './pages/format.ts'

test.each([
  [27_900, 'CNY', 'zh-CN', '¥279.00'],
  [27_900, 'JPY', 'en', '¥27,900'],
  [123_456_789, 'CNY', 'en', '¥1,234,567.89'],
  [1_500, 'KWD', 'en', 'KWD 1.500'],
  [5, 'USD', 'en', '$0.05'],
] as const)('%i minor units of %s in %s read %s', (minor, currency, locale, text) => {
  expect(money(minor, currency, locale).replaceAll('\u00a0', ' ')).toBe(text)
})

test.each([
  ['PT1H30M', '1 h 30 min', '1 小时 30 分钟'],
  ['90m', '90 min', '90 分钟'],
  ['1h30m', '1 h 30 min', '1 小时 30 分钟'],
  ['P2DT3H', '2 d 3 h', '2 天 3 小时'],
  ['PT0M', '0 min', '0 分钟'],
] as const)('%s reads %s', (duration, en, zh) => {
  expect(span(duration, 'en')).toBe(en)
  expect(span(duration, 'zh-CN')).toBe(zh)
})

test('a slot reads in the zone of the home', () => {
  const slot = { from: '2026-11-25T01:00:00.000Z', to: '2026-11-25T03:00:00.000Z' }
  expect(slotText(slot, { locale: 'zh-CN', timeZone: 'Asia/Shanghai' })).toBe('11月25日 周三 09:00–11:00')
  expect(slotText(slot, { locale: 'en', timeZone: 'America/New_York' })).toBe('Nov 24 Tue 20:00–22:00')
})

test('what the clock of a zone shows leads back to the instant', () => {
  const zones = ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC']
  const minutes = fc.integer({ min: Date.UTC(2026, 0, 1) / 60_000, max: Date.UTC(2028, 0, 1) / 60_000 })
  fc.assert(
    fc.property(fc.constantFrom(...zones), minutes, (timeZone, minute) => {
      const instant = new Date(minute * 60_000).toISOString()
      const [day, time] = [dayIn(instant, timeZone), when(instant, 'time', { locale: 'en', timeZone })]
      const back = instantAt(day, time, timeZone)
      // An hour that the clock shows twice has two answers; both read the same.
      expect([dayIn(back, timeZone), when(back, 'time', { locale: 'en', timeZone })]).toEqual([day, time])
    }),
    { numRuns: 500 },
  )
})
