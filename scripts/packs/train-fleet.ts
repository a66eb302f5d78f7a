import { type CatalogEntry, catalogEntry } from '#catalog'
import { fitServiceLife, remainingDays, type SeenLife, type ServiceLife, type UnknownReason } from '#models'
import { seededRandom } from '#platform'
import { PartLife, type PartSpec, partSpecOf } from '#rules'
import { makeAppliance } from '#simulators'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2014, 0, 1)
/** Nobody follows an appliance for longer. */
const YEARS_MOST = 14
/** Lives that are enough to learn from. */
const ENDED_ENOUGH = 120
const CITIES = 20
/** Lives of one part taken of one appliance: a fleet is many households. */
const LIVES_PER_APPLIANCE = 2
/** Appliances looked at before a component that seldom fails is given up. */
const APPLIANCES_MOST = 160
/** A part is taken out once it is this worn: it has failed. */
const FAILED_WEAR = 1.05

export interface TrainedFleet {
  models: Map<string, ServiceLife>
  refused: Map<string, UnknownReason>
}

/**
 * What a brand's past would teach: appliances that ran until their parts failed, each followed as a night does. Seeds are
 * those of the past alone; none of its appliances is ever judged.
 */
export function trainFleet(category: string, seed: number, endedEnough = ENDED_ENOUGH): TrainedFleet {
  const fleet: TrainedFleet = { models: new Map(), refused: new Map() }
  for (const [spec, seen] of livesOf(category, `past ${seed}`, endedEnough)) {
    const fitted = fitServiceLife(seen, spec.path)
    if ('known' in fitted) fleet.refused.set(spec.component, fitted.reason)
    else fleet.models.set(spec.component, fitted)
  }
  return fleet
}

/** How forecasts of a component do on lives of other appliances, from the first days to the end. */
export interface JudgedForecasts {
  category: string
  component: string
  lives: number
  forecasts: number
  /** Points at which nothing was said. */
  unknown: number
  maeDays: number
  maeShare: number
  /** How often 9 in 10 held, and the lower end alone. */
  coverage90: number
  outlasted90: number
}

/** Judges models on appliances of another seed, every life followed to its end. */
export function judgeForecasts(
  category: string,
  { models }: TrainedFleet,
  seed: number,
  lives: number,
): JudgedForecasts[] {
  return livesOf(category, `judged ${seed}`, lives).flatMap(([{ component }, seen]) => {
    const model = models.get(component)
    if (!model) return []
    const ended = seen.filter(({ end }) => end !== null)
    const judged: JudgedForecasts = {
      ...{ category, component, lives: ended.length },
      ...{ forecasts: 0, unknown: 0, maeDays: 0, maeShare: 0, coverage90: 0, outlasted90: 0 },
    }
    for (const { points, end } of ended)
      for (const [i, point] of points.entries()) {
        if (point.day >= end!.day) continue
        const said = remainingDays(model, point, { days: i + 1, span: point.use - points[0]!.use })
        if (!said.known) {
          judged.unknown++
          continue
        }
        const truth = end!.day - point.day
        judged.forecasts++
        judged.maeDays += Math.abs(said.p50 - truth)
        if (said.p05 <= truth && truth <= said.p95) judged.coverage90++
        if (truth >= Math.min(said.p10, said.p50)) judged.outlasted90++
      }
    for (const figure of ['maeDays', 'coverage90', 'outlasted90'] as const) judged[figure] /= judged.forecasts
    judged.maeShare = judged.maeDays / model.typicalDays
    return [judged]
  })
}

/** Parts of the catalogue whose wear physics and product both show. */
function specsOf({ product }: CatalogEntry): PartSpec[] {
  return (product.components ?? []).flatMap(({ key, recovery }) => {
    const spec = recovery ? partSpecOf(product, key) : null
    return spec ? [spec] : []
  })
}

/** Whole lives, one after the other in each appliance, until there are enough of each part. */
function livesOf(category: string, name: string, enough: number): [PartSpec, SeenLife[]][] {
  const seen = new Map(specsOf(catalogEntry(category)!).map((spec): [PartSpec, SeenLife[]] => [spec, []]))
  const wants = (spec: PartSpec): boolean => seen.get(spec)!.filter(({ end }) => end !== null).length < enough
  for (let n = 0; n < APPLIANCES_MOST && [...seen.keys()].some(wants); n++) {
    const random = seededRandom(0).fork(`${name} ${category} ${n}`)
    // A brand sells in many cities, each with its own air and weather.
    const model = makeAppliance(category, { city: seededRandom(0).fork(`${name} city ${n % CITIES}`), random })
    const open = new Map(
      [...seen.keys()].map((spec) => [spec, { life: new PartLife(spec), bornMs: START_MS, lives: 0 }]),
    )
    const endMs = START_MS + YEARS_MOST * 365 * DAY_MS
    for (
      let atMs = START_MS;
      atMs < endMs && [...open].some(([spec, { lives }]) => wants(spec) && lives < LIVES_PER_APPLIANCE);
      atMs += model.everyMs
    ) {
      const values = model.measure(atMs)
      const value = (metric: string): number => {
        const read = values[metric]
        return typeof read === 'number' ? read : Number.NaN
      }
      for (const [spec, it] of open) {
        it.life.read(atMs, value, it.bornMs)
        if (model.wear(spec.component) < FAILED_WEAR) continue
        it.life.failed(atMs)
        const renewed = it.life.renew(atMs)
        if (it.lives < LIVES_PER_APPLIANCE) seen.get(spec)!.push({ ...renewed.seen, of: `${n}` })
        open.set(spec, { life: renewed.next, bornMs: atMs, lives: it.lives + 1 })
        model.replace(spec.component)
      }
    }
    for (const [spec, { life, lives }] of open)
      if (life.seen().points.length > 0 && lives < LIVES_PER_APPLIANCE)
        seen.get(spec)!.push({ ...life.seen(), of: `${n}` })
  }
  return [...seen]
}
