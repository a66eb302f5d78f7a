import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Hours over a wok that fill a filter with grease. */
const GREASE_HOURS = 230
const EXHAUST_M3H = 900

export interface RangeHoodOptions {
  random: Random
  initialWear?: { 'grease-filter'?: number }
}

/** A range hood over a Chinese kitchen's wok: every meal leaves some oil in the mesh. */
export class RangeHood extends Appliance {
  readonly category = 'range-hood'
  readonly #random: Random
  readonly #oil: number
  #hours: number
  #cooking = false

  constructor({ random, initialWear = {} }: RangeHoodOptions) {
    super({ 'grease-filter': initialWear['grease-filter'] ?? 0 })
    this.#random = random
    this.#oil = 0.7 + 0.6 * random.next()
    this.#hours = (initialWear['grease-filter'] ?? 0) * GREASE_HOURS
  }

  protected live(hours: number, atMs: number): void {
    this.#cooking = this.#random.chance(mealtime(atMs))
    if (!this.#cooking) return
    this.#hours += hours
    this.wearBy('grease-filter', (hours * this.#oil) / GREASE_HOURS)
  }

  protected sense(): Record<string, number | boolean> {
    const base = { running: this.#cooking, run_hours: Math.round(this.#hours * 10) / 10 }
    if (!this.#cooking) return base
    const exhaust = EXHAUST_M3H * (1 - 0.45 * Math.min(1.2, this.wear('grease-filter')) ** 1.4)
    return { ...base, exhaust_m3h: sensed(exhaust, this.#random.normal(), { error: 0.04, digits: 0 }) }
  }
}

/** Chance that somebody cooks in this half hour. */
function mealtime(atMs: number): number {
  const { hour, weekday } = localTime(atMs)
  const home = weekday === 0 || weekday === 6
  if (hour >= 7 && hour < 7.5) return 0.4
  if (hour >= 11.5 && hour < 12.5) return home ? 0.9 : 0.25
  return hour >= 18 && hour < 19.5 ? 0.8 : 0
}
