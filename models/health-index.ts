import { MultivariateLinearRegression } from 'ml-regression'

/** One moment of one unit: its sensors, smoothed, and how much life it then had left (clipped where wear does not show yet). */
export interface HealthSample {
  sensors: readonly number[]
  remaining: number
}

/** Many sensors as one number that falls from a whole life to nothing. Plain, for a versioned model. */
export interface HealthIndex {
  means: number[]
  sds: number[]
  /** One per sensor, in remaining life per standard deviation; the last is the intercept. Sensors that never move have 0. */
  weights: number[]
}

/** A sensor whose spread is below this share of its size is a setting, not a measurement. */
const MOVES_LEAST = 1e-6
/** Pseudo-observations per sensor that pull its weight to zero: sensors of one machine say much the same thing. */
const PULL = 30

/**
 * Health of a machine with many sensors: the linear mixture of its sensors that on run-to-failure history came closest
 * to remaining life. What a technician sees is each sensor's share in it ({@link healthContributions}).
 *
 * Least squares by ml-regression's `MultivariateLinearRegression` on standardised sensors; the ridge penalty is
 * expressed as pseudo-observations (one row √PULL·eₖ → 0 per sensor), which needs nothing but least squares.
 * Source: Saxena et al., "Damage propagation modeling" (PHM 2008), where a linear index is the common baseline.
 *
 * O(n·k²). Null with fewer samples than sensors.
 */
export function fitHealthIndex(samples: readonly HealthSample[]): HealthIndex | null {
  const size = samples[0]?.sensors.length ?? 0
  if (size === 0 || samples.length <= size) return null
  const count = samples.length
  const means = Array.from(
    { length: size },
    (_, k) => samples.reduce((sum, { sensors }) => sum + sensors[k]!, 0) / count,
  )
  const sds = means.map((m, k) =>
    Math.sqrt(samples.reduce((sum, { sensors }) => sum + (sensors[k]! - m) ** 2, 0) / count),
  )
  const moving = [...sds.keys()].filter((k) => sds[k]! > MOVES_LEAST * Math.max(Math.abs(means[k]!), 1))
  if (moving.length === 0) return null
  const middle = samples.reduce((sum, { remaining }) => sum + remaining, 0) / count
  const inputs = samples.map(({ sensors }) => moving.map((k) => (sensors[k]! - means[k]!) / sds[k]!))
  const outputs = samples.map(({ remaining }) => [remaining - middle])
  const pulls = moving.map((_, k) => moving.map((_, j) => (j === k ? Math.sqrt(PULL) : 0)))
  const fit = new MultivariateLinearRegression([...inputs, ...pulls], [...outputs, ...pulls.map(() => [0])], {
    intercept: false,
    statistics: false,
  })
  const weights: number[] = Array.from({ length: size + 1 }, () => 0)
  for (const [at, k] of moving.entries()) weights[k] = fit.weights[at]![0]!
  weights[size] = middle
  return { means, sds, weights }
}

/** The index now, in units of remaining life. NaN in, NaN out: the caller knows which sensor was silent. O(k). */
export function readHealthIndex(index: HealthIndex, sensors: readonly number[]): number {
  return healthContributions(index, sensors).reduce((sum, part) => sum + part, index.weights.at(-1)!)
}

/** How much each sensor adds to the index (or, below zero, takes from it): the words of an explanation. O(k). */
export function healthContributions({ means, sds, weights }: HealthIndex, sensors: readonly number[]): number[] {
  return means.map((mean, k) => (weights[k] === 0 ? 0 : (weights[k]! * (sensors[k]! - mean)) / sds[k]!))
}
