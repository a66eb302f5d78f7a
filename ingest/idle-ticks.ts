import type { Clock } from '#platform'

export interface IdleTicks {
  stop(): void
}

export interface IdleTicksOptions {
  clock: Clock
  /** Hub time without records after which time itself is recorded. */
  everyMs: number
  lastAppendAtMs(): number
  /** Appends a tick; how it ends is told by whether the log moved. */
  append(): Promise<unknown>
}

/**
 * Lets readers see that time passes when no device speaks. The timer is not moved by every
 * record: it looks when it is due, and sleeps for the rest when there was one meanwhile. A
 * clock that jumps an hour gives one tick, not 360: readers derive those between.
 */
export function startIdleTicks({ clock, everyMs, lastAppendAtMs, append }: IdleTicksOptions): IdleTicks {
  let stopped = false
  let timer: Disposable
  const arm = (delayMs: number): void => {
    if (!stopped) timer = clock.setTimeout(look, delayMs)
  }
  const look = (): void => {
    const idleMs = clock.nowMs() - lastAppendAtMs()
    if (idleMs < everyMs) {
      arm(everyMs - idleMs)
      return
    }
    // A refused tick needs no second try at once: the next is due in the same time anyway.
    append().then(
      () => arm(0),
      () => arm(everyMs),
    )
  }
  arm(everyMs)
  return {
    stop() {
      stopped = true
      timer[Symbol.dispose]()
    },
  }
}
