import type { TrackedLevel } from './level-tracker.ts'
import { fitLifeScale, type LifeScale, lifeAt } from './life-scale.ts'
import { plausibleUnit } from './plausible-unit.ts'
import { type WearPath, wearPosition } from './wear-path.ts'
import { type RidgeRow, weightedRidge } from './weighted-ridge.ts'

/** What one unit of the fleet went through, thinned to a few dozen points as {@link TrackedLevel} gives them. */
export interface LifeUnit {
  points: readonly TrackedLevel[]
  /** Use at which it was worn out; null while it still works or when it left the fleet before (censored). */
  endUse: number | null
  /** What it was exposed to: load, medium, temperature. Positive; the same in the same order for all units. */
  covariates: readonly number[]
}

/** One configuration serves every component of a kind. */
export interface FleetCurveOptions {
  path: WearPath
  /** How far apart in position two moments may be and still be compared, 0–1. */
  bandwidth: number
  /**
   * How many units' worth of doubt there is about a device's own course: its elapsed use and slope
   * count n/(n + doubt) of what n units suggest. Infinity: the fleet's mean at the same level.
   */
  doubt: number
}

/** The fleet around one position: means, and how remaining use moves with what is particular about a device. */
interface CurveNode {
  position: number
  /** Remaining use, as a share of the life expected at the covariates. */
  remaining: number
  /** Means and standard deviations of the inputs. */
  means: number[]
  sds: number[]
  coefficients: number[]
}

/** A fleet's experience as plain numbers: a model that can be stored, versioned and replayed. */
export interface FleetCurve {
  options: FleetCurveOptions
  scale: LifeScale
  nodes: CurveNode[]
  units: number
  /** The longest use the fleet has shown, as a share of expected life; beyond it nobody knows. */
  longest: number
}

/** Where a device stands, in the coordinates of its fleet. */
export interface CurvePosition {
  /** Remaining use as a share of expected life; never negative. */
  remaining: number
  /** Use so far as a share of expected life, and what is usual for a unit at this level. */
  elapsed: number
  usualElapsed: number
  /** Life expected at its covariates, in units of use. */
  life: number
  /** Standard deviation of log life from covariates the fleet has not shown. */
  logSd: number
  /** How far outside what the fleet has shown at this level, in standard deviations; below 3 is ordinary. */
  strangeness: number
}

/** Steps along the way from new to worn out: finer than any bandwidth in use. */
const NODES = 33
/** Inputs in order: elapsed use, slope, distance to the node, then the covariates. */
const DISTANCE = 2
/** Beyond this many standard deviations a device's course is not extrapolated any further. */
const TRUSTED_SDS = 3
/** Rounds in which censored units are given the remaining life the others suggest. */
const CENSORED_ROUNDS = 3

interface CurvePoint {
  position: number
  inputs: number[]
  /** Null: censored. */
  remaining: number | null
  unit: number
  weight: number
}

/**
 * The fleet's curve from new to worn out, and how a device's own course shifts and scales it.
 *
 * Every unit's history is put on common axes: the position on the wear path, and use as a share of the
 * life expected at its load and medium ({@link fitLifeScale}). Around each of a few positions, remaining
 * use is then a weighted ridge regression on elapsed use, slope and covariates: on a flat stretch, where
 * the level says little, elapsed use decides; on a steep one the level does. The penalty makes it empirical
 * Bayes: the fleet's mean first, a device's own course as far as units of the fleet have shown that it matters.
 * Sources: local regression, Cleveland and Devlin (1988); similarity-based remaining life, Wang et al. (PHM 2008);
 * censored units by Buckley and James, "Linear regression with censored data" (1979).
 *
 * O(nodes · points). Null when no unit has reached its end.
 */
export function fitFleetCurve(histories: readonly LifeUnit[], options: FleetCurveOptions): FleetCurve | null {
  const units = histories.map(plausibleUnit).filter((unit) => unit !== null)
  const lives = units.filter((unit) => unit.endUse !== null)
  const scale = fitLifeScale(lives.map((unit) => ({ life: unit.endUse!, covariates: unit.covariates })))
  if (scale === null) return null
  const points = units.flatMap((unit, index) => pointsOf(unit, index, scale, options.path))
  if (points.length === 0) return null
  const longest = units.reduce((most, { points, endUse, covariates }) => {
    const seen = endUse ?? points.at(-1)?.use ?? 0
    return Math.max(most, seen / lifeAt(scale, covariates).life)
  }, 0)
  const known = points.filter((point) => point.remaining !== null)
  let curve = build(known, { options, scale, units: lives.length, longest })
  const censored = units.flatMap((unit, index) => (unit.endUse === null ? [index] : []))
  for (let round = 0; censored.length > 0 && round < CENSORED_ROUNDS; round++) {
    const filled = points.map((point) =>
      point.remaining === null ? { ...point, remaining: imputed(point, units, curve) } : point,
    )
    curve = build(filled, { options, scale, units: units.length, longest })
  }
  return curve
}

/** Remaining use of a censored unit: what it has already lived from here, and what the others suggest from its last point on. */
function imputed(point: CurvePoint, units: readonly LifeUnit[], curve: FleetCurve): number {
  const unit = units[point.unit]!
  const last = unit.points.at(-1)!
  const there = curvePosition(curve, last, unit.covariates)
  return there.elapsed - point.inputs[0]! + there.remaining
}

function pointsOf(unit: LifeUnit, index: number, scale: LifeScale, path: WearPath): CurvePoint[] {
  const { life } = lifeAt(scale, unit.covariates)
  return unit.points.map((point) => ({
    position: clampPosition(wearPosition(point.level, path)),
    inputs: inputsOf(point, life, unit.covariates, path),
    remaining: unit.endUse === null ? null : (unit.endUse - point.use) / life,
    unit: index,
    weight: 1 / unit.points.length,
  }))
}

const clampPosition = (position: number): number => Math.min(Math.max(position, 0), 1)

function inputsOf(point: TrackedLevel, life: number, covariates: readonly number[], path: WearPath): number[] {
  return [point.use / life, slopeOf(point, life, path), 0, ...covariates.map((value) => Math.log(value))]
}

/** Way covered per expected life, by the level's slope here. */
function slopeOf({ level, slope }: TrackedLevel, life: number, path: WearPath): number {
  if (Number.isNaN(slope)) return Number.NaN
  const step = 0.01 * life * slope || 0
  const moved = wearPosition(level + step, path) - wearPosition(level, path)
  return Math.min(Math.max(moved / 0.01, -SLOPE_MOST), SLOPE_MOST)
}

/** Ten whole lives' way in one life: faster is a step, not wear. */
const SLOPE_MOST = 10

type Fleet = Pick<FleetCurve, 'options' | 'scale' | 'units' | 'longest'>

function build(points: readonly CurvePoint[], fleet: Fleet): FleetCurve {
  const nodes = Array.from({ length: NODES }, (_, k) => nodeAt(k / (NODES - 1), points, fleet))
  return { ...fleet, nodes: nodes.filter((node) => node !== null) }
}

function nodeAt(position: number, points: readonly CurvePoint[], { options, units }: Fleet): CurveNode | null {
  const near = points.flatMap((point) => {
    const away = (point.position - position) / options.bandwidth
    return Math.abs(away) > 3 ? [] : [{ point, weight: point.weight * Math.exp(-0.5 * away * away) }]
  })
  const total = near.reduce((sum, { weight }) => sum + weight, 0)
  if (!(total > 0)) return null
  const size = near[0]!.point.inputs.length
  const inputOf = (point: CurvePoint, k: number) => (k === DISTANCE ? point.position - position : point.inputs[k]!)
  const mean = (of: (point: CurvePoint) => number) =>
    near.reduce((sum, { point, weight }) => sum + weight * of(point), 0) / total
  const means = Array.from({ length: size }, (_, k) => mean((point) => inputOf(point, k)))
  const sds = means.map((m, k) => Math.sqrt(mean((point) => (inputOf(point, k) - m) ** 2)))
  const remaining = mean((point) => point.remaining!)
  const rows: RidgeRow[] = near.map(({ point, weight }) => ({
    inputs: means.map((m, k) => (sds[k]! > 1e-9 ? (inputOf(point, k) - m) / sds[k]! : 0)),
    target: point.remaining! - remaining,
    weight: weight / total,
  }))
  const doubt = Number.isFinite(options.doubt) ? options.doubt / units : 1e6
  const penalties = means.map((_, k) => (k === DISTANCE ? 1e-3 : doubt) + 1e-9)
  const coefficients = weightedRidge(rows, penalties) ?? means.map(() => 0)
  return { position, remaining, means, sds, coefficients }
}

/**
 * Where a device stands on its fleet's curve. O(1): two nodes are read, whatever the size of the fleet. What nobody
 * knows of a device, its use so far or its slope (`NaN`), is taken to be as is usual at its level.
 */
export function curvePosition(curve: FleetCurve, at: TrackedLevel, covariates: readonly number[]): CurvePosition {
  const { path } = curve.options
  const { life, logSd } = lifeAt(curve.scale, covariates)
  const inputs = inputsOf(at, life, covariates, path)
  const position = clampPosition(wearPosition(at.level, path))
  const after = curve.nodes.findIndex((node) => node.position >= position)
  const right = curve.nodes[after === -1 ? curve.nodes.length - 1 : after]!
  const left = curve.nodes[after <= 0 ? (after === 0 ? 0 : curve.nodes.length - 1) : after - 1]!
  const a = readNode(left, inputs, position)
  const b = readNode(right, inputs, position)
  const gap = right.position - left.position
  const share = gap > 0 ? (position - left.position) / gap : 0
  const usualElapsed = left.means[0]! + share * (right.means[0]! - left.means[0]!)
  return {
    remaining: Math.max(a.remaining + share * (b.remaining - a.remaining), 0),
    elapsed: Number.isNaN(inputs[0]!) ? usualElapsed : inputs[0]!,
    usualElapsed,
    life,
    logSd,
    strangeness: Math.min(a.strangeness, b.strangeness),
  }
}

function readNode(
  node: CurveNode,
  inputs: readonly number[],
  position: number,
): { remaining: number; strangeness: number } {
  let { remaining } = node
  let strangeness = 0
  for (let k = 0; k < node.means.length; k++) {
    const sd = node.sds[k]!
    if (!(sd > 1e-9)) continue
    const value = k === DISTANCE ? position - node.position : inputs[k]!
    if (Number.isNaN(value)) continue
    const away = (value - node.means[k]!) / sd
    // Covariates have their own measure of the unseen, the life scale's.
    if (k < DISTANCE) strangeness = Math.max(strangeness, Math.abs(away))
    remaining += node.coefficients[k]! * Math.min(Math.max(away, -TRUSTED_SDS), TRUSTED_SDS)
  }
  return { remaining, strangeness }
}
