import { median, probit } from 'simple-statistics'
import { type ConformalBands, fitConformalBands, marginsAt, type Residual } from './conformal.ts'
import { type CurvePosition, curvePosition, type FleetCurve, fitFleetCurve, type LifeUnit } from './fleet-curve.ts'
import type { TrackedLevel } from './level-tracker.ts'
import { isOutside, sidesOf } from './life-margins.ts'
import { horizonOf, type LifeModelOptions } from './life-model.ts'
import { lifeAt } from './life-scale.ts'
import { plausibleLevel, plausibleUnit } from './plausible-unit.ts'
import { type Unknown, unknown } from './unknown.ts'
import { type WearPath, wearPosition } from './wear-path.ts'

/** A part at the end of one day: where it stands on its way, and how fast its use goes on. `use` is `NaN` while nobody knows how much it was used before it was seen. */
export interface LifeDay extends TrackedLevel {
  /** Days since the epoch. */
  day: number
  /** Use per day, as of late; 1 where use is days. */
  pace: number
}

/** One life of one part, as it was seen. */
export interface SeenLife {
  points: readonly LifeDay[]
  /** When it was worn out, and its use then; null while it works or when it was taken out before (censored). */
  end: { day: number; use: number } | null
  /** Whose it is. Lives of one household are alike: they are never judged by each other. A life without one stands alone. */
  of?: string
}

/** How good a model is on lives kept out of its fit. */
export interface HeldOut {
  /** Forecasts judged, and lives they are of. */
  forecasts: number
  lives: number
  /** Mean absolute error in days, and as a share of a typical life. */
  maeDays: number
  maeShare: number
  /** The same error of saying "a typical life less the age", beside it. */
  ageAloneMaeDays: number
  /** How often 90 % intervals held, their margins being measured on the other half of the lives. */
  coverage90: number
}

/** What a fleet knows of how long a part lasts, in days. Plain numbers: store it, version it, replay it. */
export interface ServiceLife {
  curve: FleetCurve
  /** Margins in typical lives. */
  bands: ConformalBands
  typicalDays: number
  lives: number
  censored: number
  heldOut: HeldOut
}

/** Remaining life in days: the middle, and what it will be above and below of. */
export interface RemainingDays {
  known: true
  p05: number
  p10: number
  p50: number
  p90: number
  p95: number
  outOfDistribution: boolean
  /** Where it stands, for whoever explains it. */
  at: CurvePosition
}

/** With lives known to their end in fewer appliances, nobody can say how often an interval of eight in ten holds. */
export const LIVES_LEAST = 10
/** Lives beyond this teach the curve nothing new, and a night is short. */
export const LIVES_MOST = 600
const CENSORED_MOST = 200
const PARTS = 10
/** A margin of more than this many typical lives is no forecast. */
const PACE_LEAST_SHARE = 1e-3

/** One configuration for every part in service: chosen once, on simulated lives that judge nothing. */
export const SERVICE_OPTIONS = { bandwidth: 0.05, doubt: 10, pointsLeast: 5, spanLeast: 0.02 } as const

/**
 * Learns from the lives of a fleet how long a part in service still lasts, in days: {@link fitFleetCurve} for the use
 * that is left, the device's own pace for the days it takes, and margins in days (so that a pace that changes counts)
 * as curves of nine tenths of the appliances had on the remaining tenth (cross-conformal prediction, Vovk 2015).
 *
 * Unknown `no-fleet` below {@link LIVES_LEAST} appliances with a life known to its end. O(parts · nodes · points).
 */
export function fitServiceLife(seen: readonly SeenLife[], path: WearPath): ServiceLife | Unknown {
  const options: LifeModelOptions = { path, ...SERVICE_OPTIONS }
  const ended = thinned(
    seen.filter(({ end }) => end !== null),
    LIVES_MOST,
  )
  const censored = thinned(
    seen.filter(({ end }) => end === null),
    CENSORED_MOST,
  )
  const units = [...ended, ...censored].flatMap((life) => {
    const unit = plausibleUnit({ points: life.points, endUse: life.end?.use ?? null, covariates: [] })
    // What is kept of the points are the points themselves, with their days.
    return unit === null ? [] : [{ life: { ...life, points: unit.points as readonly LifeDay[] }, unit }]
  })
  const lives = units.filter(({ life }) => life.end !== null)
  const households = householdsOf(units.map(({ life }) => life))
  if (new Set(units.flatMap(({ life }, i) => (life.end === null ? [] : [households[i]]))).size < LIVES_LEAST)
    return unknown('no-fleet')
  const curve = fitFleetCurve(
    units.map(({ unit }) => unit),
    options,
  )
  if (curve === null) return unknown('no-fleet')
  const typicalDays = median(lives.map(({ life }) => daysOf(life)))
  if (!(typicalDays > 0)) return unknown('implausible-input')
  const judged = keptOut(units, households, options, typicalDays)
  const bands = fitConformalBands(judged)
  if (bands === null) return unknown('too-short-span')
  return rounded({
    curve,
    bands,
    typicalDays,
    lives: lives.length,
    censored: units.length - lives.length,
    heldOut: heldOutOf(judged, typicalDays),
  })
}

/** Remaining days of a part, or why nobody can say. O(1). */
export function remainingDays(
  { curve, bands, typicalDays }: ServiceLife,
  at: LifeDay,
  { days, span }: { days: number; span: number },
): RemainingDays | Unknown {
  const ageKnown = !Number.isNaN(at.use)
  if (!plausibleLevel(ageKnown ? at : { ...at, use: 0 })) return unknown('implausible-input')
  if (days < SERVICE_OPTIONS.pointsLeast) return unknown('too-few-points')
  // Of a few days no slope is read; a part of known age needs none.
  const short = !(span >= SERVICE_OPTIONS.spanLeast * lifeAt(curve.scale, []).life)
  if (short && !ageKnown) return unknown('too-short-span')
  const place = curvePosition(curve, short ? { ...at, slope: Number.NaN } : at, [])
  const { remaining, elapsed, life, logSd, strangeness } = place
  if (elapsed + remaining > curve.longest * horizonOf(curve.units)) return unknown('beyond-horizon')
  if (!(at.pace * typicalDays > PACE_LEAST_SHARE * life)) return unknown('no-use')
  const days50 = (remaining * life) / at.pace
  const said = days50 / typicalDays
  const whole = said * (1 + elapsed / Math.max(remaining, Number.EPSILON))
  const sides = sidesOf(said, marginsAt(bands, said, []), { strangeness, logSd, whole: logSd > 0 ? whole : 0 })
  return {
    known: true,
    p05: typicalDays * sides.p05,
    p10: typicalDays * sides.p10,
    p50: days50,
    p90: typicalDays * sides.p90,
    p95: typicalDays * sides.p95,
    outOfDistribution: isOutside(place),
    at: place,
  }
}

/**
 * The days such a part outlasts with this probability, 0.5 to 0.95: the lower end of a one-sided interval. Between the
 * measured quantiles by straight lines in the normal's own axis (simple-statistics' `probit`).
 *
 * @example daysOutlasted({ p05: 8, p10: 10, p50: 20, … }, 0.9) // => 10
 */
export function daysOutlasted({ p05, p10, p50 }: RemainingDays, confidence: number): number {
  const z = probit(confidence)
  const [z90, z95] = [probit(0.9), probit(0.95)]
  // A forecast below its own margins says the same at every confidence.
  const [far, near] = [Math.min(p05, p10, p50), Math.min(p10, p50)]
  if (z <= z90) return p50 + (near - p50) * (z / z90)
  return near + (far - near) * Math.min((z - z90) / (z95 - z90), 1)
}

/** Wear of a part, 0 new to 1 worn out, comparable across products. */
export function wearOf(level: number, path: WearPath): number {
  return Math.min(Math.max(wearPosition(level, path), 0), 1)
}

interface Judged extends Residual {
  age: number
}

/** A number for each life, the same for those of one household. */
function householdsOf(lives: readonly SeenLife[]): number[] {
  const known = new Map<string, number>()
  return lives.map(({ of }, i) => {
    const name = of ?? `alone ${i}`
    const number = known.get(name) ?? known.size
    known.set(name, number)
    return number
  })
}

function keptOut(
  units: readonly { life: SeenLife; unit: LifeUnit }[],
  households: readonly number[],
  options: LifeModelOptions,
  typicalDays: number,
): Judged[] {
  const parts = Math.min(PARTS, new Set(households).size)
  return Array.from({ length: parts }, (_, part) => {
    const curve = fitFleetCurve(
      units.filter((_, i) => households[i]! % parts !== part).map(({ unit }) => unit),
      options,
    )
    if (curve === null) return []
    return units.flatMap(({ life }, i) =>
      households[i]! % parts === part ? residualsOf(life, households[i]!, curve, typicalDays) : [],
    )
  }).flat()
}

function residualsOf({ points, end }: SeenLife, unit: number, curve: FleetCurve, typicalDays: number): Judged[] {
  if (end === null) return []
  const [first] = points
  return points.flatMap((point) => {
    const { remaining, life } = curvePosition(curve, point, [])
    if (point.day >= end.day || point.use - first!.use < SERVICE_OPTIONS.spanLeast * life) return []
    if (!(point.pace * typicalDays > PACE_LEAST_SHARE * life)) return []
    const predicted = (remaining * life) / point.pace / typicalDays
    const error = (end.day - point.day) / typicalDays - predicted
    return [{ predicted, error, unit, logCovariates: [], age: ageDaysOf(point) / typicalDays }]
  })
}

function heldOutOf(judged: readonly Judged[], typicalDays: number): HeldOut {
  const mean = (values: readonly number[]): number => values.reduce((sum, it) => sum + it, 0) / values.length
  const ageAlone = judged.map(({ predicted, error, age }) => Math.abs(predicted + error - Math.max(1 - age, 0)))
  const mae = mean(judged.map(({ error }) => Math.abs(error)))
  let held = 0
  for (const half of [0, 1]) {
    const bands = fitConformalBands(judged.filter(({ unit }) => unit % 2 !== half))
    if (bands === null) continue
    for (const { unit, predicted, error } of judged) {
      if (unit % 2 !== half) continue
      const { low90, high90 } = marginsAt(bands, predicted, [])
      if (error >= low90 && error <= high90) held++
    }
  }
  return {
    forecasts: judged.length,
    lives: new Set(judged.map(({ unit }) => unit)).size,
    maeDays: mae * typicalDays,
    maeShare: mae,
    ageAloneMaeDays: mean(ageAlone) * typicalDays,
    coverage90: held / judged.length,
  }
}

/** Age of a part by its use at its pace so far; where use is days, its age. */
function ageDaysOf({ use, pace }: LifeDay): number {
  return pace > 0 ? use / pace : 0
}

/** Days a whole life took: as many as were seen, and those before by the pace it then had. */
function daysOf({ points, end }: SeenLife): number {
  const [first] = points
  return end!.day - first!.day + ageDaysOf(first!)
}

/** Evenly picked, so that the same lives always make the same choice. */
function thinned<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items
  return Array.from({ length: most }, (_, k) => items[Math.floor((k * items.length) / most)]!)
}

/** Six digits are more than any fleet knows, and make a record of the log half as long. */
function rounded<T>(value: T): T {
  if (typeof value === 'number') return Number(value.toPrecision(6)) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rounded(member)])) as T
}
