/** A list that can be waited for: what a fake receiver was told, in order. */
export class Journal<T> {
  readonly entries: T[] = []
  #waiting: { done: () => boolean; resolve: () => void }[] = []

  push(entry: T): void {
    this.entries.push(entry)
    const due = this.#waiting.filter((waiter) => waiter.done())
    this.#waiting = this.#waiting.filter((waiter) => !due.includes(waiter))
    for (const waiter of due) waiter.resolve()
  }

  get length(): number {
    return this.entries.length
  }

  /** Resolves when there are at least so many. */
  reaches(count: number): Promise<T[]> {
    return this.until(() => this.entries.length >= count)
  }

  /** Resolves with the first entry, old or new, that the predicate accepts. */
  async find(predicate: (entry: T) => boolean): Promise<T> {
    await this.until(() => this.entries.some(predicate))
    return this.entries.find(predicate)!
  }

  until(done: () => boolean): Promise<T[]> {
    if (done()) return Promise.resolve(this.entries)
    return new Promise((resolve) => this.#waiting.push({ done, resolve: () => resolve(this.entries) }))
  }
}
