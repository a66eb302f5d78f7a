/**
 * When something happened, newest last: as many times as decide whether a count is reached, and no more.
 * A time belongs to the window (t − window, t].
 */
export class EventTimes {
  readonly #windowMs: number
  readonly #keep: number
  readonly #times: number[]

  constructor(windowMs: number, keep: number, times: readonly number[] = []) {
    this.#windowMs = windowMs
    this.#keep = keep
    this.#times = [...times]
  }

  clone(): EventTimes {
    return new EventTimes(this.#windowMs, this.#keep, this.#times)
  }

  save(): readonly number[] {
    return this.#times
  }

  add(atMs: number): void {
    this.#times.push(atMs)
    if (this.#times.length > this.#keep) this.#times.shift()
  }

  /** Forgets what happened before a service. */
  forget(atMs: number): void {
    while (this.#times.length > 0 && this.#times[0]! <= atMs) this.#times.shift()
  }

  /** How often within the window up to `atMs`, as far as anybody asks. */
  countAt(atMs: number): number {
    const times = this.#times
    while (times.length > 0 && times[0]! <= atMs - this.#windowMs) times.shift()
    return times.length
  }

  /** When fewer than `count` are left in the window. */
  fewerThanMs(count: number): number {
    const decisive = this.#times[this.#times.length - count]
    return decisive === undefined ? Number.POSITIVE_INFINITY : decisive + this.#windowMs
  }
}
