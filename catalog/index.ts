import type { JobTemplate } from '#contracts'
import { airPurifier } from './air-purifier.ts'
import type { CatalogEntry } from './entry.ts'
import { smartLock } from './smart-lock.ts'
import { washingMachine } from './washing-machine.ts'

export type { CatalogEntry, CatalogPart } from './entry.ts'

/** Every kind of product the hub knows from the start. */
export const catalog: readonly CatalogEntry[] = [airPurifier, smartLock, washingMachine]

export function catalogEntry(category: string): CatalogEntry | undefined {
  return catalog.find((entry) => entry.category === category)
}

const jobs = new Map(catalog.flatMap((entry) => entry.jobs).map((job) => [job.code, job]))

/** The job a rule names in `service.job`, with its texts and its self-service guide. */
export function jobTemplate(code: string): JobTemplate | undefined {
  return jobs.get(code)
}
