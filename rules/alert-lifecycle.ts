import type { AlertState } from '#contracts'

/**
 * What happened to a condition. `gap`: truth was unknown since the last sample, noticed by the
 * next one (T5). `held`: the state has outlasted its hold time; `heldLatched` says that the rule
 * latches. `close`: service, dismissal, or the end of rule or device.
 */
export type Signal = 'true' | 'false' | 'unknown' | 'gap' | 'held' | 'heldLatched' | 'close'

/** What others may want to hear of a step. */
export type Happening = 'opened' | 'dropped' | 'wavered' | 'cleared' | 'reopened' | 'resolved'

/**
 * The hold clock of a state: `start` at this moment, `run` on or start if it stands, `stop`.
 * A stopped clock never holds.
 */
type HoldClock = 'start' | 'run' | 'stop'

export interface Step {
  to: AlertState
  clock: HoldClock
  happening?: Happening
}

/**
 * T1–T10. Rows: where an instance is. Columns: what happened. Every cell is filled, so no case
 * is forgotten. With `for` or `keep` of 0 the state is entered and `held` at the same moment.
 */
export const LIFECYCLE: Record<AlertState, Record<Signal, Step>> = {
  inactive: {
    true: { to: 'pending', clock: 'start' }, // T1, T2
    false: { to: 'inactive', clock: 'stop' },
    unknown: { to: 'inactive', clock: 'stop' },
    gap: { to: 'inactive', clock: 'stop' },
    held: { to: 'inactive', clock: 'stop' },
    heldLatched: { to: 'inactive', clock: 'stop' },
    close: { to: 'inactive', clock: 'stop' },
  },
  pending: {
    true: { to: 'pending', clock: 'run' },
    false: { to: 'inactive', clock: 'stop' }, // T4
    unknown: { to: 'pending', clock: 'run' }, // cannot hold while unknown; the next sample shows the gap
    gap: { to: 'inactive', clock: 'stop', happening: 'dropped' }, // T5
    held: { to: 'firing', clock: 'stop', happening: 'opened' }, // T3
    heldLatched: { to: 'firing', clock: 'stop', happening: 'opened' },
    close: { to: 'inactive', clock: 'stop' },
  },
  firing: {
    true: { to: 'firing', clock: 'stop' }, // T6
    false: { to: 'recovering', clock: 'start' }, // T8
    unknown: { to: 'firing', clock: 'stop' }, // T6
    gap: { to: 'firing', clock: 'stop' },
    held: { to: 'firing', clock: 'stop' },
    heldLatched: { to: 'firing', clock: 'stop' },
    close: { to: 'inactive', clock: 'stop', happening: 'resolved' },
  },
  recovering: {
    true: { to: 'firing', clock: 'stop', happening: 'wavered' }, // T9
    false: { to: 'recovering', clock: 'run' },
    unknown: { to: 'recovering', clock: 'run' },
    gap: { to: 'recovering', clock: 'stop' }, // known-false must be unbroken: the clock starts anew
    held: { to: 'inactive', clock: 'stop', happening: 'resolved' }, // T10
    heldLatched: { to: 'cleared-latched', clock: 'stop', happening: 'cleared' }, // T10
    close: { to: 'inactive', clock: 'stop', happening: 'resolved' },
  },
  // Still the same episode; true again for as long as it took to open, it fires again.
  'cleared-latched': {
    true: { to: 'cleared-latched', clock: 'run' },
    false: { to: 'cleared-latched', clock: 'stop' },
    unknown: { to: 'cleared-latched', clock: 'run' },
    gap: { to: 'cleared-latched', clock: 'stop' },
    held: { to: 'firing', clock: 'stop', happening: 'reopened' },
    heldLatched: { to: 'firing', clock: 'stop', happening: 'reopened' },
    close: { to: 'inactive', clock: 'stop', happening: 'resolved' },
  },
}

export const STATES = Object.keys(LIFECYCLE) as readonly AlertState[]
const SIGNALS = Object.keys(LIFECYCLE.inactive) as readonly Signal[]

/** The states by number, as an instance keeps them. */
export const INACTIVE = 0
export const PENDING = 1
export const FIRING = 2
export const RECOVERING = 3
export const LATCHED = 4

/** The signals by number; the first three are the three values of truth. */
export const FALSE = 0
export const TRUE = 1
export const UNKNOWN = 2
export const GAP = 3
export const HELD = 4
export const HELD_LATCHED = 5
export const CLOSE = 6

export const START = 0
export const RUN = 1
export const STOP = 2

const SIGNAL_ORDER: readonly Signal[] = ['false', 'true', 'unknown', 'gap', 'held', 'heldLatched', 'close']
const CLOCKS: readonly HoldClock[] = ['start', 'run', 'stop']

/** The same table by number, `state * SIGNAL_COUNT + signal`, for the path every reading takes. */
export const SIGNAL_COUNT = SIGNALS.length
const cells = STATES.flatMap((state) => SIGNAL_ORDER.map((signal) => LIFECYCLE[state][signal]))
export const NEXT_STATE: readonly number[] = cells.map((cell) => STATES.indexOf(cell.to))
export const NEXT_CLOCK: readonly number[] = cells.map((cell) => CLOCKS.indexOf(cell.clock))
export const NEXT_HAPPENING: readonly (Happening | null)[] = cells.map((cell) => cell.happening ?? null)

/** An episode is open from firing to resolution. */
export function isOpen(state: number): boolean {
  return state >= FIRING
}
