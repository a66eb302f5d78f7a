/**
 * Keeps a hub from hammering an endpoint that is down, and an outage from using up the
 * attempts of everything that waits behind it. Pure: state in, state out.
 */
export interface Breaker {
  /** Failures since the last success. */
  failures: number
  /** Hub time at which it opened; `null` when closed. */
  openedAtMs: number | null
  /** No probe before this hub time. */
  probeAtMs: number | null
}

/** Fewer would open on a hiccup; more would burn the early, quick attempts of many deliveries. */
export const BREAKER_FAILURES = 10
/** One probe a minute finds a recovered partner soon and costs it nothing. */
export const BREAKER_PROBE_MS = 60_000

export const closedBreaker: Breaker = { failures: 0, openedAtMs: null, probeAtMs: null }

export type Admission =
  | { admit: 'normal' }
  /** The one attempt that finds out; it does not count against its delivery. */
  | { admit: 'probe' }
  | { admit: 'wait'; untilMs: number }

/**
 * Whether an attempt may go out now: as ever, as the one probe, or not before a time (ms). Waiting uses up no
 * attempt.
 */
export function admission(breaker: Breaker, atMs: number): Admission {
  if (breaker.openedAtMs === null) return { admit: 'normal' }
  const untilMs = breaker.probeAtMs ?? breaker.openedAtMs + BREAKER_PROBE_MS
  return atMs >= untilMs ? { admit: 'probe' } : { admit: 'wait', untilMs }
}

export function afterSuccess(): Breaker {
  return closedBreaker
}

/** The breaker after one more failure in a row; open, it lets one probe through at a time. */
export function afterFailure(breaker: Breaker, atMs: number): Breaker {
  const failures = breaker.failures + 1
  if (failures < BREAKER_FAILURES) return { failures, openedAtMs: null, probeAtMs: null }
  return { failures, openedAtMs: breaker.openedAtMs ?? atMs, probeAtMs: atMs + BREAKER_PROBE_MS }
}
