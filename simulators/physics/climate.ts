import type { Random } from '#platform'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** China Standard Time has no summer time, so a fixed offset is the local clock of every simulated home. */
const LOCAL_OFFSET_MS = 8 * HOUR_MS
/** How much of yesterday's haze and warmth is still there today; weather systems last three to five days. */
const DAY_TO_DAY_MEMORY = 0.75

export interface Climate {
  /** Outdoor PM2.5, µg/m³. */
  outdoorPm25: number
  outdoorTemperatureC: number
}

export interface LocalTime {
  /** 0–24, with fractions. */
  hour: number
  /** 0 = Sunday. */
  weekday: number
  /** 0–1 through the year. */
  yearShare: number
  /** Whole local days since the epoch. */
  day: number
}

export function localTime(atMs: number): LocalTime {
  const localMs = atMs + LOCAL_OFFSET_MS
  const day = Math.floor(localMs / DAY_MS)
  const yearStartMs = Date.UTC(new Date(localMs).getUTCFullYear(), 0, 1)
  return {
    hour: (localMs - day * DAY_MS) / HOUR_MS,
    weekday: (day + 4) % 7,
    yearShare: (localMs - yearStartMs) / (365.25 * DAY_MS),
    day,
  }
}

/**
 * Weather and haze of a city on the East China coast. Seasonal means follow published
 * monthly averages of the region (PM2.5 about 55 µg/m³ in January and 20 in July; 4 °C and
 * 29 °C); day-to-day scatter is a first-order autoregressive process in the logarithm for
 * haze and linear for temperature. The day's values depend on the seed and the day alone
 * as long as days are asked for in order.
 */
export class CityClimate {
  readonly #random: Random
  #day = Number.NEGATIVE_INFINITY
  #haze = 0
  #warmth = 0

  constructor(random: Random) {
    this.#random = random
  }

  at(atMs: number): Climate {
    const { day, hour, yearShare } = localTime(atMs)
    if (this.#day === Number.NEGATIVE_INFINITY) this.#day = day - 1
    for (; this.#day < day; this.#day++) {
      const innovation = Math.sqrt(1 - DAY_TO_DAY_MEMORY ** 2)
      this.#haze = DAY_TO_DAY_MEMORY * this.#haze + innovation * this.#random.normal()
      this.#warmth = DAY_TO_DAY_MEMORY * this.#warmth + innovation * this.#random.normal()
    }
    const winter = Math.cos(2 * Math.PI * (yearShare - 0.04))
    const afternoon = -Math.cos((2 * Math.PI * (hour - 3)) / 24)
    return {
      outdoorPm25: 33 * Math.exp(0.5 * winter + 0.5 * this.#haze - 0.12 * afternoon),
      outdoorTemperatureC: 16.5 - 12.5 * winter + 3.5 * afternoon + 2.5 * this.#warmth,
    }
  }
}
