interface Entry {
  atMs: number
  order: number
  run: (atMs: number) => Promise<void>
}

/**
 * What simulated people mean to do, by hub time. They act when the driver says how late it
 * is; each sees the moment it planned, not the end of the step.
 */
export class Agenda {
  #entries: Entry[] = []
  #order = 0

  plan(atMs: number, run: (atMs: number) => Promise<void>): void {
    this.#entries.push({ atMs, order: this.#order++, run })
  }

  get size(): number {
    return this.#entries.length
  }

  /** Does everything due by `nowMs` in order of time, including what that plans for the same span. */
  async runUntil(nowMs: number): Promise<void> {
    for (let next = this.#next(nowMs); next; next = this.#next(nowMs)) await next.run(next.atMs)
  }

  #next(nowMs: number): Entry | undefined {
    let best: Entry | undefined
    for (const entry of this.#entries)
      if (
        entry.atMs <= nowMs &&
        (!best || entry.atMs < best.atMs || (entry.atMs === best.atMs && entry.order < best.order))
      )
        best = entry
    if (best) this.#entries = this.#entries.filter((entry) => entry !== best)
    return best
  }
}
