import { mean } from 'simple-statistics'
import { type RidgeRow, solveSymmetric, weightedRidge } from './weighted-ridge.ts'

/** A unit whose whole life is known, with what it was exposed to. */
export interface ScaledLife {
  life: number
  /** Positive numbers, the same ones in the same order for all: load, temperature above a base, particle size. */
  covariates: readonly number[]
}

/** How life depends on load and medium, and how sure that is. Plain, for a versioned model. */
export interface LifeScale {
  meanLogLife: number
  meanLogs: number[]
  exponents: number[]
  /** Posterior covariance of the exponents, row by row. */
  covariance: number[]
  /** How far a load's mean log life lies from the law, as a standard deviation. */
  misfit: number
  /** The loads it was learned from. */
  known: number[][]
  /** Largest standard deviation of expected log life among them: what residuals at known loads already show. */
  usualSd: number
}

/**
 * Before any data an exponent is 0 give or take a half. Life is counted in use (dust, litres, cycles), which
 * takes most of a load's effect away already: what is left of doubling it is seldom more than half or double.
 */
const EXPONENT_SD = 0.5
/** No law is truer than this: the least misfit of one load's mean log life taken for real. */
const MISFIT_LEAST = 0.03
/** Loads closer than a twentieth are the same load. */
const SAME_LOAD = 0.05

/**
 * Life as a power law of its covariates: log life = a + Σ bₖ log xₖ (Basquin's form), by Bayesian linear
 * regression on the mean of each load, with a normal prior on every exponent. Loads count, not units: twenty
 * units at one load say how long life is there, and nothing about another load. A covariate the fleet never
 * varied keeps its prior, and a device elsewhere on it gets that whole uncertainty: that is what makes
 * an interval widen for a load or a medium nobody has seen.
 * Source: Bishop, "Pattern Recognition and Machine Learning" (2006), 3.3; by {@link weightedRidge}.
 *
 * O(units + loads·k²). Null without a single life.
 *
 * @example at one load only: lifeAt(fitLifeScale([{ life: 100, covariates: [] }])!, []).life // => 100
 */
export function fitLifeScale(units: readonly ScaledLife[]): LifeScale | null {
  const usable = units.filter(({ life, covariates }) => life > 0 && covariates.every((value) => value > 0))
  if (usable.length === 0) return null
  const loads = Map.groupBy(usable, ({ covariates }) => covariates.map((value) => value.toPrecision(6)).join(' '))
  const cells = [...loads.values()].map((alike) => ({
    logs: alike[0]!.covariates.map(Math.log),
    logLife: mean(alike.map(({ life }) => Math.log(life))),
  }))
  const meanLogLife = mean(cells.map(({ logLife }) => logLife))
  const meanLogs = cells[0]!.logs.map((_, k) => mean(cells.map(({ logs }) => logs[k]!)))
  const rows: RidgeRow[] = cells.map(({ logs, logLife }) => ({
    inputs: logs.map((log, k) => log - meanLogs[k]!),
    target: logLife - meanLogLife,
    weight: 1,
  }))
  let misfit = MISFIT_LEAST
  let exponents: number[] = []
  // The penalty depends on the misfit and the misfit on the fit: three rounds settle it.
  for (let round = 0; round < 3; round++) {
    const penalty = (misfit / EXPONENT_SD) ** 2
    exponents =
      weightedRidge(
        rows,
        meanLogs.map(() => penalty),
      ) ?? meanLogs.map(() => 0)
    const left = rows.map(({ target, inputs }) => target - inputs.reduce((sum, x, k) => sum + x * exponents[k]!, 0))
    misfit = Math.max(Math.sqrt(mean(left.map((e) => e * e))), MISFIT_LEAST)
  }
  const covariance = posterior(rows, meanLogs.length, misfit)
  const usualSd = Math.max(...rows.map(({ inputs }) => Math.sqrt(Math.max(quadratic(covariance, inputs), 0))))
  return { meanLogLife, meanLogs, exponents, covariance, misfit, known: cells.map(({ logs }) => logs), usualSd }
}

/** (X'X/σ² + I/τ²)⁻¹, a column at a time. */
function posterior(rows: readonly RidgeRow[], size: number, misfit: number): number[] {
  const precision = new Float64Array(size * size)
  for (let a = 0; a < size; a++) {
    precision[a * size + a] = 1 / EXPONENT_SD ** 2
    for (let b = 0; b <= a; b++)
      for (const { inputs } of rows) precision[a * size + b]! += (inputs[a]! * inputs[b]!) / misfit ** 2
  }
  return Array.from({ length: size }, (_, column) => {
    const unitVector = Float64Array.from({ length: size }, (_, row) => (row === column ? 1 : 0))
    return solveSymmetric(precision.slice(), unitVector) ?? [...unitVector]
  }).flat()
}

/** x' M x */
function quadratic(matrix: readonly number[], x: readonly number[]): number {
  let sum = 0
  for (let a = 0; a < x.length; a++) for (let b = 0; b < x.length; b++) sum += x[a]! * x[b]! * matrix[a * x.length + b]!
  return sum
}

/**
 * Life expected at these covariates, in units of use, and the standard deviation of its logarithm
 * beyond what the fleet's own residuals show: 0 at a load the fleet knows.
 */
export function lifeAt(scale: LifeScale, covariates: readonly number[]): { life: number; logSd: number } {
  const logs = scale.meanLogs.map((mean, k) => (covariates[k]! > 0 ? Math.log(covariates[k]!) : mean))
  const offsets = logs.map((log, k) => log - scale.meanLogs[k]!)
  const log = offsets.reduce((sum, offset, k) => sum + scale.exponents[k]! * offset, scale.meanLogLife)
  const apart = scale.known.map((known) => known.reduce((far, value, k) => far + (logs[k]! - value) ** 2, 0))
  const unseen = 1 - Math.exp(-0.5 * (Math.min(...apart) / SAME_LOAD ** 2))
  const law = Math.max(quadratic(scale.covariance, offsets) - scale.usualSd ** 2, 0)
  return { life: Math.exp(log), logSd: Math.sqrt(unseen * scale.misfit ** 2 + law) }
}
