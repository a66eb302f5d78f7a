import {
  FIRING,
  GAP,
  type Happening,
  HELD,
  HELD_LATCHED,
  INACTIVE,
  NEXT_CLOCK,
  NEXT_HAPPENING,
  NEXT_STATE,
  PENDING,
  RECOVERING,
  SIGNAL_COUNT,
  START,
  STOP,
  UNKNOWN,
} from './alert-lifecycle.ts'
import type { Truth } from './truth.ts'

/**
 * One alert life as six numbers at `at` of a shared array: the condition of a rule, and each
 * further severity level of it. Between samples truth stays what the last one said until
 * `UNTIL`, then it is unknown; so a life is a function of its samples in event time alone, and
 * ticks merely reveal early what the next sample would show.
 */
export const STATE = 0
/** When the hold clock of the state started; `NaN` while it stands. */
export const SINCE = 1
/** Start of the episode opened last. */
export const STARTED = 2
/** When the state was entered. */
export const ENTERED = 3
/** Truth as of the newest sample … */
export const TRUTH = 4
/** … and until when, inclusive, it stays known without another. */
export const UNTIL = 5
export const LIFE_LENGTH = 6

/** What a rule asks for, and whether healthy is not enough. */
export interface HoldTimes {
  readonly forMs: number
  readonly keepMs: number
  readonly latched: boolean
}

/** Hears of what changed, in order; the live run acts, a re-run takes notes. */
export interface Listener {
  /** `atMs` is the event time of the change, `startedAtMs` that of the episode. */
  happened(what: Happening, atMs: number, startedAtMs: number): void
}

/** For lives whose changes nobody is told of. */
export const NOBODY: Listener = { happened: () => {} }

export function freshLife(core: number[], at: number): void {
  for (let i = 0; i < LIFE_LENGTH; i++) core[at + i] = Number.NaN
  core[at + STATE] = INACTIVE
  core[at + TRUTH] = UNKNOWN
  core[at + UNTIL] = Number.NEGATIVE_INFINITY
}

/** Looks up one cell of the life cycle and takes the step. */
export function signal(core: number[], at: number, what: number, atMs: number, listener: Listener): void {
  const state = core[at + STATE]!
  const cell = state * SIGNAL_COUNT + what
  const clock = NEXT_CLOCK[cell]
  const since = core[at + SINCE]!
  if (clock === STOP) core[at + SINCE] = Number.NaN
  else if (clock === START || Number.isNaN(since)) core[at + SINCE] = atMs
  const next = NEXT_STATE[cell]!
  if (next !== state) {
    core[at + STATE] = next
    core[at + ENTERED] = atMs
    // A hold ends in firing only from pending or latched; from pending it opens an episode.
    if (next === FIRING && state === PENDING) core[at + STARTED] = since
  }
  const happening = NEXT_HAPPENING[cell]
  if (happening) listener.happened(happening, atMs, core[at + STARTED]!)
}

/** Event time at which the hold ends, truth being known that long; `Infinity` when it will not by itself. */
export function holdEndsAt(core: readonly number[], at: number, times: HoldTimes): number {
  const since = core[at + SINCE]!
  if (Number.isNaN(since) || core[at + TRUTH] === UNKNOWN) return Number.POSITIVE_INFINITY
  const endsAt = since + (core[at + STATE] === RECOVERING ? times.keepMs : times.forMs)
  return endsAt <= core[at + UNTIL]! ? endsAt : Number.POSITIVE_INFINITY
}

/** What time alone decided before a sample at `atMs`, and the gap the sample reveals (T5). */
export function beforeSample(core: number[], at: number, times: HoldTimes, atMs: number, listener: Listener): void {
  // A hold that would end at this very moment is for the sample to decide.
  const endsAt = holdEndsAt(core, at, times)
  if (endsAt < atMs) endHold(core, at, times, endsAt, listener)
  if (core[at + TRUTH] === UNKNOWN || atMs > core[at + UNTIL]!) signal(core, at, GAP, atMs, listener)
}

/** Applies what the sample says, and what it thereby completes. */
export function afterSample(
  core: number[],
  at: number,
  times: HoldTimes,
  truth: Truth,
  untilMs: number,
  atMs: number,
  listener: Listener,
): void {
  core[at + TRUTH] = truth
  core[at + UNTIL] = untilMs
  signal(core, at, truth, atMs, listener)
  if (holdEndsAt(core, at, times) <= atMs) endHold(core, at, times, atMs, listener)
}

export function endHold(core: number[], at: number, times: HoldTimes, atMs: number, listener: Listener): void {
  signal(core, at, times.latched ? HELD_LATCHED : HELD, atMs, listener)
}
