import fc from 'fast-check'
import { ExponentialRegression, PowerRegression, SimpleLinearRegression } from 'ml-regression'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { addToDays, type DailyPointsState } from './daily-points.ts'
import { forecastReach } from './reach-forecast.ts'
import { fitTrend, type Trend, trendAt } from './trend-fit.ts'

const series = (days: number, course: (day: number) => number): number[] =>
  Array.from({ length: days }, (_, i) => [20_001 + i, course(i + 1)]).flat()
const fitted = (points: number[]): Trend => {
  const trend = fitTrend(points)
  if ('known' in trend) throw new Error(trend.reason)
  return trend
}

test('each shape is recognised and is the fit ml-regression makes', () => {
  const days = Array.from({ length: 60 }, (_, i) => i + 1)
  const line = fitted(series(60, (day) => 5 + 0.5 * day))
  const theirs = new SimpleLinearRegression(
    days,
    days.map((day) => 5 + 0.5 * day),
  )
  expect(line.family).toBe('line')
  expect(trendAt(line, 20_000 + 80)).toBeCloseTo(theirs.predict(80), 6)

  const exponential = fitted(series(60, (day) => 3 * Math.exp(0.05 * day)))
  const theirExponential = new ExponentialRegression(
    days,
    days.map((day) => 3 * Math.exp(0.05 * day)),
  )
  expect(exponential.family).toBe('exponential')
  expect(trendAt(exponential, 20_000 + 80) / theirExponential.predict(80)).toBeCloseTo(1, 6)

  const power = fitted(series(90, (day) => 2 * day ** 2.5))
  const theirPower = new PowerRegression(
    days,
    days.map((day) => 2 * day ** 2.5),
  )
  expect(power.family).toBe('power')
  expect(trendAt(power, 20_000 + 120) / theirPower.predict(120)).toBeCloseTo(1, 1)

  const turned = fitted(series(80, (day) => 10 + (day > 30 ? 2 * (day - 30) : 0)))
  expect(turned.family).toBe('piecewise')
  expect(trendAt(turned, 20_000 + 100)).toBeCloseTo(150, 0)
})

test('outliers of one day in ten do not move it', () => {
  const { next } = seededRandom(5)
  const trend = fitted(series(90, (day) => 20 + day + (next() - 0.5) + (day % 10 === 0 ? 300 : 0)))
  expect(trendAt(trend, 20_000 + 100)).toBeGreaterThan(115)
  expect(trendAt(trend, 20_000 + 100)).toBeLessThan(125)
})

test('a filter that grows evenly reaches its limit on the day it does; the dates widen with noise', () => {
  const { next } = seededRandom(6)
  const width = (noise: number) => {
    const said = forecastReach(fitted(series(60, (day) => 20 + day + noise * (next() - 0.5))), 100, 20_060)
    if (!said.known) throw new Error(said.reason)
    expect(said.p50).toBeGreaterThan(16)
    expect(said.p50).toBeLessThan(24)
    return said.p90 - said.p10
  }
  expect(width(8)).toBeGreaterThan(width(1))
})

test('a metric that stands, one that moves away, and one too slow to tell get a reason, not a date', () => {
  const reason = (points: number[], limit: number) => {
    const said = forecastReach(fitted(points), limit, points.at(-2)!)
    return said.known ? 'known' : said.reason
  }
  expect(
    reason(
      series(60, () => 40),
      100,
    ),
  ).toBe('no-trend')
  expect(
    reason(
      series(60, (day) => 200 - day),
      300,
    ),
  ).toBe('no-trend')
  expect(
    reason(
      series(60, (day) => 20 + 0.01 * day),
      100,
    ),
  ).toBe('beyond-horizon')
  expect(fitTrend([])).toEqual({ known: false, reason: 'too-few-points' })
  expect(fitTrend(series(9, (day) => day))).toEqual({ known: false, reason: 'too-few-points' })
  expect(fitTrend(Array.from({ length: 30 }, () => [20_001, 5]).flat())).toEqual({
    known: false,
    reason: 'too-short-span',
  })
})

test('whatever the series, a forecast is finite numbers in order or a reason', () => {
  const value = fc.oneof(
    fc.double(),
    fc.constantFrom(0, 7, -1e300, 1e300),
    fc.double({ min: 0, max: 100, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), value), { maxLength: 60 }), fc.double(), (steps, limit) => {
      let day = 20_000
      const points = steps.flatMap(([step, reading]) => [(day += step), reading])
      const trend = fitTrend(points)
      if ('known' in trend) return
      const said = forecastReach(trend, limit, day)
      if (!said.known) return
      expect([said.p10, said.p50, said.p90].every(Number.isFinite)).toBe(true)
      expect(said.p10 <= said.p50 && said.p50 <= said.p90).toBe(true)
    }),
  )
})

test('readings become one mean a day; memory is bounded; late readings and gaps are passed over', () => {
  const state: DailyPointsState = { closed: [], day: -1, sum: 0, count: 0 }
  for (let hour = 0; hour < 24 * 400; hour++) addToDays(state, hour * 3_600_000, Math.floor(hour / 24) + (hour % 2))
  expect(state.closed.length).toBe(256)
  expect(state.closed.slice(-2)).toEqual([398, 398.5])
  expect(addToDays(state, 5, 1e9)).toBe(false)
  expect(addToDays(state, 400 * 86_400_000, Number.NaN)).toBe(false)
  expect(addToDays(state, 400 * 86_400_000, 1)).toBe(true)
})
