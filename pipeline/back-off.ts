import { type Logger, realSleep, toError } from '#platform'

/** First wait after a failure; doubled up to the cap. */
const WAIT_MS_MIN = 100
/** A store that returns is noticed within this time. */
const WAIT_MS_MAX = 5_000
/** A store that is away is said once, then once in this many attempts. */
const ATTEMPTS_PER_LINE = 60

/**
 * Runs `attempt` until it succeeds, on real time, for a store that is away. What `isFatal`
 * says no waiting can mend is thrown at once. There is always one attempt, so that stopping
 * finishes what it can; with the signal aborted a failure ends it with `null`.
 */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  options: {
    what: string
    logger: Logger
    signal: AbortSignal
    isFatal?: (error: Error) => boolean
    onFailure?: (error: Error) => void
  },
): Promise<T | null> {
  let waitMs = WAIT_MS_MIN
  for (let attempts = 1; ; attempts++) {
    try {
      const result = await attempt()
      if (attempts > 1) options.logger.info({ attempts }, `${options.what}: works again`)
      return result
    } catch (thrown) {
      const error = toError(thrown)
      if (options.isFatal?.(error)) throw error
      options.onFailure?.(error)
      if (options.signal.aborted) return null
      if (attempts % ATTEMPTS_PER_LINE === 1)
        options.logger.warn({ err: error, attempts }, `${options.what} fails; trying on`)
      await realSleep(waitMs, options.signal)
      waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)
    }
  }
}
