/**
 * The only source of time in the hub. Two uses, never mixed: *hub time* drives what the
 * domain decides (ticks, holds, expiries, delivery retries) and is injected everywhere;
 * `realClock` drives sockets, HTTP timeouts and rate limits, which no simulation may stretch.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Runs `fn` once, `delayMs` from now at the earliest. Disposing cancels it. */
  setTimeout(fn: () => void, delayMs: number): Disposable
}

/** Node keeps delays in 32 bits: a longer one would fire at once. */
const DELAY_MS_MAX = 2_147_483_647

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimeout(fn, delayMs) {
    let handle: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      const nextMs = Math.min(leftMs, DELAY_MS_MAX)
      handle = setTimeout(() => (leftMs > nextMs ? arm(leftMs - nextMs) : fn()), Math.max(0, nextMs))
    }
    arm(delayMs)
    return { [Symbol.dispose]: () => clearTimeout(handle) }
  },
}

/** Wall time under another name: says at the call site that hub time is not meant. */
export const realClock: Clock = systemClock

interface Waiting {
  atMs: number
  order: number
  fn: () => void
}

/**
 * A clock that stands still until moved. Timers run in order of their due time, and of
 * their making when due together, each seeing its own due time as `nowMs()`.
 */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  #waiting: Waiting[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimeout(fn: () => void, delayMs: number): Disposable {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn }
    this.#waiting.push(entry)
    return {
      [Symbol.dispose]: () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
      },
    }
  }

  /** When the next timer is due, or `null` when none waits. */
  nextDueMs(): number | null {
    return this.#next()?.atMs ?? null
  }

  /** Moves to `toMs`, running every timer on the way. Time never goes back. */
  advanceTo(toMs: number): void {
    for (let next = this.#next(); next && next.atMs <= toMs; next = this.#next()) {
      this.#waiting = this.#waiting.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fn()
    }
    this.#nowMs = Math.max(this.#nowMs, toMs)
  }

  advance(byMs: number): void {
    this.advanceTo(this.#nowMs + byMs)
  }

  #next(): Waiting | undefined {
    return this.#waiting.reduce<Waiting | undefined>(
      (best, w) => (!best || w.atMs < best.atMs || (w.atMs === best.atMs && w.order < best.order) ? w : best),
      undefined,
    )
  }
}

/** Real waiting, for loops that poll something outside the hub. */
export async function realSleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      timer[Symbol.dispose]()
      // A loop sleeps under one signal for as long as the hub runs: nothing of a sleep may stay with it.
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = realClock.setTimeout(wake, delayMs)
    signal?.addEventListener('abort', wake)
  })
}
