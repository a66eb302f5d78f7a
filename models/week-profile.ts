const HOUR_MS = 3_600_000
const HOURS = 168
/** A new week counts at least this much, so that a profile follows the seasons. */
const NEW_WEEK_LEAST = 0.2

/** What is remembered of a usual week: a mean per hour of the week, and the hour being filled. Plain, for a checkpoint. */
export interface WeekProfileState {
  means: number[]
  weeks: number[]
  /** Hour since the epoch that is being filled; −1 for none. */
  openHour: number
  sum: number
  count: number
}

/**
 * The usual value at this hour of this weekday, from the weeks before. Weekday and hour in one, because an office is
 * empty on Sunday morning and a washing machine is not. Source: the seasonal part of Holt and Winters (1960), with
 * the hour's mean in place of single readings.
 *
 * O(1) per reading; 168 hours whatever the history.
 */
export class WeekProfile {
  readonly #state: WeekProfileState

  constructor(saved?: WeekProfileState) {
    this.#state = saved
      ? { ...saved, means: [...saved.means], weeks: [...saved.weeks] }
      : { means: Array(HOURS).fill(0), weeks: Array(HOURS).fill(0), openHour: -1, sum: 0, count: 0 }
  }

  /** What is usual at this time; null before this hour of the week has been seen once. */
  usual(atMs: number): number | null {
    const hour = placeOf(Math.floor(atMs / HOUR_MS))
    return this.#state.weeks[hour]! > 0 ? this.#state.means[hour]! : null
  }

  add(atMs: number, value: number): void {
    const state = this.#state
    const hour = Math.floor(atMs / HOUR_MS)
    if (hour !== state.openHour) {
      this.#close()
      Object.assign(state, { openHour: hour, sum: 0, count: 0 })
    }
    state.sum += value
    state.count += 1
  }

  #close(): void {
    const { means, weeks, openHour, sum, count } = this.#state
    if (count === 0) return
    const place = placeOf(openHour)
    weeks[place]! += 1
    means[place]! += (sum / count - means[place]!) * Math.max(NEW_WEEK_LEAST, 1 / weeks[place]!)
  }

  save(): WeekProfileState {
    return { ...this.#state, means: [...this.#state.means], weeks: [...this.#state.weeks] }
  }
}

const placeOf = (hour: number): number => ((hour % HOURS) + HOURS) % HOURS
