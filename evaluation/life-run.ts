import {
  type DeviceCourse,
  fitLifeModel,
  LevelTracker,
  type LevelTrackerOptions,
  type LifeModel,
  type LifeUnit,
  type RemainingUse,
  remainingUse,
  type TrackedLevel,
  type Unknown,
} from '#models'
import { type ComponentKind, trackerFor } from './kinds.ts'
import type { LifePlotPoint } from './life-plot.ts'

/** One life, row by row. */
export interface LifeRun {
  name: string
  /** Use at each row, in the unit wear goes by, and the reading there. */
  use: ArrayLike<number>
  value: ArrayLike<number>
  endUse: number | null
  covariates: number[]
}

/** What was learned from training runs: a model, and the tracker that goes with it. */
export interface LearnedKind {
  model: LifeModel
  tracker: LevelTrackerOptions
}

/** Points of one life that a fleet learns from: evenly spaced, since neighbours say the same. */
const POINTS_KEPT = 48

/** Learns a kind from these runs and nothing else. @throws Error when none of them reached its end */
export function learn(kind: ComponentKind, runs: readonly LifeRun[]): LearnedKind {
  const tracker = trackerFor(
    kind,
    runs.map(({ endUse }) => endUse),
  )
  const model = fitLifeModel(
    runs.map((run) => unitOf(run, tracker)),
    kind.life,
  )
  if ('known' in model) throw new Error(`The training runs make no model: ${model.reason}.`)
  return { model, tracker }
}

function unitOf(run: LifeRun, options: LevelTrackerOptions): LifeUnit {
  const tracked = track(run, options)
  const step = Math.max(1, tracked.length / POINTS_KEPT)
  const points: TrackedLevel[] = []
  for (let row = 0; row < tracked.length; row += step) points.push(tracked[Math.floor(row)]!)
  return { points, endUse: run.endUse, covariates: run.covariates }
}

/** What a tracker says after each row, so that fitting and scoring see what a hub would have seen. */
function track(run: LifeRun, options: LevelTrackerOptions): TrackedLevel[] {
  const tracker = new LevelTracker(options)
  return Array.from({ length: run.use.length }, (_, row) => {
    tracker.update(run.use[row]!, run.value[row]!)
    return tracker.read() ?? { use: run.use[row]!, level: run.value[row]!, slope: 0 }
  })
}

export interface RunQuestion {
  rows: readonly number[]
  /** Time that this much use takes from this row on. */
  timeOf(use: number, row: number): number
  /** True remaining time at a row. */
  truth(row: number): number
}

/**
 * Predictions of one run at the given rows, in time. A moment without an answer scores as "it ends now",
 * so that silence is no way to a better figure, and as an interval that misses.
 */
export function predictRun({ model, tracker }: LearnedKind, run: LifeRun, ask: RunQuestion): LifePlotPoint[] {
  const tracked = track(run, tracker)
  return ask.rows.map((row) => {
    const at = tracked[row]!
    const course = { at, covariates: run.covariates, count: row + 1, span: at.use - tracked[0]!.use }
    const said = remainingUse(model, course)
    const truth = ask.truth(row)
    if (!said.known) return { truth, predicted: 0, low: 0, high: 0 }
    const timeOf = (use: number) => ask.timeOf(use, row)
    return { truth, predicted: timeOf(said.p50), low: timeOf(said.p05), high: timeOf(said.p95) }
  })
}

/** What is known of a run after its first rows. */
export function lastCourse({ tracker }: LearnedKind, run: LifeRun, rows: number): DeviceCourse {
  const tracked = track(run, tracker).slice(0, rows)
  const at = tracked.at(-1)!
  return { at, covariates: run.covariates, count: tracked.length, span: at.use - tracked[0]!.use }
}

/** What is said of a run after each of its first rows. */
export function saidAfterEach({ model, tracker }: LearnedKind, run: LifeRun, rows: number): (RemainingUse | Unknown)[] {
  const tracked = track(run, tracker).slice(0, rows)
  return tracked.map((at, row) =>
    remainingUse(model, { at, covariates: run.covariates, count: row + 1, span: at.use - tracked[0]!.use }),
  )
}
