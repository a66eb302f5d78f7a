import { type Unknown, unknown } from './unknown.ts'

/** The shapes wear takes: even, ever faster by a share of itself, faster or slower with age, even until it turned. */
export const TREND_FAMILIES = ['line', 'exponential', 'power', 'piecewise'] as const
export type TrendFamily = (typeof TREND_FAMILIES)[number]

/** A fitted course of a metric over days. Plain numbers. */
export interface Trend {
  family: TrendFamily
  /** The line in the family's own axes: value (or its logarithm) = intercept + slope · day (or its logarithm). */
  intercept: number
  slope: number
  /** Day 0 of the fit, and how many days it rests on. */
  startDay: number
  spanDays: number
  points: number
  /** How far forecasts of this series from earlier days were off, per day ahead: median absolute error over horizon. */
  errorPerDay: number
}

/** Below these nobody can tell wear from weather. */
const POINTS_LEAST = 10
const SPAN_DAYS_LEAST = 7
/** Points are first made medians of this many neighbours, at most this many blocks: an outlier moves no median. */
const BLOCK = 3
const BLOCKS_MOST = 24
/** Forecasts are tried from these shares of the series. */
const ORIGINS = [0.5, 0.65, 0.8] as const
/** Another shape than a line must forecast this much better: the simple one is right more often than it looks. */
const BETTER = 0.9

/**
 * The course of a wearing metric, and which shape it has. Each family is a least-squares line in axes that make it
 * straight (ml-regression's SimpleLinearRegression, ExponentialRegression and PowerRegression are the same fits, and the
 * tests compare; here they share one pass over the data, since a hundred thousand devices are fitted each night).
 * `piecewise` is the line through the newer part, from the break that leaves the least error. Which family: the one whose
 * forecasts from earlier days came nearest to what then happened (rolling-origin evaluation, Tashman 2000).
 * Robust by medians of neighbours before fitting (Tukey, "Exploratory Data Analysis", 1977).
 *
 * `points` are day and value alternating, oldest first. O(points). Unknown below ten points and a week.
 */
export function fitTrend(points: readonly number[]): Trend | Unknown {
  const raw = points.length / 2
  if (raw < POINTS_LEAST) return unknown('too-few-points')
  const startDay = points[0]! - 1
  const spanDays = points[2 * (raw - 1)]! - points[0]!
  if (!(spanDays >= SPAN_DAYS_LEAST)) return unknown('too-short-span')
  const { days, values } = blockMedians(points, startDay)
  if (!values.every(Number.isFinite)) return unknown('implausible-input')
  let best: { family: TrendFamily; error: number } | null = null
  for (const family of TREND_FAMILIES) {
    const error = rollingError(family, days, values)
    if (error === null) continue
    if (best === null || error < best.error * BETTER) best = { family, error }
  }
  if (best === null) return unknown('no-trend')
  const line = fitFamily(best.family, days, values, days.length)
  if (line === null) return unknown('no-trend')
  return { family: best.family, ...line, startDay, spanDays, points: raw, errorPerDay: best.error }
}

/** What the course says for a day; the same at any distance from the data. */
export function trendAt({ family, intercept, slope, startDay }: Trend, day: number): number {
  return shapeAt(family, intercept, slope, Math.max(day - startDay, 0))
}

function shapeAt(family: TrendFamily, intercept: number, slope: number, day: number): number {
  if (family === 'exponential') return Math.exp(intercept + slope * day)
  if (family === 'power') return Math.exp(intercept + slope * Math.log(Math.max(day, Number.MIN_VALUE)))
  return intercept + slope * day
}

function blockMedians(points: readonly number[], startDay: number): { days: number[]; values: number[] } {
  const raw = points.length / 2
  const size = Math.max(BLOCK, Math.ceil(raw / BLOCKS_MOST))
  const days: number[] = []
  const values: number[] = []
  // Even blocks: a last one of a single point would be that point, outlier or not.
  const blocks = Math.floor(raw / size)
  for (let k = 0; k < blocks; k++) {
    const from = Math.floor((k * raw) / blocks)
    const to = Math.floor(((k + 1) * raw) / blocks)
    let sum = 0
    const block: number[] = []
    for (let i = from; i < to; i++) {
      sum += points[2 * i]! - startDay
      block.push(points[2 * i + 1]!)
    }
    block.sort((a, b) => a - b)
    days.push(sum / (to - from))
    values.push(
      block.length % 2 ? block[block.length >> 1]! : (block[block.length / 2]! + block[block.length / 2 - 1]!) / 2,
    )
  }
  return { days, values }
}

/** Median over origins and later blocks of |forecast − what came| per day ahead; null where the family does not apply. */
function rollingError(family: TrendFamily, days: readonly number[], values: readonly number[]): number | null {
  const errors: number[] = []
  for (const share of ORIGINS) {
    const known = Math.max(2, Math.floor(share * days.length))
    const line = fitFamily(family, days, values, known)
    if (line === null) return null
    for (let i = known; i < days.length; i++) {
      const ahead = days[i]! - days[known - 1]!
      if (ahead > 0) errors.push(Math.abs(shapeAt(family, line.intercept, line.slope, days[i]!) - values[i]!) / ahead)
    }
  }
  if (errors.length === 0) return null
  errors.sort((a, b) => a - b)
  const middle = errors[errors.length >> 1]!
  return Number.isFinite(middle) ? middle : null
}

interface Line {
  intercept: number
  slope: number
}

function fitFamily(
  family: TrendFamily,
  days: readonly number[],
  values: readonly number[],
  count: number,
): Line | null {
  if (family === 'piecewise') return newerPart(days, values, count)
  if (family === 'line') return lineThrough(days, values, 0, count)
  // Both need values above 0; a metric that crosses it grows by no share of itself.
  const logs: number[] = []
  for (let i = 0; i < count; i++) {
    if (!(values[i]! > 0)) return null
    logs.push(Math.log(values[i]!))
  }
  return lineThrough(family === 'power' ? days.map(Math.log) : days, logs, 0, count)
}

/** Blocks on each side of a break: fewer make any break look good. */
const PART_LEAST = 4

/** The line of the newer part, from the break that leaves least squared error in both parts; the one line if none helps. */
function newerPart(days: readonly number[], values: readonly number[], count: number): Line | null {
  let best: { error: number; from: number } = { error: Number.POSITIVE_INFINITY, from: 0 }
  for (let from = PART_LEAST; from <= count - PART_LEAST; from++) {
    const error = squaredError(days, values, 0, from) + squaredError(days, values, from, count)
    if (error < best.error) best = { error, from }
  }
  return lineThrough(days, values, best.from, count)
}

function squaredError(days: readonly number[], values: readonly number[], from: number, to: number): number {
  const line = lineThrough(days, values, from, to)
  if (line === null) return Number.POSITIVE_INFINITY
  let sum = 0
  for (let i = from; i < to; i++) sum += (values[i]! - line.intercept - line.slope * days[i]!) ** 2
  return sum
}

function lineThrough(xs: readonly number[], ys: readonly number[], from: number, to: number): Line | null {
  const count = to - from
  if (count < 2) return null
  let [meanX, meanY] = [0, 0]
  for (let i = from; i < to; i++) {
    meanX += xs[i]! / count
    meanY += ys[i]! / count
  }
  let [xx, xy] = [0, 0]
  for (let i = from; i < to; i++) {
    xx += (xs[i]! - meanX) ** 2
    xy += (xs[i]! - meanX) * (ys[i]! - meanY)
  }
  if (!(xx > 0)) return null
  const slope = xy / xx
  return { slope, intercept: meanY - slope * meanX }
}
