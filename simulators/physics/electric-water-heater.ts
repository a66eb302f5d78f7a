import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

const HOURS_PER_YEAR = 8_766
/** Years a magnesium rod protects a tank in water of ordinary conductivity, and until scale overheats the element. */
const ANODE_YEARS = 2.2
const SCALE_YEARS = 2.6
/** Protective current of a fresh rod, mA; it falls with the surface that is left. */
const ANODE_MA = 6
/** How much hotter than the water a clean element runs, K. */
const ELEMENT_OVER_K = 18

export interface ElectricWaterHeaterOptions {
  random: Random
  initialWear?: { anode?: number; element?: number }
}

/** A storage water heater: the anode dies so that the tank may live; scale keeps the element's heat in. */
export class ElectricWaterHeater extends Appliance {
  readonly category = 'electric-water-heater'
  readonly #random: Random
  readonly #conductivity: number
  readonly #hardness: number

  constructor({ random, initialWear = {} }: ElectricWaterHeaterOptions) {
    super({ anode: initialWear.anode ?? 0, element: initialWear.element ?? 0 })
    this.#random = random
    this.#conductivity = 1 + 0.05 * random.normal()
    this.#hardness = 0.7 + 0.6 * random.next()
  }

  protected live(hours: number): void {
    this.wearBy('anode', (hours * this.#conductivity) / (ANODE_YEARS * HOURS_PER_YEAR))
    this.wearBy('element', (hours * this.#hardness) / (SCALE_YEARS * HOURS_PER_YEAR))
  }

  protected sense(atMs: number): Record<string, number> {
    const left = Math.max(0, 1 - this.wear('anode'))
    const over = ELEMENT_OVER_K * (1 + 1.8 * Math.min(1.2, this.wear('element')) ** 1.3)
    const { hour } = localTime(atMs)
    return {
      anode_ma: sensed(ANODE_MA * this.#conductivity * left ** 0.6, this.#random.normal(), { error: 0.05, digits: 2 }),
      element_over_k: sensed(over, this.#random.normal(), { error: 0.04, digits: 1 }),
      water_c: sensed(hour >= 6 && hour < 9 ? 48 : 55, this.#random.normal(), { error: 0.03, digits: 1 }),
    }
  }
}
