import type { JobView, Text } from '#contracts'
import { el } from './dom.ts'
import type { Page } from './session.ts'
import { sayCode, type Word } from './words.ts'

/** What every part of the technician's page works with. */
export type Job = Page<JobView>
export type Item = JobView['items'][number]

export function textList(tag: 'ul' | 'ol', texts: readonly Text[], { locale }: Pick<Job, 'locale'>): HTMLElement {
  return el(tag, {}, ...texts.map((text) => el('li', {}, text[locale])))
}

/** A part by its name where the packet tells it, always with the number on its box. */
export function partName(view: JobView, sku: string, { locale }: Pick<Job, 'locale'>): string {
  const name = view.workOrder.charge.lines.find((line) => line.sku === sku)?.name?.[locale]
  return name === undefined ? sku : `${name} ${sku}`
}

export function productName({ device }: Item, { locale }: Pick<Job, 'locale'>): string {
  return device.productName?.[locale] ?? device.product
}

/** Codes that mean something else elsewhere on the pages. */
const OWN: Readonly<Record<string, Word>> = { price: 'reasonPrice', other: 'otherReason', failed: 'statusFailed' }

/** A status, reason or verdict in words. */
export function code(say: Job['say'], value: string): string {
  return OWN[value] === undefined ? sayCode(say, value) : say(OWN[value])
}

/** Whole minutes since something, as people say it: `3 h 5 min`. */
export function isoMinutes(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60))
  const hours = Math.floor(minutes / 60)
  return hours >= 24 ? `P${Math.floor(hours / 24)}DT${hours % 24}H` : `PT${hours}H${minutes % 60}M`
}
