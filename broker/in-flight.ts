/** Counts work that has begun and not ended, and tells when none is left. */
export class InFlight {
  #count = 0
  #idle: (() => void)[] = []

  get count(): number {
    return this.#count
  }

  began(): void {
    this.#count++
  }

  ended(): void {
    this.#count--
    if (this.#count > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves at once when there is none. */
  whenIdle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }
}
