import type { CatalogEntry } from '#catalog'
import type { ReadingValue, RuleDocument } from '#contracts'
import type { Random } from '#platform'
import { type DeviceModel, makeAppliance } from '#simulators'
import type { TrainedFleet } from './train-fleet.ts'

const DAY_MS = 86_400_000
/** Of a typical life: the middle of the service window, which is from a quarter to a twentieth of it. */
const BELOW_SHARE = 0.15
/** What a remaining life may be asked for. */
const BELOW_DAYS_MAX = 365
/** An appliance is this many typical lives of its longest part old at most, and this many years. */
const LIVES_OLD_MOST = 1.2
const YEARS_OLD_MOST = 8
/** Homes replace a part somewhere between these. */
const REPLACED_FROM_WEAR = 0.85
const REPLACED_TO_WEAR = 1

/** For each part whose life the past has taught one rule of the same form: as many days are left as a seventh of a life. */
export function forecastRules(entry: CatalogEntry, { models }: TrainedFleet): RuleDocument[] {
  return [...models].map(([component, { typicalDays }]) => {
    const service = entry.rules.find((rule) => rule.component === component)?.service
    const below = Math.max(1, Math.min(BELOW_DAYS_MAX, Math.round(BELOW_SHARE * typicalDays)))
    return {
      key: `${component}-due`,
      name: { en: `${component} soon due`, 'zh-CN': `${component} 即将到期` },
      scope: { product: entry.product.key },
      component,
      severity: 'info',
      when: { remaining: { component, below: `${below}d`, confidence: 0.5 } },
      keep: '24h',
      latch: 'until-serviced',
      ...(service ? { dispatch: 'offer', service } : { dispatch: 'notify' }),
    }
  })
}

/** A service of the past, with what the appliance then showed. */
export interface PastService {
  atMs: number
  component: string
  values: Record<string, ReadingValue>
}

export interface GrownAppliance {
  model: DeviceModel
  installedMs: number
  services: readonly PastService[]
}

/**
 * An appliance that has lived until now from the day it was installed, its parts replaced as homes do, each service with
 * its date and reading in the brand's books.
 */
export function grownAppliance(
  { category }: CatalogEntry,
  given: { city: Random; random: Random; forecast: TrainedFleet; untilMs: number; wearMost: number },
): GrownAppliance {
  const { city, random, forecast, untilMs, wearMost } = given
  const model = makeAppliance(category, { city, random: random.fork('life') })
  const longestDays = Math.max(...[...forecast.models.values()].map(({ typicalDays }) => typicalDays), 1)
  const ageDays = Math.floor(random.next() * Math.min(LIVES_OLD_MOST * longestDays, YEARS_OLD_MOST * 365))
  const installedMs = untilMs - ageDays * DAY_MS
  const services: PastService[] = []
  const drawn = (): number => REPLACED_FROM_WEAR + (REPLACED_TO_WEAR - REPLACED_FROM_WEAR) * random.next()
  const limits = new Map(model.components.map((component) => [component, drawn()]))
  for (let atMs = installedMs; atMs < untilMs; atMs += model.everyMs) {
    const values = model.measure(atMs)
    const last = atMs + model.everyMs >= untilMs
    for (const component of model.components) {
      if (model.wear(component) < (last ? wearMost : limits.get(component)!)) continue
      model.replace(component)
      services.push({ atMs, component, values })
      limits.set(component, drawn())
    }
  }
  return { model, installedMs, services }
}
