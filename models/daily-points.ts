/** What is remembered of a metric by day. Plain, for a checkpoint: at most {@link DAYS_KEPT} pairs, about 4 KB. */
export interface DailyPointsState {
  /** Day since the epoch and the day's mean, alternating, oldest first; closed days only. */
  closed: number[]
  day: number
  sum: number
  count: number
}

export const NO_DAYS: DailyPointsState = { closed: [], day: -1, sum: 0, count: 0 }

/** Four months: a season's trend, and as far back as a trend still says something about next month. */
const DAYS_KEPT = 128
const DAY_MS = 86_400_000

/**
 * A metric as one mean a day, which is what wear moves by: a day takes the daily rhythm out, and a few numbers carry months.
 * Updates `state` in place; O(1) per reading (a day's close moves at most {@link DAYS_KEPT} pairs). A day before the
 * open one is left out: late readings belong to a closed day. Whether a day was closed.
 */
export function addToDays(state: DailyPointsState, atMs: number, value: number): boolean {
  if (!Number.isFinite(value) || !Number.isFinite(atMs)) return false
  const day = Math.floor(atMs / DAY_MS)
  if (day < state.day) return false
  const closes = day > state.day && state.count > 0
  if (closes) {
    state.closed.push(state.day, state.sum / state.count)
    if (state.closed.length > 2 * DAYS_KEPT) state.closed.splice(0, 2)
  }
  if (day > state.day) Object.assign(state, { day, sum: 0, count: 0 })
  state.sum += value
  state.count += 1
  return closes
}
