import {
  addToDays,
  type DailyPointsState,
  fitTrend,
  forecastReach,
  NO_DAYS,
  type ReachForecast,
  reachedWith,
  type Trend,
  type TrendFamily,
} from '#models'

const DAY_MS = 86_400_000

/**
 * A metric by day, and its trend as of the last day that ended: what a forecast is made from. Plain numbers in a
 * checkpoint: the open day, then the closed ones; at most 128 days. O(1) per sample; the trend is fitted anew when a day
 * has ended and somebody asks.
 */
export class ForecastTrail {
  readonly #days: DailyPointsState
  /** Null: not fitted since the last day ended. */
  #trend: Trend | 'none' | null = null

  constructor(saved: readonly number[] = []) {
    const [day = NO_DAYS.day, sum = NO_DAYS.sum, count = NO_DAYS.count, ...closed] = saved
    this.#days = { day, sum, count, closed }
  }

  clone(): ForecastTrail {
    const copy = new ForecastTrail(this.save())
    copy.#trend = this.#trend
    return copy
  }

  save(): readonly number[] {
    const { day, sum, count, closed } = this.#days
    return [day, sum, count, ...closed]
  }

  add(atMs: number, value: number): void {
    if (addToDays(this.#days, atMs, value)) this.#trend = null
  }

  /** A new part has no past: the day it came is not a day of either. */
  forget(atMs: number): void {
    const days = this.#days
    const serviced = Math.floor(atMs / DAY_MS)
    let gone = 0
    while (gone < days.closed.length && days.closed[gone]! <= serviced) gone += 2
    days.closed.splice(0, gone)
    if (days.day <= serviced) Object.assign(days, { sum: 0, count: 0 })
    this.#trend = null
  }

  /** Days until the limit is reached with this confidence; `Infinity` when no trend leads there in sight, `NaN` when too little is known. */
  daysUntil(limit: number, atMs: number, confidence: number): number {
    this.#trend ??= this.#fitted()
    if (this.#trend === 'none') return Number.NaN
    // A day's mean stands at its noon.
    const said = reachedWith(this.#trend, limit, atMs / DAY_MS - 0.5, confidence)
    if (typeof said === 'number') return said
    return said.reason === 'implausible-input' ? Number.NaN : Number.POSITIVE_INFINITY
  }

  /** Early, middle and late days until the limit is reached, and the shape of the trend; `null` when nobody can say. */
  reach(limit: number, atMs: number): (ReachForecast & { family: TrendFamily }) | null {
    this.#trend ??= this.#fitted()
    if (this.#trend === 'none') return null
    const said = forecastReach(this.#trend, limit, atMs / DAY_MS - 0.5)
    return said.known ? { ...said, family: this.#trend.family } : null
  }

  /** Days the trend rests on. */
  days(): number {
    return this.#days.closed.length / 2
  }

  #fitted(): Trend | 'none' {
    const trend = fitTrend(this.#days.closed)
    return 'known' in trend ? 'none' : trend
  }
}
