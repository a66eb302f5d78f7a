import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Burner starts that wear an ignition electrode out, and hours of burning that narrow a flue. */
const ELECTRODE_STARTS = 7_000
const FLUE_HOURS = 1_100
const FLUE_PA = 45
/** Carbon monoxide in the room with a clear flue, ppm; it rises when the flue is nearly closed. */
const CO_PPM = 4

export interface GasWaterHeaterOptions {
  random: Random
  initialWear?: { 'ignition-electrode'?: number; flue?: number }
}

/** An instantaneous gas water heater: sparks that need a second try, exhaust that finds less and less way out. */
export class GasWaterHeater extends Appliance {
  readonly category = 'gas-water-heater'
  readonly #random: Random
  readonly #startsPerDay: number
  /** Tries of the last starts; a start says little, some dozen say much. */
  #tries = 1
  #flue = FLUE_PA
  #starts: number

  constructor({ random, initialWear = {} }: GasWaterHeaterOptions) {
    super({ 'ignition-electrode': initialWear['ignition-electrode'] ?? 0, flue: initialWear.flue ?? 0 })
    this.#random = random
    this.#startsPerDay = 6 + 4 * random.next()
    this.#starts = Math.round((initialWear['ignition-electrode'] ?? 0) * ELECTRODE_STARTS)
    this.#burn(0)
  }

  protected live(hours: number, atMs: number): void {
    if (this.#random.chance(1 - Math.exp((-this.#startsPerDay * bathing(atMs) * hours) / 24))) this.#burn(1)
  }

  protected sense(): Record<string, number> {
    const closing = Math.max(0, this.wear('flue') - 1)
    return {
      ignition_tries: this.#tries,
      flue_pa: this.#flue,
      co_ppm: sensed(CO_PPM + 400 * closing, this.#random.normal(), { error: 0.1, digits: 0 }),
      starts: this.#starts,
    }
  }

  protected override renewed(): void {
    this.#burn(0)
  }

  #burn(starts: number): void {
    this.wearBy('ignition-electrode', starts / ELECTRODE_STARTS)
    this.wearBy('flue', (starts * 0.2 * (0.5 + this.#random.next())) / FLUE_HOURS)
    this.#starts += starts
    const misses = 2.2 * Math.min(1.2, this.wear('ignition-electrode')) ** 3
    this.#tries = 1
    for (let tries = 0; tries < 5 && this.#random.chance(misses / (1 + misses)); tries++) this.#tries++
    const flue = FLUE_PA * (1 + 1.2 * Math.min(1.2, this.wear('flue')) ** 2)
    // Wind on the outlet.
    this.#flue = sensed(flue, this.#random.normal(), { error: 0.06, digits: 1 })
  }
}

/** Morning wash, evening baths; daily mean 1. */
function bathing(atMs: number): number {
  const { hour } = localTime(atMs)
  return hour >= 6.5 && hour < 8.5 ? 3 : hour >= 18 && hour < 22.5 ? 4 : 0
}
