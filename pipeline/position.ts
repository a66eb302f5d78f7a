interface Waiter {
  seq: number
  resolve: () => void
  reject: (error: Error) => void
}

/** How far a consumer has come, and who waits for it. */
export class Position {
  #seq: number
  #waiters: Waiter[] = []
  #ended: Error | null = null

  constructor(seq = 0) {
    this.#seq = seq
  }

  get seq(): number {
    return this.#seq
  }

  /** Never moves back: a restart replays, but what was reached was reached. */
  advance(seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    if (this.#waiters.length === 0) return
    const waiting = this.#waiters
    this.#waiters = waiting.filter((waiter) => waiter.seq > seq)
    for (const waiter of waiting) if (waiter.seq <= seq) waiter.resolve()
  }

  /** Resolves when everything up to `seq` is applied; rejects when the consumer ends before that. */
  reached(seq: number): Promise<void> {
    if (seq <= this.#seq) return Promise.resolve()
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiters.push({ seq, resolve, reject }))
  }

  end(error = new Error('the consumer was stopped')): void {
    this.#ended = error
    const waiting = this.#waiters
    this.#waiters = []
    for (const waiter of waiting) waiter.reject(error)
  }
}
