import type { Random } from '#platform'
import { crackAt, growCrack, lifeShare } from './bearing.ts'
import { localTime } from './climate.ts'
import { type DeviceModel, UnknownComponentError } from './device-model.ts'

/** Washes a new bearing lasts at rated load. */
const RATED_WASHES = 2_500
/** Revolutions of the drum in one wash, nearly all of them in spins. */
const REVOLUTIONS_PER_WASH = 11_000
const SPIN_RPM = 1_200
/** Vibration of an empty, balanced, new machine at full speed, mm/s. */
const FLOOR_MMS = 1.2
/** Added by an ordinary unbalanced load at full speed, mm/s. */
const IMBALANCE_MMS = 3
/** Added by a failed bearing at full speed, mm/s. */
const BEARING_MMS = 22
/** The controller slows a spin that shakes this much. */
const SHAKE_LIMIT_MMS = 30
const DRAIN_CLEAN_S = 48
/** Washes until lint closes a drain filter that nobody cleans. */
const LINT_WASHES = 260

export interface WashingMachineOptions {
  random: Random
  initialWear?: { 'drum-bearing'?: number; 'drain-filter'?: number }
  /** Washes per day. */
  washesPerDay?: number
}

/** A washing machine in a family: each load lies differently, the bearing is in all of them. */
export class WashingMachine implements DeviceModel {
  readonly category = 'washing-machine'
  readonly components = ['drum-bearing', 'drain-filter'] as const
  readonly everyMs = 1_800_000
  readonly #random: Random
  readonly #washesPerDay: number
  #atMs: number | null = null
  #crack: number
  #pace = { 'drum-bearing': 1, 'drain-filter': 1 }
  #lint: number
  #cycles: number
  #last = { vibrationMms: FLOOR_MMS, spinRpm: SPIN_RPM, drainS: DRAIN_CLEAN_S }

  constructor({ random, initialWear = {}, washesPerDay = 1.2 }: WashingMachineOptions) {
    this.#random = random
    this.#washesPerDay = washesPerDay
    this.#crack = crackAt(initialWear['drum-bearing'] ?? 0)
    this.#lint = initialWear['drain-filter'] ?? 0
    this.#cycles = Math.round((initialWear['drum-bearing'] ?? 0) * RATED_WASHES)
    this.#last = this.#spin(1)
  }

  measure(atMs: number): Record<string, number> {
    const hours = this.#atMs === null ? 0 : Math.max(0, atMs - this.#atMs) / 3_600_000
    this.#atMs = atMs
    if (this.#random.chance(1 - Math.exp(-this.#washesPerDay * washingHour(atMs) * (hours / 24)))) this.#wash()
    return {
      vibration_mms: Math.round(100 * this.#last.vibrationMms) / 100,
      spin_rpm: this.#last.spinRpm,
      drain_s: Math.round(10 * this.#last.drainS) / 10,
      cycles: this.#cycles,
    }
  }

  wear(component: string): number {
    if (component === 'drum-bearing') return lifeShare(this.#crack)
    if (component === 'drain-filter') return this.#lint
    throw new UnknownComponentError(this.category, component)
  }

  replace(component: string, pace = 1): void {
    if (component === 'drum-bearing') this.#crack = crackAt(0)
    else if (component === 'drain-filter') this.#lint = 0
    else throw new UnknownComponentError(this.category, component)
    this.#pace[component] = pace
    // A test spin without a load follows every repair.
    this.#last = this.#spin(0.2)
  }

  #wash(): void {
    const imbalance = Math.exp(0.45 * this.#random.normal())
    this.#last = this.#spin(imbalance)
    const rated = 0.5 + 0.5 * imbalance
    this.#crack = growCrack(this.#crack, {
      revolutions: REVOLUTIONS_PER_WASH * (this.#last.spinRpm / SPIN_RPM),
      load: Math.min(rated, 2),
      lifeRevolutions: (REVOLUTIONS_PER_WASH * RATED_WASHES) / this.#pace['drum-bearing'],
    })
    this.#lint += (this.#pace['drain-filter'] * (0.5 + this.#random.next())) / LINT_WASHES
    this.#cycles++
  }

  #spin(imbalance: number): { vibrationMms: number; spinRpm: number; drainS: number } {
    const full = this.#shake(imbalance, SPIN_RPM)
    const spinRpm = full > SHAKE_LIMIT_MMS ? 1_000 : SPIN_RPM
    const vibrationMms = this.#shake(imbalance, spinRpm) * (1 + 0.03 * this.#random.normal())
    const drainS = DRAIN_CLEAN_S * (1 + 2.2 * Math.min(this.#lint, 1.2) ** 2) * (1 + 0.04 * this.#random.normal())
    return { vibrationMms, spinRpm, drainS }
  }

  /** Root mean square of independent sources; unbalance grows with the square of speed. */
  #shake(imbalance: number, rpm: number): number {
    const speed = (rpm / SPIN_RPM) ** 2
    return Math.hypot(FLOOR_MMS, IMBALANCE_MMS * imbalance * speed, BEARING_MMS * this.#crack * speed)
  }
}

/** Washing is a morning and evening matter; daily mean 1. */
function washingHour(atMs: number): number {
  const { hour } = localTime(atMs)
  if (hour < 7) return 0
  if (hour < 11) return 2.4
  if (hour < 18) return 0.9
  if (hour < 22) return 2.0
  return 0
}
