import { mean } from 'simple-statistics'
import type { LifePlotPoint } from './life-plot.ts'

export const rmse = (points: readonly LifePlotPoint[]): number =>
  Math.sqrt(mean(points.map(({ truth, predicted }) => (predicted - truth) ** 2)))

export const mae = (points: readonly LifePlotPoint[]): number =>
  mean(points.map(({ truth, predicted }) => Math.abs(predicted - truth)))

/** How often 90 % intervals held, how wide they were, and the two in one number. */
export interface IntervalScore {
  coverage: number
  width: number
  winkler: number
}

const MISS_RATE = 0.1

/** Winkler, "A decision-theoretic approach to interval estimation" (1972): width, and 2/α for each unit of a miss. Lower is better. */
export function intervalScore(points: readonly LifePlotPoint[]): IntervalScore {
  const missed = ({ truth, low, high }: LifePlotPoint) => Math.max(low - truth, truth - high, 0)
  const width = mean(points.map(({ low, high }) => high - low))
  return {
    coverage: mean(points.map((point) => (missed(point) === 0 ? 1 : 0))),
    width,
    winkler: width + (2 / MISS_RATE) * mean(points.map(missed)),
  }
}
