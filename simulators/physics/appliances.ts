import type { Random } from '#platform'
import { AirConditioner } from './air-conditioner.ts'
import { AirPurifier } from './air-purifier.ts'
import { CityClimate } from './climate.ts'
import type { DeviceModel } from './device-model.ts'
import { Dishwasher } from './dishwasher.ts'
import { ElectricWaterHeater } from './electric-water-heater.ts'
import { GasHob } from './gas-hob.ts'
import { GasWaterHeater } from './gas-water-heater.ts'
import { RangeHood } from './range-hood.ts'
import { Refrigerator } from './refrigerator.ts'
import { RobotVacuum } from './robot-vacuum.ts'
import { SmartLock } from './smart-lock.ts'
import { WashingMachine } from './washing-machine.ts'
import { WaterPurifier } from './water-purifier.ts'

export interface ApplianceOptions {
  /** Chance of the city: who is given the same has the same weather. */
  city: Random
  /** Chance of this appliance and its household. */
  random: Random
  /** By component; those not named are new. */
  initialWear?: Readonly<Record<string, number>>
}

type Make = (options: {
  climate: CityClimate
  random: Random
  initialWear: Readonly<Record<string, number>>
}) => DeviceModel

/** One line for each kind of appliance that has physics. */
const MAKERS: Readonly<Record<string, Make>> = {
  'air-conditioner': (options) => new AirConditioner(options),
  'air-purifier': ({ initialWear, ...options }) =>
    new AirPurifier({ ...options, initialWear: initialWear['hepa-filter'] ?? 0 }),
  dishwasher: (options) => new Dishwasher(options),
  'electric-water-heater': (options) => new ElectricWaterHeater(options),
  'gas-hob': (options) => new GasHob(options),
  'gas-water-heater': (options) => new GasWaterHeater(options),
  'range-hood': (options) => new RangeHood(options),
  refrigerator: (options) => new Refrigerator(options),
  'robot-vacuum': (options) => new RobotVacuum(options),
  'smart-lock': (options) => new SmartLock(options),
  'washing-machine': (options) => new WashingMachine(options),
  'water-purifier': (options) => new WaterPurifier(options),
}

/** Kinds of appliance that can be simulated, in alphabetical order. */
export const APPLIANCE_KINDS: readonly string[] = Object.keys(MAKERS)

/** An appliance of a kind in a household of its own. Throws for a kind without physics. */
export function makeAppliance(category: string, { city, random, initialWear = {} }: ApplianceOptions): DeviceModel {
  const make = MAKERS[category]
  if (!make) throw new Error(`no physics for a ${category}`)
  return make({ climate: new CityClimate(city), random, initialWear })
}
