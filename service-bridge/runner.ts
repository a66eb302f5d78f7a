import { type Clock, realClock, toError } from '#platform'
import type { Happen } from './cases/case-driver.ts'
import { type Core, inHub } from './core.ts'
import type { DeliveryEngine } from './delivery/delivery-engine.ts'
import { dueDestinations, nextDue } from './delivery/outbox.ts'
import { timerHandlers } from './timer-handlers.ts'
import { type DueTimer, dueTimers, nextTimerMs, postponeTimer, takeTimer } from './timers.ts'

export interface Runner {
  start(): void
  stop(): Promise<void>
  nudge(): void
  idle(): Promise<void>
  nextDueMs(): Promise<number | null>
}

/** Timers handled before the loop looks around again. */
const TIMERS_PER_PASS = 100
/** Commits made by others (another process, the rules runner) are found within this real time without a nudge. */
const POLL_MS = 500
/** A store that is away is asked again after this real time. */
const BACK_OFF_MS = 1_000

/**
 * The one loop of the bridge: due timers first, then due deliveries, then sleep until the
 * next is due in hub time, a nudge, or the poll. With a clock that stands still nothing is due
 * until it is moved.
 */
export function createRunner(core: Core, happen: Happen, deliveries: DeliveryEngine, poll: Clock = realClock): Runner {
  let running = false
  let woken = true
  let wake: (() => void) | null = null
  let hubTimer: Disposable | null = null
  let loop: Promise<void> = Promise.resolve()
  let pass: Promise<unknown> = Promise.resolve()

  function nudge(): void {
    woken = true
    wake?.()
  }

  /** Handles what is due now; true when there was anything. One pass at a time, whoever asks. */
  function once(): Promise<boolean> {
    const next = pass.then(async () => {
      const atMs = core.clock.nowMs()
      const [timers, places] = await core.db.asHub((tx) =>
        Promise.all([dueTimers(tx, atMs, TIMERS_PER_PASS), dueDestinations(tx, atMs)]),
      )
      await handleTimers(core, happen, timers)
      return timers.length + (await deliveries.startDue(places)) > 0
    })
    pass = next.catch(() => undefined)
    return next
  }

  async function nextDueMs(): Promise<number | null> {
    const [timer, delivery] = await core.db.asHub((tx) =>
      Promise.all([nextTimerMs(tx), nextDue(tx, deliveries.flying())]),
    )
    if (timer === null) return delivery
    return delivery === null ? timer : Math.min(timer, delivery)
  }

  async function sleep(): Promise<void> {
    const dueMs = await nextDueMs()
    hubTimer?.[Symbol.dispose]()
    hubTimer = dueMs === null ? null : core.clock.setTimeout(nudge, Math.max(0, dueMs - core.clock.nowMs()))
    if (woken) return
    await new Promise<void>((resolve) => {
      const timer = poll.setTimeout(resolve, POLL_MS)
      wake = () => {
        timer[Symbol.dispose]()
        resolve()
      }
    })
    wake = null
  }

  async function run(): Promise<void> {
    while (running) {
      woken = false
      try {
        while (running && (await once())) {
          // More may have become due by what was just done.
        }
        if (running) await sleep()
      } catch (error) {
        core.logger.error({ err: toError(error) }, 'the service loop failed; it goes on')
        await new Promise<void>((resolve) => {
          poll.setTimeout(resolve, BACK_OFF_MS)
        })
      }
    }
  }

  return {
    start() {
      if (running) return
      running = true
      loop = run()
    },
    async stop() {
      running = false
      nudge()
      await loop
      hubTimer?.[Symbol.dispose]()
      await pass
      while (deliveries.inFlight() > 0) await deliveries.settled()
    },
    nudge,
    async idle() {
      for (;;) {
        const busy = await once()
        if (deliveries.inFlight() > 0) await deliveries.settled()
        else if (!busy) return
      }
    },
    nextDueMs,
  }
}

/** Each timer in a transaction of its own: taken and handled together, or neither. */
async function handleTimers(core: Core, happen: Happen, due: readonly DueTimer[]): Promise<void> {
  for (const timer of due) {
    try {
      await handleOne(core, happen, timer)
    } catch (error) {
      core.logger.error(
        { err: toError(error), timer: timer.kind, subject: timer.subject },
        'a timer could not be handled',
      )
      await core.db.asHub((tx) => postponeTimer(tx, timer, core.clock.nowMs()))
    }
  }
}

async function handleOne(core: Core, happen: Happen, timer: DueTimer): Promise<void> {
  await inHub(core, timer.brandId, async (work) => {
    if (await takeTimer(work, timer)) await timerHandlers[timer.kind](core, work, timer.subject, happen)
  })
}
