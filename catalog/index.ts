import type { JobTemplate } from '#contracts'
import { airConditioner } from './air-conditioner.ts'
import { airPurifier } from './air-purifier.ts'
import { dishwasher } from './dishwasher.ts'
import { electricWaterHeater } from './electric-water-heater.ts'
import type { CatalogEntry } from './entry.ts'
import { gasHob } from './gas-hob.ts'
import { gasWaterHeater } from './gas-water-heater.ts'
import { rangeHood } from './range-hood.ts'
import { refrigerator } from './refrigerator.ts'
import { robotVacuum } from './robot-vacuum.ts'
import { smartLock } from './smart-lock.ts'
import { washingMachine } from './washing-machine.ts'
import { waterPurifier } from './water-purifier.ts'

export type { CatalogEntry, CatalogPart } from './entry.ts'

/** Every kind of product the hub knows from the start. */
export const catalog: readonly CatalogEntry[] = [
  airConditioner,
  airPurifier,
  dishwasher,
  electricWaterHeater,
  gasHob,
  gasWaterHeater,
  rangeHood,
  refrigerator,
  robotVacuum,
  smartLock,
  washingMachine,
  waterPurifier,
]

export function catalogEntry(category: string): CatalogEntry | undefined {
  return catalog.find((entry) => entry.category === category)
}

const jobs = new Map(catalog.flatMap((entry) => entry.jobs).map((job) => [job.code, job]))

/** The job a rule names in `service.job`, with its texts and its self-service guide. */
export function jobTemplate(code: string): JobTemplate | undefined {
  return jobs.get(code)
}
