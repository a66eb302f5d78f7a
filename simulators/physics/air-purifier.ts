import type { Random } from '#platform'
import { type CityClimate, localTime } from './climate.ts'
import { type DeviceModel, UnknownComponentError } from './device-model.ts'
import { type Fan, operatingPoint } from './fan-curve.ts'
import { dustCaught, type FilterMedium, filterResistance, HEPA_300 } from './filter-loading.ts'

export const AP300_FAN: Fan = { shutoffPa: 350, referenceRpm: 1_350, turbulentLoss: 1 / 300 }
const FAN_RPM = { sleep: 620, auto: 900, high: 1_350 } as const

/** Volume the purifier stands in, m³: a living room of 40 m². */
const ROOM_M3 = 100
/** Air changes per hour through windows and cracks, and the share of particles that come through with them. */
const AIR_CHANGES_PER_HOUR = 0.6
const PENETRATION = 0.8
/** Particles settle on floors and furniture, per hour (PM2.5 in homes: 0.1–0.4). */
const SETTLING_PER_HOUR = 0.2
/** A wok on a gas flame with the hood running, mg of PM2.5 per hour into the room. */
const COOKING_MG_PER_HOUR = 14
/** Sensor of the differential kind: one standard deviation, Pa. */
const DROP_NOISE_PA = 1.2
/** The purifier runs high once a day by itself to measure its filter. */
const SELF_TEST = { fromHour: 12, hours: 0.67 }

export interface AirPurifierOptions {
  climate: CityClimate
  random: Random
  /** Dust already on the filter as a share of its capacity. */
  initialWear?: number
  medium?: FilterMedium
}

/**
 * A purifier in a household: people cook, sleep, open windows; the fan answers the dust; the
 * filter keeps what the fan moves through it. Room air is one well-mixed volume whose
 * concentration is advanced by the exact solution over each interval.
 */
export class AirPurifier implements DeviceModel {
  readonly category = 'air-purifier'
  readonly components = ['hepa-filter'] as const
  readonly everyMs = 600_000
  readonly #climate: CityClimate
  readonly #random: Random
  readonly #good: FilterMedium
  #medium: FilterMedium
  /** How much this household cooks and airs, around 1. */
  readonly #habit: number
  readonly #eveningHour: number
  #atMs: number | null = null
  #dustG: number
  #roomUgM3 = 20
  #fanHours: number
  #filterHours: number

  constructor({ climate, random, initialWear = 0, medium = HEPA_300 }: AirPurifierOptions) {
    this.#climate = climate
    this.#random = random
    this.#good = medium
    this.#medium = medium
    this.#dustG = initialWear * medium.capacityG
    this.#habit = 0.75 + 0.5 * random.next()
    this.#eveningHour = 18 + random.next()
    this.#filterHours = initialWear * 4_000
    this.#fanHours = this.#filterHours + 4_000 * random.int(2)
  }

  measure(atMs: number): Record<string, number> {
    const hours = this.#atMs === null ? 0 : Math.max(0, atMs - this.#atMs) / 3_600_000
    this.#atMs = atMs
    const rpm = this.#fanRpm(atMs)
    const resistance = filterResistance(this.#medium, this.#dustG)
    const { flowM3h, filterDropPa } = operatingPoint(AP300_FAN, rpm, resistance)
    const meanUgM3 = this.#breathe(atMs, hours, flowM3h)
    this.#dustG += dustCaught(this.#medium, { pm25UgM3: meanUgM3, flowM3h, hours })
    if (rpm > 0) {
      this.#fanHours += hours
      this.#filterHours += hours
    }
    return {
      filter_dp_pa: round(Math.max(0, filterDropPa + DROP_NOISE_PA * this.#random.normal()), 1),
      fan_rpm: Math.round(rpm * (1 + 0.004 * this.#random.normal())),
      airflow_m3h: round(flowM3h * (1 + 0.01 * this.#random.normal()), 1),
      pm25_ugm3: round(this.#roomUgM3 * (1 + 0.04 * this.#random.normal()), 1),
      fan_hours: round(this.#fanHours, 2),
      filter_hours: round(this.#filterHours, 2),
    }
  }

  wear(component: string): number {
    if (component !== 'hepa-filter') throw new UnknownComponentError(this.category, component)
    return this.#dustG / this.#medium.capacityG
  }

  replace(component: string, pace = 1): void {
    if (component !== 'hepa-filter') throw new UnknownComponentError(this.category, component)
    // Less pleated paper in the same frame: full with less dust.
    this.#medium = { ...this.#good, capacityG: this.#good.capacityG / pace }
    this.#dustG = 0
    this.#filterHours = 0
  }

  /** Room concentration at the end of the interval is kept; the mean over it is what reached the filter. */
  #breathe(atMs: number, hours: number, flowM3h: number): number {
    const outdoor = this.#climate.at(atMs).outdoorPm25
    const cookingUg = this.#cooking(atMs) * COOKING_MG_PER_HOUR * 1_000 * this.#habit
    const source = PENETRATION * AIR_CHANGES_PER_HOUR * outdoor + cookingUg / ROOM_M3
    const sink = AIR_CHANGES_PER_HOUR + SETTLING_PER_HOUR + (flowM3h * this.#medium.efficiency) / ROOM_M3
    const steady = source / sink
    const before = this.#roomUgM3
    if (hours <= 0) return before
    this.#roomUgM3 = steady + (before - steady) * Math.exp(-sink * hours)
    return steady + (before - this.#roomUgM3) / (sink * hours)
  }

  /** 0–1: how hard somebody cooks now. */
  #cooking(atMs: number): number {
    const { hour, weekday } = localTime(atMs)
    const home = weekday === 0 || weekday === 6
    if (hour >= 7 && hour < 7.5) return 0.4
    if (home && hour >= 11.5 && hour < 12.5) return 0.8
    if (hour >= this.#eveningHour && hour < this.#eveningHour + 1) return 1
    return 0
  }

  #fanRpm(atMs: number): number {
    const { hour } = localTime(atMs)
    if (hour >= SELF_TEST.fromHour && hour < SELF_TEST.fromHour + SELF_TEST.hours) return FAN_RPM.high
    if (this.#roomUgM3 > 60 || this.#cooking(atMs) > 0.5) return FAN_RPM.high
    return hour >= 22.5 || hour < 7 ? FAN_RPM.sleep : FAN_RPM.auto
  }
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}
