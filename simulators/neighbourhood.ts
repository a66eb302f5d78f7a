import { catalog, catalogEntry } from '#catalog'
import type { Random } from '#platform'
import { AirPurifier } from './physics/air-purifier.ts'
import { CityClimate } from './physics/climate.ts'
import type { DeviceModel } from './physics/device-model.ts'
import { SmartLock } from './physics/smart-lock.ts'
import { WashingMachine } from './physics/washing-machine.ts'

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

/** How worn the fleet is at the start: the least and most of its components' wear. */
export const SCENARIOS = {
  /** All new: the long way. */
  fresh: { least: 0, most: 0.05 },
  /** A fleet in the field for a while: something is due every few days. */
  season: { least: 0.2, most: 0.8 },
  /** Everything is about to be due. */
  worn: { least: 0.7, most: 0.9 },
} as const
export type Scenario = keyof typeof SCENARIOS

const PREFIX: Record<string, string> = { 'air-purifier': 'AP', 'smart-lock': 'SL', 'washing-machine': 'WM' }
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
    const serial = `${PREFIX[category] ?? 'XX'}-${String(count).padStart(4, '0')}`
    const own = random.fork(serial)
    const wear = (): number => least + (most - least) * own.next()
    // Spread over the range rather than drawn, so that even a small fleet has something due early.
    const spread = least + (most - least) * (1 - ((count - 1) % 6) / 6)
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
  // Every device draws the same weather from the same seed: neighbours breathe the same haze.
  const climate = new CityClimate(city)
  switch (category) {
    case 'air-purifier':
      return new AirPurifier({ climate, random, initialWear: main })
    case 'smart-lock':
      return new SmartLock({ climate, random, initialWear: { cells: main, 'lock-motor': 0.5 * other() } })
    case 'washing-machine':
      return new WashingMachine({
        random,
        initialWear: { 'drum-bearing': Math.min(0.82, main + 0.04), 'drain-filter': other() },
      })
    default:
      throw new Error(`no physics for a ${category}`)
  }
}
