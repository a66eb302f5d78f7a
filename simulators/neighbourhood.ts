import { type CatalogEntry, catalog, catalogEntry } from '#catalog'
import type { Random } from '#platform'
import { makeAppliance } from './physics/appliances.ts'
import type { DeviceModel } from './physics/device-model.ts'

export interface PlannedDevice {
  serial: string
  category: string
  productKey: string
  /** Index into the homes. */
  home: number
  model: DeviceModel
  /** Days before the start that it was bought. */
  ageDays: number
}

/** What the catalog knows of the kinds among these devices. */
export function kindsOf(devices: readonly { category: string }[]): CatalogEntry[] {
  const categories = new Set(devices.map((device) => device.category))
  return catalog.filter((entry) => categories.has(entry.category))
}

/** How worn the fleet is at the start: the least and most of its components' wear. */
export const SCENARIOS = {
  /** All new: the long way. */
  fresh: { least: 0, most: 0.05 },
  /** A fleet in the field for a while: something is due every few days. */
  season: { least: 0.2, most: 0.8 },
  /** Everything is about to be due. */
  worn: { least: 0.7, most: 0.9 },
  /** Within days, nearly everything, and nothing has failed yet. */
  due: { least: 0.76, most: 0.86 },
} as const
export type Scenario = keyof typeof SCENARIOS

/** A serial begins with the first letters of its product. */
const prefixOf = (category: string): string => catalogEntry(category)!.product.key.split('-')[0]!.toUpperCase()
/** Beyond it, what is due when is left to chance. */
const SMALL_FLEET = 60
/** Devices of one home: most have one appliance of ours or two. */
const DEVICES_PER_HOME = 1.5

/**
 * Who lives where with what, from a seed. Each device has chance of its own, so that one more
 * device changes no other; all share the city's weather.
 */
export function planNeighbourhood(options: {
  devices: number
  random: Random
  scenario?: Scenario
  categories?: readonly string[]
}): { homes: number; devices: PlannedDevice[] } {
  const { random, categories = catalog.map((entry) => entry.category) } = options
  const { least, most } = SCENARIOS[options.scenario ?? 'season']
  const homes = Math.max(1, Math.ceil(options.devices / DEVICES_PER_HOME))
  const counts = new Map<string, number>()
  const devices = Array.from({ length: options.devices }, (_, i): PlannedDevice => {
    const category = categories[i % categories.length]!
    const count = (counts.get(category) ?? 0) + 1
    counts.set(category, count)
    const serial = `${prefixOf(category)}-${String(count).padStart(4, '0')}`
    const own = random.fork(serial)
    const wear = (): number => least + (most - least) * own.next()
    // Spread over the range rather than drawn, so that even a small fleet has something due early; in a large one a
    // sixth of all would be due in the same week.
    const small = options.devices <= SMALL_FLEET
    const spread = small ? least + (most - least) * (1 - ((count - 1) % 6) / 6) : wear()
    return {
      serial,
      category,
      productKey: catalogEntry(category)!.product.key,
      home: i % homes,
      model: modelOf(category, random.fork('city'), own.fork('life'), spread, wear),
      ageDays: 30 + own.int(500),
    }
  })
  return { homes, devices }
}

function modelOf(category: string, city: Random, random: Random, main: number, other: () => number): DeviceModel {
  return makeAppliance(category, { city, random, initialWear: startingWear(category, main, other) })
}

/** The first component is the one that is due by turns; the others are wherever life has brought them. */
function startingWear(category: string, main: number, other: () => number): Record<string, number> {
  const [first, ...rest] = catalogEntry(category)!
    .product.components!.filter((component) => component.recovery)
    .map((component) => component.key)
  // A bearing in mid-life has a long way to go: a little ahead, so that a season sees one fail.
  if (category === 'washing-machine') return { 'drum-bearing': Math.min(0.82, main + 0.04), 'drain-filter': other() }
  // A door sags slowly; half of it leaves the cells the first word.
  if (category === 'smart-lock') return { cells: main, 'lock-motor': 0.5 * other() }
  return Object.fromEntries([[first!, main], ...rest.map((key) => [key, other()] as const)])
}
