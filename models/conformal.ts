import { mean, quantileSorted } from 'simple-statistics'

/** One forecast that came true: what was predicted, how far off it was (truth − predicted), and whose it was. */
export interface Residual {
  predicted: number
  error: number
  unit: number
  /** What its unit was exposed to, as logarithms: some loads are less regular than others. */
  logCovariates: readonly number[]
}

/** Margins to add to a prediction, by how large the prediction is. Plain, for a versioned model. */
export interface ConformalBands {
  /** Mean absolute error of a unit, beside its log covariates; one entry for units alike. */
  spreads: { logCovariates: readonly number[]; spread: number; units: number }[]
  bins: { centre: number; low90: number; low80: number; high80: number; high90: number }[]
  units: number
}

/** A bin with fewer residuals than this borrows from its neighbours by being merged. */
const BIN_LEAST = 20
const BINS = 10
/** Units whose covariates differ by a fifth are alike. */
const ALIKE = 0.2
/** This many units' worth of the whole fleet's spread is mixed into that of a few alike. */
const SPREAD_DOUBT = 5

/**
 * How far the truth lay from predictions of this size, so that an interval holds as often as it says.
 * A fleet's raw spread is too narrow where it was fitted; residuals of units kept out of the fit are not.
 *
 * Errors are first divided by the spread usual at the unit's load and medium ({@link spreadAt}): normalised
 * conformal prediction (Papadopoulos et al. 2011), so that a calm load does not pay for a wild one.
 *
 * Split conformal prediction (Vovk et al. 2005; Lei et al. 2018) in bins of the predicted value, after
 * Boström et al. "Mondrian conformal regressors" (2020). The rank correction (n + 1)/n counts units, not
 * moments: the moments of one life err together. Quantiles by simple-statistics' `quantileSorted`.
 *
 * O(n log n). Null without residuals.
 */
export function fitConformalBands(residuals: readonly Residual[]): ConformalBands | null {
  const sorted = residuals.filter(({ error }) => Number.isFinite(error)).sort((a, b) => a.predicted - b.predicted)
  if (sorted.length === 0) return null
  const units = new Set(sorted.map(({ unit }) => unit)).size
  const spreads = spreadsOf(sorted)
  const bins = Math.max(1, Math.min(BINS, Math.floor(sorted.length / BIN_LEAST)))
  const beyond = (share: number) => Math.min(share * (1 + 1 / units), 1)
  return {
    units,
    spreads,
    bins: Array.from({ length: bins }, (_, k) => {
      const part = sorted.slice(Math.floor((k * sorted.length) / bins), Math.floor(((k + 1) * sorted.length) / bins))
      const errors = part
        .map(({ error, logCovariates }) => error / spreadAt(spreads, logCovariates))
        .sort((a, b) => a - b)
      const centre = part.reduce((sum, { predicted }) => sum + predicted, 0) / part.length
      const at = (share: number) => quantileSorted(errors, share)
      return {
        centre,
        low90: at(1 - beyond(0.95)),
        low80: at(1 - beyond(0.9)),
        high80: at(beyond(0.9)),
        high90: at(beyond(0.95)),
      }
    }),
  }
}

function spreadsOf(residuals: readonly Residual[]): ConformalBands['spreads'] {
  const byUnit = new Map<number, { logCovariates: readonly number[]; sum: number; count: number }>()
  for (const { unit, error, logCovariates } of residuals) {
    const seen = byUnit.get(unit) ?? { logCovariates, sum: 0, count: 0 }
    byUnit.set(unit, { logCovariates, sum: seen.sum + Math.abs(error), count: seen.count + 1 })
  }
  const groups = new Map<string, { logCovariates: readonly number[]; spreads: number[] }>()
  for (const { logCovariates, sum, count } of byUnit.values()) {
    const key = logCovariates.map((log) => log.toFixed(2)).join(' ')
    const group = groups.get(key) ?? { logCovariates, spreads: [] }
    group.spreads.push(sum / count)
    groups.set(key, group)
  }
  return [...groups.values()].map((group) => ({
    logCovariates: group.logCovariates,
    spread: Math.max(mean(group.spreads), Number.EPSILON),
    units: group.spreads.length,
  }))
}

/** Spread usual at these covariates: that of units alike, leaning on the whole fleet's where they are few. */
function spreadAt(spreads: ConformalBands['spreads'], logCovariates: readonly number[]): number {
  let fleetSum = 0
  let fleetUnits = 0
  let sum = 0
  let weight = 0
  for (const group of spreads) {
    const apart = group.logCovariates.reduce((far, log, k) => far + ((log - (logCovariates[k] ?? log)) / ALIKE) ** 2, 0)
    const near = group.units * Math.exp(-0.5 * apart)
    sum += near * group.spread
    weight += near
    fleetSum += group.units * group.spread
    fleetUnits += group.units
  }
  return (sum + SPREAD_DOUBT * (fleetSum / fleetUnits)) / (weight + SPREAD_DOUBT)
}

export type Margins = Omit<ConformalBands['bins'][number], 'centre'>

/** The margins at a prediction, between bins by a straight line. */
export function marginsAt(
  { bins, spreads }: ConformalBands,
  predicted: number,
  logCovariates: readonly number[],
): Margins {
  const spread = spreads.length > 0 ? spreadAt(spreads, logCovariates) : 1
  const after = bins.findIndex(({ centre }) => centre >= predicted)
  const right = bins[after === -1 ? bins.length - 1 : after]!
  const left = bins[after === -1 ? bins.length - 1 : Math.max(after - 1, 0)]!
  const share = right === left ? 0 : (predicted - left.centre) / (right.centre - left.centre)
  const between = (key: keyof Margins) => spread * (left[key] + share * (right[key] - left[key]))
  return { low90: between('low90'), low80: between('low80'), high80: between('high80'), high90: between('high90') }
}
