import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Years until a door seal no longer closes, and until a compressor has lost its valves. */
const SEAL_YEARS = 6
const COMPRESSOR_YEARS = 10
const HOURS_PER_YEAR = 8_766
/** Melting the frost of half a day behind a tight door, min. */
const DEFROST_MIN = 14
/** Back to −18 °C after a defrost with a new compressor, min. */
const PULLDOWN_MIN = 38
/** Frost follows the humidity of the kitchen through the year, this much up and down. */
const HUMID_SEASON = 0.05

export interface RefrigeratorOptions {
  random: Random
  initialWear?: { 'door-seal'?: number; compressor?: number }
}

/** A frost-free refrigerator, defrosting twice a day: frost tells of the seal, the way back to cold of the compressor. */
export class Refrigerator extends Appliance {
  readonly category = 'refrigerator'
  readonly #random: Random
  readonly #household: number
  #last = { defrostMin: DEFROST_MIN, pulldownMin: PULLDOWN_MIN }
  #hoursSinceDefrost = 0

  constructor({ random, initialWear = {} }: RefrigeratorOptions) {
    super({ 'door-seal': initialWear['door-seal'] ?? 0, compressor: initialWear.compressor ?? 0 })
    this.#random = random
    this.#household = 0.8 + 0.4 * random.next()
    this.#hoursSinceDefrost = 12 * random.next()
    this.#defrost(0)
  }

  protected live(hours: number, atMs: number): void {
    this.wearBy('door-seal', (hours * this.#household) / (SEAL_YEARS * HOURS_PER_YEAR))
    this.wearBy('compressor', (hours * this.#household) / (COMPRESSOR_YEARS * HOURS_PER_YEAR))
    this.#hoursSinceDefrost += hours
    if (this.#hoursSinceDefrost < 12) return
    this.#hoursSinceDefrost %= 12
    this.#defrost(localTime(atMs).yearShare)
  }

  protected sense(): Record<string, number> {
    return {
      defrost_min: this.#last.defrostMin,
      pulldown_min: this.#last.pulldownMin,
      freezer_c: sensed(-18, this.#random.normal(), { error: 0.03, digits: 1 }),
    }
  }

  protected override renewed(): void {
    this.#defrost(0)
  }

  #defrost(yearShare: number): void {
    const humid = 1 - HUMID_SEASON * Math.cos(2 * Math.PI * yearShare)
    const frost = DEFROST_MIN * (1 + 1.6 * Math.min(1.2, this.wear('door-seal')) ** 1.5) * humid
    const pull = PULLDOWN_MIN / (1 - 0.45 * Math.min(1.2, this.wear('compressor')) ** 2)
    this.#last = {
      defrostMin: sensed(frost, this.#random.normal(), { error: 0.04, digits: 1 }),
      pulldownMin: sensed(pull, this.#random.normal(), { error: 0.05, digits: 1 }),
    }
  }
}
