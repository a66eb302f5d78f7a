import type { Random } from '#platform'
import { type AlkalinePack, LR6_PACK, packVoltage } from './alkaline-cell.ts'
import { type CityClimate, localTime } from './climate.ts'
import { type DeviceModel, UnknownComponentError } from './device-model.ts'
import { type LockMotor, SL100_MOTOR, throwBolt } from './lock-motor.ts'

/** Radio and keypad asleep with a keep-alive each minute, mA. */
const QUIESCENT_MA = 0.22
/** Fingerprint reader, display and voice for eight seconds at 90 mA, mAh per opening. */
const WAKE_MAH = (90 * 8) / 3_600
/** While the radio sends its reading, A: the load under which the lock measures its cells. */
const MEASURE_AMPS = 0.09
/** Share of the charge after which four cells no longer turn the motor at room temperature: the family is locked out. */
const USABLE_DEPTH = 0.95
/** Friction at which the bolt no longer moves in time on fresh cells: the motor counts as failed. */
const FRICTION_FAILED = 1.9
/** A door that sags makes each throw wear the drive more. */
const WEAR_PER_THROW = 1 / 60_000

export interface SmartLockOptions {
  climate: CityClimate
  random: Random
  initialWear?: { cells?: number; 'lock-motor'?: number }
  /** How fast the door sags: friction gained per day. */
  sagPerDay?: number
  pack?: AlkalinePack
  motor?: LockMotor
}

/** A lock on a flat's door: the family comes and goes, the cells empty, the door sags. */
export class SmartLock implements DeviceModel {
  readonly category = 'smart-lock'
  readonly components = ['cells', 'lock-motor'] as const
  readonly everyMs = 1_800_000
  readonly #climate: CityClimate
  readonly #random: Random
  readonly #goodPack: AlkalinePack
  #pack: AlkalinePack
  readonly #motor: LockMotor
  readonly #throwsPerDay: number
  readonly #sagPerDay: number
  #atMs: number | null = null
  #usedMah: number
  #friction: number
  #throws: number
  #stalls = 0
  #lastThrowMs: number
  #motorPace = 1

  constructor({
    climate,
    random,
    initialWear = {},
    sagPerDay = 0.0012,
    pack = LR6_PACK,
    motor = SL100_MOTOR,
  }: SmartLockOptions) {
    this.#climate = climate
    this.#random = random
    this.#goodPack = pack
    this.#pack = pack
    this.#motor = motor
    this.#throwsPerDay = 18 + 18 * random.next()
    this.#sagPerDay = sagPerDay
    this.#usedMah = (initialWear.cells ?? 0) * USABLE_DEPTH * pack.capacityMah
    this.#friction = (initialWear['lock-motor'] ?? 0) * FRICTION_FAILED
    this.#throws = Math.round((initialWear['lock-motor'] ?? 0.1) * 20_000)
    this.#lastThrowMs = throwBolt(motor, { volts: this.#voltage(20, 0.3), friction: this.#friction }).ms
  }

  measure(atMs: number): Record<string, number> {
    const hours = this.#atMs === null ? 0 : Math.max(0, atMs - this.#atMs) / 3_600_000
    this.#atMs = atMs
    // A door stands between a heated flat and a stairwell: half of the outdoor swing reaches it.
    const temperatureC = 14 + 0.45 * (this.#climate.at(atMs).outdoorTemperatureC - 14)
    this.#usedMah += QUIESCENT_MA * hours
    this.#friction += (this.#motorPace * this.#sagPerDay * hours) / 24
    const expected = (this.#throwsPerDay * comingsAndGoings(atMs) * hours) / 24
    for (let n = poisson(this.#random, expected); n > 0; n--) this.#throw(temperatureC)
    const volts = this.#voltage(temperatureC, MEASURE_AMPS)
    return {
      battery_mv: Math.max(0, Math.round(1_000 * volts + 4 * this.#random.normal())),
      temperature_c: Math.round(10 * (temperatureC + 0.2 * this.#random.normal())) / 10,
      motor_ms: Math.round(this.#lastThrowMs),
      throws: this.#throws,
      stalls: this.#stalls,
    }
  }

  wear(component: string): number {
    if (component === 'cells') return this.#depth() / USABLE_DEPTH
    if (component === 'lock-motor') return this.#friction / FRICTION_FAILED
    throw new UnknownComponentError(this.category, component)
  }

  replace(component: string, pace = 1): void {
    if (component === 'cells') {
      this.#usedMah = 0
      // Old stock: new by its label, with less charge in it.
      this.#pack = { ...this.#goodPack, capacityMah: this.#goodPack.capacityMah / pace }
    } else if (component === 'lock-motor') {
      this.#friction = 0
      this.#motorPace = pace
    } else throw new UnknownComponentError(this.category, component)
    // Whoever works on a lock tries it afterwards.
    this.#throw(20)
  }

  #throw(temperatureC: number): void {
    const volts = this.#voltage(temperatureC, this.#motor.stallAmps * this.#motor.loadShare * (1 + this.#friction))
    const { ms, amps, stalled } = throwBolt(this.#motor, { volts, friction: this.#friction })
    this.#lastThrowMs = ms * (1 + 0.02 * this.#random.normal())
    this.#usedMah += (amps * ms) / 3_600 + WAKE_MAH
    this.#friction += this.#motorPace * WEAR_PER_THROW * (1 + this.#friction)
    this.#throws++
    if (stalled) this.#stalls++
  }

  #depth(): number {
    return this.#usedMah / this.#pack.capacityMah
  }

  #voltage(temperatureC: number, amps: number): number {
    return packVoltage(this.#pack, { depth: this.#depth(), temperatureC, amps })
  }
}

/** How busy a front door is at this hour, with a daily mean of 1. */
function comingsAndGoings(atMs: number): number {
  const { hour } = localTime(atMs)
  if (hour < 6) return 0.05
  if (hour < 9) return 2.4
  if (hour < 17) return 0.8
  if (hour < 21) return 2.2
  return 0.35
}

/** Knuth's method; the mean is below 10 at any interval we step by. */
function poisson(random: Random, mean: number): number {
  const floor = Math.exp(-Math.min(mean, 50))
  let count = -1
  for (let product = 1; product > floor || count < 0; count++) product *= random.next()
  return count
}
