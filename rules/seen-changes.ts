/** Ids of one page: rewritten as a whole when it changes. */
const PAGE = 256
/** Pages kept: far more changes than an appender could repeat after a crash. */
const PAGES = 32

/**
 * Ids of the control changes applied, so that one standing in the log twice (the appender died
 * between writing it and noting so) counts once. Bounded: repetitions follow soon.
 */
export class SeenChanges {
  readonly #ids = new Set<string>()
  readonly #pages: string[][] = Array.from({ length: PAGES }, () => [])
  #page = 0

  /** Remembers an id. Returns the page that changed, or `null` when the id was known. */
  add(changeId: string): number | null {
    if (this.#ids.has(changeId)) return null
    if (this.#pages[this.#page]!.length >= PAGE) {
      this.#page = (this.#page + 1) % PAGES
      for (const forgotten of this.#pages[this.#page]!) this.#ids.delete(forgotten)
      this.#pages[this.#page] = []
    }
    this.#pages[this.#page]!.push(changeId)
    this.#ids.add(changeId)
    return this.#page
  }

  /** The pages an entry in this one may have changed: the one before stops being current. */
  changedWith(page: number): number[] {
    return this.#pages[page]!.length > 1 ? [page] : [page, (page + PAGES - 1) % PAGES]
  }

  page(index: number): { current: boolean; ids: readonly string[] } {
    return { current: index === this.#page, ids: this.#pages[index]! }
  }

  restore(index: number, ids: readonly string[], current: boolean): void {
    this.#pages[index] = [...ids]
    for (const id of ids) this.#ids.add(id)
    if (current) this.#page = index
  }
}
