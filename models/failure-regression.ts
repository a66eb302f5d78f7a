import { type ConformalBands, fitConformalBands, type Margins, marginsAt, type Residual } from './conformal.ts'
import { fitHealthIndex, type HealthIndex, type HealthSample, readHealthIndex } from './health-index.ts'

/** Samples of one unit that ran to its end. */
export interface FailedUnit {
  samples: readonly HealthSample[]
}

/** Remaining life from many sensors, learned from units that ran to failure. Plain: store it, version it. */
export interface FailureRegression {
  index: HealthIndex
  /** The second stage, on the sensors and on how their meaning changes with health. */
  bent: HealthIndex
  bands: ConformalBands
  /** No remaining life above this was ever taught: wear does not show yet. */
  most: number
  /** Root mean square error on units kept out of the fit: what the model says of itself. */
  heldOutError: number
}

/** Units are dealt into this many parts; each is judged by a regression on the others. */
const PARTS = 5

/**
 * Remaining life from many sensors: first the linear health index, then a second linear stage that may bend it.
 * Wear goes faster towards the end and other sensors speak up, so the second stage also sees powers of the index
 * and each sensor times the index. Margins by conformal prediction on units kept out ({@link fitConformalBands}).
 * Both stages are ml-regression's `MultivariateLinearRegression`, through {@link fitHealthIndex}.
 *
 * O(n·k²). Null when there are fewer samples than inputs, or fewer than two units.
 */
export function fitFailureRegression(units: readonly FailedUnit[]): FailureRegression | null {
  const fit = fitStages(units)
  if (fit === null || units.length < 2) return null
  const parts = Math.min(PARTS, units.length)
  const residuals = Array.from({ length: parts }, (_, part) => {
    const others = fitStages(units.filter((_, i) => i % parts !== part))
    return others === null ? [] : units.flatMap((unit, i) => (i % parts === part ? residualsOf(unit, i, others) : []))
  }).flat()
  const bands = fitConformalBands(residuals)
  if (bands === null) return null
  const heldOutError = Math.sqrt(residuals.reduce((sum, { error }) => sum + error * error, 0) / residuals.length)
  return { ...fit, bands, heldOutError }
}

type Stages = Pick<FailureRegression, 'index' | 'bent' | 'most'>

function fitStages(units: readonly FailedUnit[]): Stages | null {
  const samples = units.flatMap((unit) => unit.samples)
  const index = fitHealthIndex(samples)
  if (index === null) return null
  const most = samples.reduce((highest, { remaining }) => Math.max(highest, remaining), 0)
  const bent = fitHealthIndex(
    samples.map(({ sensors, remaining }) => ({ sensors: bend(index, most, sensors), remaining })),
  )
  return bent === null ? null : { index, bent, most }
}

function residualsOf({ samples }: FailedUnit, unit: number, stages: Stages): Residual[] {
  return samples.map(({ sensors, remaining }) => {
    const predicted = read(stages, sensors)
    return { predicted, error: remaining - predicted, unit, logCovariates: [] }
  })
}

/** The sensors, the index squared and cubed, and each sensor's standing times the index. */
function bend(index: HealthIndex, most: number, sensors: readonly number[]): number[] {
  const health = readHealthIndex(index, sensors) / most
  const standings = sensors.map((value, k) => (index.weights[k] === 0 ? 0 : (value - index.means[k]!) / index.sds[k]!))
  return [...sensors, health ** 2, health ** 3, ...standings.map((standing) => standing * health)]
}

function read({ index, bent, most }: Stages, sensors: readonly number[]): number {
  return Math.min(Math.max(readHealthIndex(bent, bend(index, most, sensors)), 0), most)
}

/** Remaining life now and the margins around it; null when a sensor is silent. O(k). */
export function readFailureRegression(
  model: FailureRegression,
  sensors: readonly number[],
): ({ predicted: number } & Margins) | null {
  const predicted = read(model, sensors)
  if (!Number.isFinite(predicted)) return null
  return { predicted, ...marginsAt(model.bands, predicted, []) }
}
