import { median, medianAbsoluteDeviation } from 'simple-statistics'

/** What is remembered: the first readings until the baseline stands, then three numbers. Plain, for a checkpoint. */
export interface DriftState {
  learning: number[]
  middle: number
  spread: number
  away: number
}

export const NO_DRIFT: DriftState = { learning: [], middle: 0, spread: 0, away: 0 }

/** Readings of the healthy start that make the baseline. */
const BASELINE = 200
/** Memory of the mean, in readings: a drift lasts, a knock does not. */
const MEMORY = 10
/** Makes a median absolute deviation a standard deviation where readings are normal. */
const NORMAL = 1.4826
/** A spread narrower than this share of the middle is a display's last digit. */
const SPREAD_LEAST = 1e-3

/**
 * How far a reading has drifted from the component's own healthy start, in its own standard deviations: the mean of
 * the last ten or so standings. Beyond 5 something has changed for good: of a bearing, the start of its end.
 * The baseline does not follow, so a slow drift is not learned away; start it anew when the part is replaced.
 *
 * Exponentially weighted mean chart (Roberts, 1959) on robust standings: simple-statistics' `median` and
 * `medianAbsoluteDeviation` of the first {@link BASELINE} readings.
 *
 * Updates `state` in place; O(1) after the baseline. Null until it stands, and for what is not a number.
 */
export function driftOf(state: DriftState, value: number): number | null {
  if (!Number.isFinite(value)) return null
  if (state.spread === 0) {
    state.learning.push(value)
    if (state.learning.length < BASELINE) return null
    state.middle = median(state.learning)
    state.spread = Math.max(
      NORMAL * medianAbsoluteDeviation(state.learning),
      SPREAD_LEAST * Math.abs(state.middle),
      Number.EPSILON,
    )
    state.learning = []
    return 0
  }
  state.away += ((value - state.middle) / state.spread - state.away) / MEMORY
  return state.away
}
