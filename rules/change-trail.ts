/** Entries per span: bounds memory at any rate, and readings further apart than a 64th of it are all kept. */
const ENTRIES = 64

/**
 * The values a metric had within the last `overMs`, and the one that stood when that span began: what a change
 * is measured against. A sample closer than a 64th of the span to the entry before replaces the newest.
 */
export class ChangeTrail {
  readonly #overMs: number
  /** Time and value alternating, oldest first. */
  readonly #entries: number[]

  constructor(overMs: number, entries: readonly number[] = []) {
    this.#overMs = overMs
    this.#entries = [...entries]
  }

  clone(): ChangeTrail {
    return new ChangeTrail(this.#overMs, this.#entries)
  }

  save(): readonly number[] {
    return this.#entries
  }

  add(atMs: number, value: number): void {
    const entries = this.#entries
    const newest = entries.length - 2
    // The newest may go when it told little more than the one before it.
    if (newest >= 2 && entries[newest]! - entries[newest - 2]! < this.#overMs / ENTRIES) entries.length = newest
    entries.push(atMs, value)
    this.#expire(atMs)
  }

  /** Forgets what was measured before a service. */
  forget(atMs: number): void {
    const entries = this.#entries
    let gone = 0
    while (gone < entries.length && entries[gone]! <= atMs) gone += 2
    if (gone > 0) entries.splice(0, gone)
  }

  newest(): number {
    return this.#entries.at(-1) ?? Number.NaN
  }

  newestMs(): number {
    return this.#entries.at(-2) ?? Number.NaN
  }

  /** The entry that stood when the span up to `atMs` began: its time and value; `NaN` for none. */
  standingAt(atMs: number): { sinceMs: number; value: number } {
    const entries = this.#entries
    let at = -2
    while (at + 2 < entries.length && entries[at + 2]! <= atMs - this.#overMs) at += 2
    return at < 0 ? NONE : { sinceMs: entries[at]!, value: entries[at + 1]! }
  }

  /** When time alone makes another entry the standing one; `Infinity` when none is to come. */
  nextTurnMs(atMs: number): number {
    const entries = this.#entries
    for (let at = 0; at < entries.length; at += 2)
      if (entries[at]! > atMs - this.#overMs) return entries[at]! + this.#overMs
    return Number.POSITIVE_INFINITY
  }

  #expire(atMs: number): void {
    const entries = this.#entries
    let gone = 0
    while (gone + 2 < entries.length && entries[gone + 2]! <= atMs - this.#overMs) gone += 2
    if (gone > 0) entries.splice(0, gone)
  }
}

const NONE = { sinceMs: Number.NaN, value: Number.NaN }
