import type { Random } from '#platform'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * Pause before each attempt, as Standard Webhooks recommends: 75 h 35 m in all, so that a
 * partner may be down over a weekend and loses nothing.
 */
export const RETRY_PAUSES_MS: readonly number[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** Spreads the retries of an outage, so that a partner coming back is not hit all at once. */
const RETRY_JITTER = 0.2

/** Longest a receiver may ask us to wait: beyond a day it should have answered 410. */
export const RETRY_AFTER_MS_MAX = 24 * HOUR

/**
 * Time from a failed attempt to the next, or `null` when there is none left and the delivery
 * becomes a dead letter. `attempts` counts those made, from 1.
 */
export function nextPauseMs(attempts: number, random: Random): number | null {
  const pauseMs = RETRY_PAUSES_MS[attempts]
  if (pauseMs === undefined) return null
  return Math.round(pauseMs * (1 + RETRY_JITTER * (2 * random.next() - 1)))
}

const DELTA_SECONDS = /^\d{1,10}$/

/**
 * `Retry-After` in milliseconds from `atMs`: seconds or an HTTP date, clamped to a day.
 * Anything else (negative, fractional, words, a date gone by) is as if it were absent: `null`.
 */
export function retryAfterMs(header: string | null | undefined, atMs: number): number | null {
  const text = header?.trim()
  if (!text) return null
  if (DELTA_SECONDS.test(text)) return Math.min(Number(text) * SECOND, RETRY_AFTER_MS_MAX)
  // An HTTP date begins with its week day; `Date.parse` alone would also take "-1" for a year.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null
  const untilMs = Date.parse(text)
  return Number.isFinite(untilMs) && untilMs > atMs ? Math.min(untilMs - atMs, RETRY_AFTER_MS_MAX) : null
}
