import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Ignitions that wear the spark electrode out, and hours in the flame that age its thermocouple. */
const ELECTRODE_STARTS = 5_500
const THERMOCOUPLE_HOURS = 2_200
/** Voltage of a new thermocouple in the flame; the valve needs about 12 mV to stay open. */
const FLAME_MV = 28
/** A rubber or steel hose is scrapped after this, leaking or not. */
const HOSE_HOURS = 8 * 8_766

export interface GasHobOptions {
  random: Random
  initialWear?: { 'ignition-electrode'?: number; thermocouple?: number; 'gas-path'?: number }
}

/** A gas hob: sparks that miss, and a thermocouple that feels the flame less and less. */
export class GasHob extends Appliance {
  readonly category = 'gas-hob'
  readonly #random: Random
  readonly #mealsPerDay: number
  #tries = 1
  #flameMv = FLAME_MV
  #starts: number

  constructor({ random, initialWear = {} }: GasHobOptions) {
    super({
      'ignition-electrode': initialWear['ignition-electrode'] ?? 0,
      thermocouple: initialWear.thermocouple ?? 0,
      'gas-path': initialWear['gas-path'] ?? 0,
    })
    this.#random = random
    this.#mealsPerDay = 4 + 3 * random.next()
    this.#starts = Math.round((initialWear['ignition-electrode'] ?? 0) * ELECTRODE_STARTS)
    this.#light(0)
  }

  protected live(hours: number, atMs: number): void {
    this.wearBy('gas-path', hours / HOSE_HOURS)
    if (this.#random.chance(1 - Math.exp((-this.#mealsPerDay * cooking(atMs) * hours) / 24))) this.#light(1)
  }

  protected sense(): Record<string, number> {
    return {
      ignition_tries: this.#tries,
      flame_mv: this.#flameMv,
      gas_lel_pct: Math.max(0, Math.round(0.4 * this.#random.normal() * 10) / 10),
      starts: this.#starts,
    }
  }

  protected override renewed(): void {
    this.#light(0)
  }

  #light(starts: number): void {
    this.#starts += starts
    this.wearBy('ignition-electrode', starts / ELECTRODE_STARTS)
    this.wearBy('thermocouple', (starts * (0.3 + 0.3 * this.#random.next())) / THERMOCOUPLE_HOURS)
    const misses = 2.2 * Math.min(1.2, this.wear('ignition-electrode')) ** 3
    this.#tries = 1
    for (let tries = 0; tries < 5 && this.#random.chance(misses / (1 + misses)); tries++) this.#tries++
    const flame = FLAME_MV * (1 - 0.55 * Math.min(1.2, this.wear('thermocouple')) ** 2)
    this.#flameMv = sensed(flame, this.#random.normal(), { error: 0.05, digits: 1 })
  }
}

/** Breakfast, lunch, supper; daily mean 1. */
function cooking(atMs: number): number {
  const { hour } = localTime(atMs)
  return hour >= 7 && hour < 8 ? 4 : hour >= 11.5 && hour < 12.5 ? 6 : hour >= 17.5 && hour < 19.5 ? 7 : 0
}
