import { type Clock, HubError, realClock, realSleep } from '#platform'

/** What the clock needs of the hub; known only once the hub is wired. */
export interface StepHooks {
  /** Writes the new time into the log, so that rules see it pass. */
  tick(): Promise<void>
  /** Resolves when nothing is left to do at the present hub time. */
  settle(): Promise<void>
  /** When something that keeps its own timetable is due next; `null` when nothing is. */
  nextDueMs?(): Promise<number | null>
}

interface Waiting {
  atMs: number
  order: number
  fn: () => void
}

/** A year in one call is a mistake; a season is a hundred calls. */
const STEP_MS_MAX = 31 * 86_400_000
/** Timers that set themselves again for "now" would hold the clock for ever. */
const STOPS_PER_STEP_MAX = 100_000

/**
 * Hub time for demos and tests: it stands still and moves in steps. A step stops at every
 * timer on its way, and at each stop waits until every consumer has applied what there is.
 * So a season passes in minutes and yet nothing ever happens "late" because the machine was slow.
 *
 * The time scale is a ceiling: steps are held back so that hub time does not run more than
 * `scale` times as fast as real time.
 */
export class SteppedClock implements Clock {
  readonly #scale: number
  readonly #real: Pick<Clock, 'nowMs'>
  readonly #sleep: (ms: number) => Promise<void>
  #nowMs: number
  #order = 0
  #waiting: Waiting[] = []
  #hooks: StepHooks | null = null
  #step: Promise<unknown> = Promise.resolve()
  #earliestRealMs = 0

  constructor(options: {
    startMs: number
    scale: number
    real?: Pick<Clock, 'nowMs'>
    sleep?: (ms: number) => Promise<void>
  }) {
    this.#nowMs = options.startMs
    this.#scale = options.scale
    this.#real = options.real ?? realClock
    this.#sleep = options.sleep ?? realSleep
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimeout(fn: () => void, delayMs: number): Disposable {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn }
    this.#waiting.push(entry)
    return { [Symbol.dispose]: () => void remove(this.#waiting, entry) }
  }

  /** Before anything is attached: not behind what an earlier run reached. */
  startAt(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  attach(hooks: StepHooks): void {
    this.#hooks = hooks
  }

  /**
   * Moves hub time to `toMs` and resolves with the time reached once everything due on the way is
   * done. Steps asked for together run one after the other; time never goes back.
   * @throws HubError `VALIDATION_FAILED` for a step longer than 31 days.
   */
  stepTo(toMs: number): Promise<number> {
    const next = this.#step.then(
      () => this.#run(toMs),
      () => this.#run(toMs),
    )
    this.#step = next
    return next
  }

  stepBy(byMs: number): Promise<number> {
    return this.stepTo(this.#nowMs + byMs)
  }

  async #run(toMs: number): Promise<number> {
    if (toMs - this.#nowMs > STEP_MS_MAX)
      throw new HubError('VALIDATION_FAILED', 'One step covers 31 days at most; ask for several.')
    const hooks = this.#hooks
    await hooks?.settle()
    for (let stops = 0; ; stops++) {
      if (stops > STOPS_PER_STEP_MAX) throw new Error('a timer of hub time keeps setting itself to the same moment')
      const stopMs = Math.max(this.#nowMs, Math.min(toMs, this.#nextDueMs(), await this.#nextElsewhereMs()))
      await this.#hold(stopMs - this.#nowMs)
      if (stopMs > this.#nowMs) {
        this.#nowMs = stopMs
        await hooks?.tick()
        await hooks?.settle()
      }
      const ran = this.#runDue()
      if (ran > 0) await hooks?.settle()
      if (this.#nowMs >= toMs && this.#nextDueMs() > this.#nowMs) return this.#nowMs
    }
  }

  /** Waits in real time until the ceiling allows hub time to move by `byMs`. */
  async #hold(byMs: number): Promise<void> {
    if (byMs <= 0) return
    const nowMs = this.#real.nowMs()
    const atMs = Math.max(nowMs, this.#earliestRealMs + byMs / this.#scale)
    this.#earliestRealMs = atMs
    if (atMs > nowMs) await this.#sleep(atMs - nowMs)
  }

  #nextDueMs(): number {
    return this.#waiting.reduce((least, waiting) => Math.min(least, waiting.atMs), Number.POSITIVE_INFINITY)
  }

  /** What is due elsewhere now was dealt with while settling, or waits for something other than time. */
  async #nextElsewhereMs(): Promise<number> {
    const dueMs = (await this.#hooks?.nextDueMs?.()) ?? null
    return dueMs === null || dueMs <= this.#nowMs ? Number.POSITIVE_INFINITY : dueMs
  }

  /** In order of due time, then of making. What is set meanwhile waits for its own stop. */
  #runDue(): number {
    const due = this.#waiting
      .filter((waiting) => waiting.atMs <= this.#nowMs)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    let ran = 0
    for (const entry of due) {
      if (!remove(this.#waiting, entry)) continue
      entry.fn()
      ran++
    }
    return ran
  }
}

function remove(list: Waiting[], entry: Waiting): boolean {
  const at = list.indexOf(entry)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}
