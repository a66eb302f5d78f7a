import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Washes until the nozzles of an arm nobody cleans are closed, and until scale halves the heater's contact. */
const SPRAY_WASHES = 480
const SCALE_WASHES = 700
const SPRAY_KPA = 30
/** Seconds to heat the water of a wash by one kelvin. */
const HEAT_S_PER_K = 22

export interface DishwasherOptions {
  random: Random
  initialWear?: { 'spray-arm'?: number; heater?: number }
}

/** A dishwasher: what is left on the plates closes the nozzles, hard water coats the heater. */
export class Dishwasher extends Appliance {
  readonly category = 'dishwasher'
  readonly #random: Random
  readonly #washesPerDay: number
  readonly #hardness: number
  #cycles: number
  #last = { sprayKpa: SPRAY_KPA, heatSPerK: HEAT_S_PER_K }

  constructor({ random, initialWear = {} }: DishwasherOptions) {
    super({ 'spray-arm': initialWear['spray-arm'] ?? 0, heater: initialWear.heater ?? 0 })
    this.#random = random
    this.#washesPerDay = 0.7 + 0.6 * random.next()
    this.#hardness = 0.7 + 0.6 * random.next()
    this.#cycles = Math.round(SCALE_WASHES * (initialWear.heater ?? 0))
    this.#wash(false)
  }

  protected live(hours: number, atMs: number): void {
    if (this.#random.chance(1 - Math.exp((-this.#washesPerDay * afterMeals(atMs) * hours) / 24))) this.#wash(true)
  }

  protected sense(): Record<string, number> {
    return { spray_kpa: this.#last.sprayKpa, heat_s_per_k: this.#last.heatSPerK, cycles: this.#cycles }
  }

  protected override renewed(): void {
    this.#wash(false)
  }

  #wash(counts: boolean): void {
    if (counts) {
      this.wearBy('spray-arm', (0.5 + this.#random.next()) / SPRAY_WASHES)
      this.wearBy('heater', this.#hardness / SCALE_WASHES)
      this.#cycles++
    }
    const spray = SPRAY_KPA * (1 + 1.1 * Math.min(1.2, this.wear('spray-arm')) ** 1.8)
    const heat = HEAT_S_PER_K * (1 + 0.6 * Math.min(1.2, this.wear('heater')) ** 1.5)
    this.#last = {
      sprayKpa: sensed(spray, this.#random.normal(), { error: 0.04, digits: 1 }),
      heatSPerK: sensed(heat, this.#random.normal(), { error: 0.02, digits: 2 }),
    }
  }
}

/** After lunch and after supper; daily mean 1. */
function afterMeals(atMs: number): number {
  const { hour } = localTime(atMs)
  return hour >= 12 && hour < 14 ? 4 : hour >= 18.5 && hour < 22 ? 4.5 : 0
}
