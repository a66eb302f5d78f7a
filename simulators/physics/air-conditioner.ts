import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { type CityClimate, localTime } from './climate.ts'

/** Hours of running that clog a mesh filter nobody washes. */
const FILTER_HOURS = 900
/** Share of the charge whose loss ends cooling. */
const CHARGE_LOST_FAILED = 0.3
/** One unit in eight leaks at a flare nut; the others lose next to nothing. */
const LEAKS = 1 / 8
const FAN_LOAD_CLEAN_PCT = 55
const SUPERHEAT_FULL_K = 5

export interface AirConditionerOptions {
  climate: CityClimate
  random: Random
  initialWear?: { 'dust-filter'?: number; refrigerant?: number }
}

/** A split air conditioner: idle in spring and autumn, when nothing of it can be seen. */
export class AirConditioner extends Appliance {
  readonly category = 'air-conditioner'
  readonly #climate: CityClimate
  readonly #random: Random
  readonly #dust: number
  /** Share of the charge lost in a year. */
  readonly #leakPerYear: number
  #runHours: number
  #running = false

  constructor({ climate, random, initialWear = {} }: AirConditionerOptions) {
    super({ 'dust-filter': initialWear['dust-filter'] ?? 0, refrigerant: initialWear.refrigerant ?? 0 })
    this.#climate = climate
    this.#random = random
    this.#dust = 0.7 + 0.6 * random.next()
    this.#leakPerYear = random.chance(LEAKS) ? 0.15 + 0.25 * random.next() : 0.004
    this.#runHours = Math.round(1_500 * random.next())
  }

  protected live(hours: number, atMs: number): void {
    this.#running = wanted(this.#climate.at(atMs).outdoorTemperatureC, atMs)
    this.wearBy('refrigerant', (this.#leakPerYear / CHARGE_LOST_FAILED) * (hours / 8_766))
    if (!this.#running) return
    this.#runHours += hours
    this.wearBy('dust-filter', (hours * this.#dust) / FILTER_HOURS)
  }

  protected sense(): Record<string, number | boolean> {
    const base = { running: this.#running, run_hours: Math.round(this.#runHours * 10) / 10 }
    if (!this.#running) return base
    const load = FAN_LOAD_CLEAN_PCT * (1 + 0.8 * Math.min(1, this.wear('dust-filter')) ** 1.6)
    const superheat = SUPERHEAT_FULL_K + 14 * Math.min(1.2, this.wear('refrigerant')) ** 2
    return {
      ...base,
      fan_load_pct: Math.min(100, sensed(load, this.#random.normal(), { error: 0.03, digits: 1 })),
      superheat_k: sensed(superheat, this.#random.normal(), { error: 0.09, digits: 1 }),
    }
  }
}

/** Somebody is at home and it is too warm or too cold. */
function wanted(outdoorC: number, atMs: number): boolean {
  const { hour, weekday } = localTime(atMs)
  const home = weekday === 0 || weekday === 6 || hour < 8 || hour >= 17
  return home && (outdoorC > 26.5 || outdoorC < 6)
}
