import type { Aggregate, Comparison } from '#contracts'

/** What an instance keeps per leaf, at the leaf's place among its numbers. */
export const LEAF_UNTIL = 0
export const LEAF_TRUTH = 1
/** Newest value or aggregate; for silence, when the last reading came. */
export const LEAF_VALUE = 2
export const LEAF_LENGTH = 3

/** One comparison of one metric, its names resolved. */
export interface MetricLeaf {
  kind: 'metric'
  /** Place among the instance's numbers. */
  at: number
  /** Column of the metric in a row of the device's values. */
  column: number
  metric: string
  unit: string
  op: Comparison
  agg: Aggregate | null
  windowMs: number
  /** Index among the instance's windows; −1 for the plain value. */
  window: number
  /** Samples the window needs before it speaks. */
  atLeast: number
  /** How long a sample speaks without another: maxGap, or the window when that is shorter. */
  speaksMs: number
}

/** Silence of the device, or of one metric, judged in hub time. */
export interface NoDataLeaf {
  kind: 'noData'
  at: number
  /** Column of the metric; −1 when any reading ends the silence. */
  column: number
  forMs: number
}

export type Leaf = MetricLeaf | NoDataLeaf
