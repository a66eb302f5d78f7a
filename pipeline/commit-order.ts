/** One row of the control outbox as a reader of the table sees it. */
export interface Ordered {
  ordinal: number
}

/** The snapshot the rows were read in: transactions below `xmin` have ended, those from `xmax` had not begun. */
export interface Snapshot {
  xmin: bigint
  xmax: bigint
}

interface Gap {
  /** The row that waits behind the missing ordinals. */
  beforeOrdinal: number
  /** Once every transaction below this has ended, what is missing was rolled back. */
  settledAt: bigint
}

/**
 * Decides which rows of the control outbox may enter the log. Ordinals are given inside
 * transactions, so a later one can become visible first. Were it taken, a change that
 * committed afterwards with the lower ordinal would follow what it should precede. So
 * a row waits while an ordinal before it is missing, until the missing one appears or
 * every transaction that could still bring it has ended. Without gaps nothing waits.
 */
export class CommitOrder {
  #last: number
  #gap: Gap | null = null

  /** @param last the highest ordinal that is in the log. */
  constructor(last: number) {
    this.#last = last
  }

  /** The leading rows that nothing can overtake any more; `rows` come in order of ordinal. */
  take<R extends Ordered>(rows: readonly R[], snapshot: Snapshot): R[] {
    const taken: R[] = []
    for (const row of rows) {
      if (row.ordinal > this.#last + 1 && !this.#settled(row.ordinal, snapshot)) break
      this.#last = Math.max(this.#last, row.ordinal)
      if (this.#gap && this.#gap.beforeOrdinal <= row.ordinal) this.#gap = null
      taken.push(row)
    }
    return taken
  }

  /** A row waits behind a gap: look again soon. */
  get waiting(): boolean {
    return this.#gap !== null
  }

  #settled(ordinal: number, snapshot: Snapshot): boolean {
    if (this.#gap?.beforeOrdinal === ordinal && snapshot.xmin >= this.#gap.settledAt) return true
    if (this.#gap?.beforeOrdinal !== ordinal) this.#gap = { beforeOrdinal: ordinal, settledAt: snapshot.xmax }
    return false
  }
}
