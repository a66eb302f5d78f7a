import type { Clock } from '#platform'

const DAY_MS = 86_400_000

/** Asks once a day of hub time: a tick where time is stepped. */
export function everyDay(clock: Clock, work: () => void): { stop(): void } {
  let timer: Disposable
  const arm = (): void => {
    timer = clock.setTimeout(() => {
      work()
      arm()
    }, DAY_MS)
  }
  arm()
  return { stop: () => timer[Symbol.dispose]() }
}
