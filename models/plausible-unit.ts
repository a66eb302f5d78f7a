import type { LifeUnit } from './fleet-curve.ts'
import type { TrackedLevel } from './level-tracker.ts'

/** No metric, counter or load of a household comes near; beyond it arithmetic loses digits, and squares overflow. */
const MAGNITUDE_MOST = 1e12
/** Loads and lives are positive; a smaller one is a unit mistaken or a field left empty. */
const POSITIVE_LEAST = 1e-6

const plausible = (value: number): boolean => Math.abs(value) <= MAGNITUDE_MOST
const plausiblePositive = (value: number): boolean => value >= POSITIVE_LEAST && value <= MAGNITUDE_MOST

export const plausibleCovariates = (covariates: readonly number[]): boolean => covariates.every(plausiblePositive)

export const plausibleLevel = ({ use, level, slope }: TrackedLevel): boolean =>
  plausible(use) && use >= 0 && plausible(level) && plausible(slope)

/**
 * A unit's history as far as it can be believed, or null: points that are numbers, none after its end,
 * in the order of use. A history whose life or load is no positive number teaches nothing.
 */
export function plausibleUnit({ points, endUse, covariates }: LifeUnit): LifeUnit | null {
  if (!plausibleCovariates(covariates) || (endUse !== null && !plausiblePositive(endUse))) return null
  const kept = points.filter((point) => plausibleLevel(point) && (endUse === null || point.use <= endUse))
  return kept.length === 0 ? null : { points: kept.sort((a, b) => a.use - b.use), endUse, covariates }
}
