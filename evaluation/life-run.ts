import {
  LevelTracker,
  type LevelTrackerOptions,
  type LifeModel,
  type LifeUnit,
  remainingUse,
  type TrackedLevel,
  type Unknown,
} from '#models'
import type { LifePlotPoint } from './life-plot.ts'

/** One run to failure, row by row. */
export interface LifeRun {
  name: string
  /** Use at each row, in the unit wear goes by, and the reading there. */
  use: ArrayLike<number>
  value: ArrayLike<number>
  endUse: number | null
  covariates: number[]
}

/** What a tracker says after each row, so that fitting and scoring see what a hub would have seen. */
export interface TrackedRun extends LifeRun {
  tracked: TrackedLevel[]
}

export function trackRun(run: LifeRun, options: LevelTrackerOptions): TrackedRun {
  const tracker = new LevelTracker(options)
  const tracked: TrackedLevel[] = []
  for (let i = 0; i < run.use.length; i++) {
    tracker.update(run.use[i]!, run.value[i]!)
    tracked.push(tracker.read() ?? { use: run.use[i]!, level: run.value[i]!, slope: 0 })
  }
  return { ...run, tracked }
}

/** Points of one life that a fleet learns from: evenly spaced, since neighbours say the same. */
const POINTS_KEPT = 48

export function unitOf({ tracked, endUse, covariates }: TrackedRun, firstRow = 0): LifeUnit {
  const step = Math.max(1, (tracked.length - firstRow) / POINTS_KEPT)
  const points: TrackedLevel[] = []
  for (let row = firstRow; row < tracked.length; row += step) points.push(tracked[Math.floor(row)]!)
  return { points, endUse, covariates }
}

/** Predictions of one run at the given rows, in time: `useAhead` says how long the remaining use takes from that row on. */
export function predictRun(model: LifeModel, run: TrackedRun, ask: RunQuestion): LifePlotPoint[] {
  const points: LifePlotPoint[] = []
  for (const row of ask.rows) {
    const at = run.tracked[row]!
    const course = { at, covariates: run.covariates, count: row + 1, span: at.use - run.tracked[0]!.use }
    const said = remainingUse(model, course)
    // A moment without an answer scores as the fleet's whole life would: silence is not a way to a better figure.
    const { p50, p05, p95 } = said.known ? said : { p50: ask.otherwise(row), p05: 0, p95: Number.MAX_VALUE }
    const timeOf = (use: number) => (use === Number.MAX_VALUE ? use : ask.timeOf(use, row))
    points.push({ truth: ask.truth(row), predicted: timeOf(p50), low: timeOf(p05), high: timeOf(p95) })
  }
  return points
}

export interface RunQuestion {
  rows: readonly number[]
  /** Time that this much use takes from this row on. */
  timeOf(use: number, row: number): number
  /** True remaining time at a row. */
  truth(row: number): number
  /** Remaining use to assume where the model says nothing. */
  otherwise(row: number): number
}

/** A model of these units, or an error: a protocol without a failed unit cannot be scored. */
export function modelOf(fitted: LifeModel | Unknown): LifeModel {
  if ('known' in fitted) throw new Error(`The training units make no model: ${fitted.reason}.`)
  return fitted
}
