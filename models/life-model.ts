import { type ConformalBands, fitConformalBands, marginsAt, type Residual } from './conformal.ts'
import { curvePosition, type FleetCurve, type FleetCurveOptions, fitFleetCurve, type LifeUnit } from './fleet-curve.ts'
import type { TrackedLevel } from './level-tracker.ts'
import { isOutside, sidesOf } from './life-margins.ts'
import { plausibleCovariates, plausibleLevel, plausibleUnit } from './plausible-unit.ts'
import { type Unknown, unknown } from './unknown.ts'

export interface LifeModelOptions extends FleetCurveOptions {
  /** Fewer readings than this, or less use than this share of an expected life, and nothing is said. */
  pointsLeast: number
  spanLeast: number
}

/** A fleet's curve with margins measured on units kept out of it. Plain numbers: store it, version it, replay it. */
export interface LifeModel {
  options: LifeModelOptions
  curve: FleetCurve
  bands: ConformalBands
}

/** Remaining use: the middle, and what it will be above and below of. In units of use. */
export interface RemainingUse {
  known: true
  p50: number
  /** 8 in 10 lie between these. */
  p10: number
  p90: number
  /** 9 in 10 lie between these. */
  p05: number
  p95: number
  /** Outside what the fleet has shown: its course, its load or its medium. The interval is wider for it. */
  outOfDistribution: boolean
}

/** Units are dealt into this many parts; each is judged by a curve of the others. */
const PARTS = 10
/**
 * Learns remaining life of one kind of component from the lives of a fleet.
 * The curve is {@link fitFleetCurve}; the margins are those that curves of nine tenths of the units
 * had on the remaining tenth (cross-conformal prediction, Vovk 2015), so that every unit serves both ends.
 * With a single unit there is nobody to judge by: its margins are as wide as its life.
 *
 * Unknown `no-fleet` when no unit has reached its end.
 */
export function fitLifeModel(histories: readonly LifeUnit[], options: LifeModelOptions): LifeModel | Unknown {
  const units = histories.map(plausibleUnit).filter((unit) => unit !== null)
  const curve = fitFleetCurve(units, options)
  if (curve === null) return unknown('no-fleet')
  const bands = fitConformalBands(keptOutResiduals(units, options))
  return { options, curve, bands: bands ?? WIDE }
}

/** Nobody to judge by: anything from worn out to twice what the one life suggests. */
const WIDE: ConformalBands = {
  units: 1,
  spreads: [],
  bins: [{ centre: 0, low90: -1, low80: -0.8, high80: 0.8, high90: 1 }],
}

function keptOutResiduals(units: readonly LifeUnit[], options: LifeModelOptions): Residual[] {
  const parts = Math.min(PARTS, units.length)
  if (parts < 2) return []
  return Array.from({ length: parts }, (_, part) => {
    const curve = fitFleetCurve(
      units.filter((_, i) => i % parts !== part),
      options,
    )
    return curve === null
      ? []
      : units.flatMap((unit, i) => (i % parts === part ? residualsOf(unit, i, curve, options) : []))
  }).flat()
}

function residualsOf(
  { points, endUse, covariates }: LifeUnit,
  unit: number,
  curve: FleetCurve,
  options: LifeModelOptions,
): Residual[] {
  if (endUse === null) return []
  return points.flatMap((point) => {
    const { remaining, life } = curvePosition(curve, point, covariates)
    const elapsed = (point.use - points[0]!.use) / life
    if (point.use > endUse || elapsed < options.spanLeast) return []
    return [
      {
        predicted: remaining,
        error: (endUse - point.use) / life - remaining,
        unit,
        logCovariates: covariates.map(Math.log),
      },
    ]
  })
}

/** What is known of a device when it asks for its remaining life. */
export interface DeviceCourse {
  at: TrackedLevel
  covariates: readonly number[]
  /** Readings behind it, and use between the first and the last. */
  count: number
  span: number
}

/** Remaining use of one device, or why nobody can say. O(1). */
export function remainingUse({ options, curve, bands }: LifeModel, course: DeviceCourse): RemainingUse | Unknown {
  const { at, covariates, count, span } = course
  if (!plausibleLevel(at) || !plausibleCovariates(covariates)) return unknown('implausible-input')
  if (count < options.pointsLeast) return unknown('too-few-points')
  const { remaining, elapsed, life, logSd, strangeness } = curvePosition(curve, at, covariates)
  if (!(span >= options.spanLeast * life)) return unknown('too-short-span')
  if (elapsed + remaining > curve.longest * horizonOf(curve.units) * Math.exp(2 * logSd))
    return unknown('beyond-horizon')
  const margins = marginsAt(bands, remaining, covariates.map(Math.log))
  const doubt = { strangeness, logSd }
  const { p05, p10, p90, p95 } = sidesOf(remaining, margins, { ...doubt, whole: elapsed + remaining })
  return {
    known: true,
    p50: life * remaining,
    p05: life * p05,
    p10: life * p10,
    p90: life * p90,
    p95: life * p95,
    outOfDistribution: isOutside(doubt),
  }
}

/** An end this far beyond the longest life the fleet has shown is not a forecast any more; a few lives have not shown much. */
export const horizonOf = (units: number): number => 1.25 + 1 / units
