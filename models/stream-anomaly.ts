import { NO_RANGE, noveltyOf, type RangeState } from './range-novelty.ts'
import { WeekProfile, type WeekProfileState } from './week-profile.ts'

/** What about a stream is unusual; each is watched against its own range. */
export const ANOMALY_TRAITS = ['value', 'short', 'middle', 'long', 'spread', 'step', 'week'] as const
export type AnomalyTrait = (typeof ANOMALY_TRAITS)[number]

/** How unusual a reading is, and what about it. */
export interface AnomalyScore {
  /** 0 usual, 0.5 where an alarm is due, towards 1 the further outside. */
  score: number
  trait: AnomalyTrait
}

/** What is remembered of a stream. Plain, for a checkpoint: bounded, about 4 KB. */
export interface StreamAnomalyState {
  count: number
  last: number
  short: number
  middle: number
  long: number
  spreadMean: number
  spreadVariance: number
  weekAway: number
  weekAways: number
  ranges: Record<AnomalyTrait, RangeState>
  week: WeekProfileState
}

/** Memories of the means, in readings. */
const SHORT = 4
const MIDDLE = 12
const LONG = 60
/** Readings over which spread is read. */
const SPREAD = 24
/** Readings before a trait is watched at all, and before its range has been seen well enough to be broken. */
const SETTLING = 24
const RANGE_KNOWN = 200
/** A spread below this share of the range is stillness: how still does not matter. */
const STILL = 0.01
/** A record broken by this share of the range is due an alarm: fixed on public streams, see docs/predictions.md. */
const ALARM_OUTSIDE = 0.075

/**
 * How unusual a device's metric is against its own past: its value, its means over a few, a dozen and some sixty
 * readings (drifts), its spread (a still or a restless sensor), its step from one reading to the next, and its
 * distance from the usual week. Each is a number with a range of its own ({@link noveltyOf}); the score is that of
 * the furthest outside.
 *
 * It counts in readings: hand it minute or hour aggregates, evenly spaced. O(1) per reading, bounded state.
 * Null until some 225 readings have been seen; a value that is not a number changes nothing.
 */
export class StreamAnomaly {
  readonly #state: StreamAnomalyState
  readonly #week: WeekProfile

  constructor(saved?: StreamAnomalyState) {
    this.#state = saved ? structuredClone(saved) : fresh()
    this.#week = new WeekProfile(saved?.week)
  }

  update(atMs: number, value: number): AnomalyScore | null {
    if (!Number.isFinite(value) || !Number.isFinite(atMs)) return null
    const state = this.#state
    state.count += 1
    const step = state.count === 1 ? 0 : value - state.last
    state.last = value
    state.short = mixed(state.short, value, SHORT, state.count)
    state.middle = mixed(state.middle, value, MIDDLE, state.count)
    state.long = mixed(state.long, value, LONG, state.count)
    const share = Math.max(1 / SPREAD, 1 / state.count)
    const away = value - state.spreadMean
    state.spreadMean += share * away
    state.spreadVariance = (1 - share) * (state.spreadVariance + share * away * away)
    const usual = this.#week.usual(atMs)
    this.#week.add(atMs, value)
    if (usual !== null) {
      state.weekAways += 1
      state.weekAway = mixed(state.weekAway, state.short - usual, MIDDLE, state.weekAways)
    }
    if (state.count <= SETTLING) return null
    const { ranges } = state
    const still = STILL * Math.max(ranges.value.high - ranges.value.low, Number.MIN_VALUE)
    const worst: AnomalyScore = { score: 0, trait: 'value' }
    const look = (trait: AnomalyTrait, seen: number) => {
      const known = ranges[trait].count > RANGE_KNOWN
      const outside = noveltyOf(ranges[trait], seen)
      const score = known ? outside / (outside + ALARM_OUTSIDE) : 0
      if (score > worst.score) Object.assign(worst, { score, trait })
    }
    look('value', value)
    look('short', state.short)
    look('middle', state.middle)
    look('long', state.long)
    look('spread', Math.log(Math.sqrt(state.spreadVariance) + still))
    look('step', step)
    if (usual !== null) look('week', state.weekAway)
    return ranges.value.count > RANGE_KNOWN ? worst : null
  }

  save(): StreamAnomalyState {
    return structuredClone({ ...this.#state, week: this.#week.save() })
  }
}

/** An exponentially weighted mean that starts as a plain one. */
const mixed = (mean: number, value: number, memory: number, count: number): number =>
  mean + Math.max(1 / memory, 1 / count) * (value - mean)

function fresh(): StreamAnomalyState {
  const ranges = Object.fromEntries(ANOMALY_TRAITS.map((trait) => [trait, { ...NO_RANGE }])) as Record<
    AnomalyTrait,
    RangeState
  >
  return {
    count: 0,
    last: 0,
    short: 0,
    middle: 0,
    long: 0,
    spreadMean: 0,
    spreadVariance: 0,
    weekAway: 0,
    weekAways: 0,
    ranges,
    week: new WeekProfile().save(),
  }
}
