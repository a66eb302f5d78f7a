import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Runs until hair and wear stop a brush, until a filter lets nothing through, until a battery has lost three tenths. */
const BRUSH_RUNS = 320
const FILTER_RUNS = 170
const BATTERY_RUNS = 900
const BRUSH_MA = 320
const CAPACITY_MAH = 5_200
const CAPACITY_LOST = 0.3

export interface RobotVacuumOptions {
  random: Random
  initialWear?: { 'main-brush'?: number; 'dust-filter'?: number; battery?: number }
}

/** A robot vacuum on its daily round, over floors and carpets, past a dog or not. */
export class RobotVacuum extends Appliance {
  readonly category = 'robot-vacuum'
  readonly #random: Random
  readonly #hair: number
  readonly #carpet: number
  readonly #startHour: number
  #ranOnDay = Number.NaN
  #runs: number
  #last = { brushMa: BRUSH_MA, suctionPct: 100, capacityMah: CAPACITY_MAH }

  constructor({ random, initialWear = {} }: RobotVacuumOptions) {
    const { 'main-brush': brush = 0, 'dust-filter': filter = 0, battery = 0 } = initialWear
    super({ 'main-brush': brush, 'dust-filter': filter, battery })
    this.#random = random
    this.#hair = 0.7 + 0.6 * random.next()
    this.#carpet = 1 + 0.03 * random.normal()
    this.#startHour = 9 + 4 * random.next()
    this.#runs = Math.round(battery * BATTERY_RUNS)
    this.#run(0)
  }

  protected live(_hours: number, atMs: number): void {
    const { day, hour } = localTime(atMs)
    if (day === this.#ranOnDay || hour < this.#startHour) return
    this.#ranOnDay = day
    if (this.#random.chance(0.9)) this.#run(1)
  }

  protected sense(): Record<string, number> {
    return {
      brush_ma: this.#last.brushMa,
      suction_pct: this.#last.suctionPct,
      capacity_mah: this.#last.capacityMah,
      runs: this.#runs,
    }
  }

  protected override renewed(): void {
    this.#run(0)
  }

  #run(runs: number): void {
    this.#runs += runs
    this.wearBy('main-brush', (runs * this.#hair) / BRUSH_RUNS)
    this.wearBy('dust-filter', (runs * (0.5 + this.#random.next())) / FILTER_RUNS)
    this.wearBy('battery', runs / BATTERY_RUNS)
    const normal = (): number => this.#random.normal()
    const brush = BRUSH_MA * this.#carpet * (1 + 0.9 * Math.min(1.2, this.wear('main-brush')) ** 2)
    const suction = 100 * (1 - 0.5 * Math.min(1.2, this.wear('dust-filter')) ** 1.6)
    const capacity = CAPACITY_MAH * (1 - CAPACITY_LOST * Math.min(1.3, this.wear('battery')))
    this.#last = {
      brushMa: sensed(brush, normal(), { error: 0.05, digits: 0 }),
      suctionPct: sensed(suction, normal(), { error: 0.03, digits: 1 }),
      capacityMah: sensed(capacity, normal(), { error: 0.012, digits: 0 }),
    }
  }
}
