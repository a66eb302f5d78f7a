import type { Clock } from '#platform'

export interface RateLimit {
  /** Sustained requests per second. */
  perSecond: number
  /** Requests that may come at once after a pause. */
  burst: number
}

export interface RateLimiter {
  /** Takes one request; 0 when it may pass, else the milliseconds until one would. */
  take(subject: string): number
}

/** Callers remembered at once: some 10 MB at most. The longest idle is forgotten first, and starts full. */
const SUBJECTS_MAX = 50_000

interface Bucket {
  tokens: number
  atMs: number
}

/** A token bucket per subject, on real time: no simulation may stretch a limit. */
export function createRateLimiter(clock: Clock, { perSecond, burst }: RateLimit): RateLimiter {
  const buckets = new Map<string, Bucket>()
  return {
    take(subject) {
      const nowMs = clock.nowMs()
      const known = buckets.get(subject)
      const elapsedMs = known ? Math.max(0, nowMs - known.atMs) : 0
      const tokens = known ? Math.min(burst, known.tokens + (elapsedMs * perSecond) / 1_000) : burst
      const passes = tokens >= 1
      // Deleting first moves it to the end, so that the map stays in order of last use.
      buckets.delete(subject)
      buckets.set(subject, { tokens: passes ? tokens - 1 : tokens, atMs: nowMs })
      if (buckets.size > SUBJECTS_MAX) buckets.delete(buckets.keys().next().value!)
      return passes ? 0 : Math.ceil(((1 - tokens) * 1_000) / perSecond)
    },
  }
}
