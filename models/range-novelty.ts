/** What is remembered of a number's own range. Plain, for a checkpoint. */
export interface RangeState {
  count: number
  high: number
  low: number
  middle: number
}

export const NO_RANGE: RangeState = { count: 0, high: 0, low: 0, middle: 0 }

/** The ends of the range draw towards the middle by this share per value: what happened once is forgotten in a season. */
const FORGET = 1 / 20_000
/** Memory of the middle, in values. */
const MIDDLE_MEMORY = 500
/** A range narrower than this share of the middle's size is a display's last digit. */
const RANGE_LEAST = 1e-3

/**
 * How far a value lies outside everything this number has been, as a share of the width of that range; 0 inside.
 * A record broken by a tenth of the range is rare whatever the distribution, and is itself the new record: the same
 * excess does not count twice. That makes for few false alarms without assuming a shape.
 * Source: record statistics (Arnold, Balakrishnan and Nagaraja, "Records", 1998), with slow forgetting.
 *
 * Looks, then remembers: updates `state` in place. O(1). 0 until the first value, and for what is not a number.
 */
export function noveltyOf(state: RangeState, value: number): number {
  if (!Number.isFinite(value)) return 0
  if (state.count === 0) {
    Object.assign(state, { count: 1, high: value, low: value, middle: value })
    return 0
  }
  const width = Math.max(state.high - state.low, RANGE_LEAST * Math.abs(state.middle), Number.MIN_VALUE)
  const outside = Math.max(value - state.high, state.low - value, 0) / width
  state.count += 1
  state.middle += (value - state.middle) * Math.max(1 / MIDDLE_MEMORY, 1 / state.count)
  state.high = value > state.high ? value : state.high - (state.high - state.middle) * FORGET
  state.low = value < state.low ? value : state.low + (state.middle - state.low) * FORGET
  return outside
}
