import type { Aggregate, Comparison } from '#contracts'
import type { PartSpec } from './part-spec.ts'

/** What an instance keeps per leaf, at the leaf's place among its numbers. */
export const LEAF_UNTIL = 0
export const LEAF_TRUTH = 1
/** Newest value or aggregate; for silence, when the last reading came. */
export const LEAF_VALUE = 2
const COMMON_LENGTH = 3
/** Of leaves that change by time alone: when that happens next; `Infinity` for never. */
export const LEAF_NEXT = 3
/** Of events: whether the newest sample was one. */
export const LEAF_WAS = 4
/** Of usage: the counter as it stood last, when that was, and what it fell from when it just fell. */
export const LEAF_LAST = 3
export const LEAF_LAST_AT = 4
export const LEAF_FELL_FROM = 5
/** Of an anomaly: since when its score has stood at the limit; `NaN` when it does not. */
export const LEAF_HIGH_SINCE = 3

/** Of a remaining life: up to when it lasts with the probability asked for. */
export const LEAF_LASTS_UNTIL = 3

/** Numbers a leaf keeps, by kind. */
export const LEAF_LENGTHS: Readonly<Record<Leaf['kind'], number>> = {
  metric: COMMON_LENGTH,
  noData: COMMON_LENGTH,
  change: COMMON_LENGTH + 1,
  usage: COMMON_LENGTH + 3,
  age: COMMON_LENGTH + 1,
  event: COMMON_LENGTH + 2,
  season: COMMON_LENGTH + 1,
  anomaly: COMMON_LENGTH + 1,
  forecast: COMMON_LENGTH,
  remaining: COMMON_LENGTH + 1,
}

interface Placed {
  /** Place among the instance's numbers. */
  at: number
  /** Place of value and clear among the instance's limits. */
  limitAt: number
}

/** Of one metric, its names resolved. */
interface OfMetric extends Placed {
  /** Column of the metric in a row of the device's values. */
  column: number
  metric: string
  unit: string
  /** How long a sample speaks without another: maxGap, or the window when that is shorter. */
  speaksMs: number
}

/** One comparison of one metric, or of an aggregate of it. */
export interface MetricLeaf extends OfMetric {
  kind: 'metric'
  op: Comparison
  agg: Aggregate | null
  windowMs: number
  /** Index among the instance's windows; −1 for the plain value. */
  window: number
  /** Samples the window needs before it speaks. */
  atLeast: number
}

/** Silence of the device, or of one metric, judged in hub time. */
export interface NoDataLeaf extends Placed {
  kind: 'noData'
  /** Column of the metric; −1 when any reading ends the silence. */
  column: number
  forMs: number
}

/** The newest value less the one that stood `overMs` before. */
export interface ChangeLeaf extends OfMetric {
  kind: 'change'
  op: Comparison
  overMs: number
  window: number
  /** Asked as time passes too, not only with each reading: where devices speak only when something changes. */
  turns: boolean
}

/** What a counter has counted in all, or since the last service. */
export interface UsageLeaf extends OfMetric {
  kind: 'usage'
  op: Comparison
  sinceService: boolean
  /** The most it can grow, per millisecond and at once; more is a jump. */
  perMsMax: number
  slack: number
  /** Where the counter starts over, when the product says so. */
  rollsOverAt: number
}

/** Age of the device or, since its service, of the component. Its limit is the moment it is reached. */
export interface AgeLeaf extends Placed {
  kind: 'age'
  column: -1
  op: Comparison
  sinceService: boolean
}

/** How often something happened within a window. */
export interface EventLeaf extends OfMetric {
  kind: 'event'
  /** As the value stands in a row. */
  equals: number
  /** Every report counts, not only that it became so. */
  eachReport: boolean
  isText: boolean
  /** How many make it true. */
  count: number
  windowMs: number
  window: number
}

/** Part of the year, by the calendar of the home. */
export interface SeasonLeaf extends Placed {
  kind: 'season'
  column: -1
  from: MonthDay
  to: MonthDay
}

export interface MonthDay {
  month: number
  day: number
}

/** How unusual a metric is against its own past. */
export interface AnomalyLeaf extends OfMetric {
  kind: 'anomaly'
  /** Readings are joined to points of this length, evenly spaced as the model wants them. */
  pointMs: number
  forMs: number
  window: number
}

/** Without another word in the rule: four of five such forecasts come true in time. */
export const FORECAST_CONFIDENCE = 0.8

/** When the device's own trend brings a metric to its limit. Its value is in days. */
export interface ForecastLeaf extends OfMetric {
  kind: 'forecast'
  withinDays: number
  confidence: number
  window: number
}

/** Without another word in the rule: nine of ten such parts last longer than what is compared. */
export const REMAINING_CONFIDENCE = 0.9

/**
 * How long a part of the device still lasts by what its fleet has taught. Its value is in days. Behind the limit stands
 * when the part was put in.
 */
export interface RemainingLeaf extends OfMetric {
  kind: 'remaining'
  component: string
  part: PartSpec
  belowDays: number
  confidence: number
  /** −1: its use is counted by the calendar. */
  counterColumn: number
  conditions: readonly { column: number; op: Comparison; value: number }[]
  window: number
}

/** Leaves that change by time alone, no sample having come. */
export type TurningLeaf = ChangeLeaf | AgeLeaf | EventLeaf | SeasonLeaf

export type Leaf = MetricLeaf | NoDataLeaf | UsageLeaf | AnomalyLeaf | ForecastLeaf | RemainingLeaf | TurningLeaf

/** Leaves whose truth is a number beside a limit: what levels can be of. */
export type ComparedLeaf = MetricLeaf | ChangeLeaf | UsageLeaf

export function isCompared(leaf: Leaf): leaf is ComparedLeaf {
  return leaf.kind === 'metric' || leaf.kind === 'change' || leaf.kind === 'usage'
}

/** Leaves the calendar decides: known at any time, whatever the device reports. */
export function isCalendar(leaf: Leaf): leaf is AgeLeaf | SeasonLeaf {
  return leaf.kind === 'age' || leaf.kind === 'season'
}

/** Leaves that keep when time alone changes them next. */
export function hasTurns(leaf: Leaf): leaf is TurningLeaf {
  return isCalendar(leaf) || leaf.kind === 'event' || leaf.kind === 'change'
}
