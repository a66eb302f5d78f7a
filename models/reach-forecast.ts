import { probit } from 'simple-statistics'
import { type Trend, trendAt } from './trend-fit.ts'
import { type Unknown, unknown } from './unknown.ts'

/** Days from now until a metric reaches a limit: 8 in 10 lie between `p10` and `p90`. */
export interface ReachForecast {
  known: true
  p10: number
  p50: number
  p90: number
}

/** A trend says nothing about times further off than twice what it has seen. */
const HORIZON_SPANS = 2
/** Makes a median absolute error a standard deviation where errors are normal. */
const NORMAL = 1.4826
/** Steps of the search: to an hour in a year. */
const STEPS = 14

/**
 * When a device's own trend brings a metric to its limit. The early and the late date follow from how far this very
 * series' forecasts were off per day ahead: a course that was hard to foresee gets a wide answer.
 *
 * `nowDay` in days since the epoch, as the trend's. 0 when the limit is reached. Unknown `no-trend` when the course does
 * not lead there, `beyond-horizon` when it does so later than the trend can see; a late date beyond that is the horizon. O(1).
 */
export function forecastReach(trend: Trend, limit: number, nowDay: number): ReachForecast | Unknown {
  const p50 = reachedWith(trend, limit, nowDay, 0.5)
  if (typeof p50 !== 'number') return p50
  const late = reachedWith(trend, limit, nowDay, 0.9)
  const p10 = reachedWith(trend, limit, nowDay, 0.1) as number
  return { known: true, p10, p50, p90: typeof late === 'number' ? late : HORIZON_SPANS * trend.spanDays }
}

/**
 * Days within which the limit is reached with this probability, by simple-statistics' `probit`; or why nobody can say.
 * What a rule asks: "within 21 days, with confidence 0.8". Never smaller for a higher confidence. O(1).
 */
export function reachedWith(trend: Trend, limit: number, nowDay: number, confidence: number): number | Unknown {
  const now = trendAt(trend, nowDay)
  const horizon = HORIZON_SPANS * trend.spanDays
  const far = trendAt(trend, nowDay + horizon)
  if (!Number.isFinite(now) || !Number.isFinite(far) || !Number.isFinite(limit)) return unknown('implausible-input')
  // Rising or falling is the trend's own direction; the limit lies ahead in it or is behind already.
  const direction = Math.sign(far - now)
  if (direction === 0) return unknown('no-trend')
  const start = trendAt(trend, trend.startDay + 1)
  if (direction * (limit - start) <= 0) return unknown('no-trend')
  const perDay = probit(confidence) * NORMAL * trend.errorPerDay
  const reached = (days: number) => direction * (trendAt(trend, nowDay + days) - limit) - perDay * days >= 0
  if (reached(0)) return 0
  if (!reached(horizon)) return unknown('beyond-horizon')
  let [low, high] = [0, horizon]
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    if (reached(middle)) high = middle
    else low = middle
  }
  return high
}
