import type { Database, Tx } from '#store'

/** When, in the life of a process, the power goes. */
export interface Death {
  /** Which transaction, counted from 1. */
  transaction: number
  /** Its work is rolled back, or it commits and nobody learns of it. */
  at: 'before-commit' | 'after-commit'
}

/**
 * A database as seen by a process that dies in the middle: from the fatal transaction on
 * nothing is answered any more. The database itself is real and goes on.
 */
export function mortalDatabase(db: Database, death: Death | null): { db: Database; died: Promise<void> } {
  const died = Promise.withResolvers<void>()
  let count = 0
  let dead = false
  const run =
    <T>(work: (tx: Tx) => Promise<T>) =>
    async (tx: Tx): Promise<T> => {
      if (dead) throw new Error('dead')
      const result = await work(tx)
      if (death && ++count === death.transaction) {
        dead = true
        died.resolve()
        if (death.at === 'before-commit') throw new Error('dead before the commit')
      }
      return result
    }
  const mortal = async <T>(attempt: () => Promise<T>): Promise<T> => {
    if (dead) throw new Error('dead')
    const result = await attempt()
    if (dead) throw new Error('dead before the answer')
    return result
  }
  return {
    db: {
      asHub: (work) => mortal(() => db.asHub(run(work))),
      asBrand: (brandId, work) => mortal(() => db.asBrand(brandId, run(work))),
      close: async () => undefined,
    },
    died: died.promise,
  }
}
