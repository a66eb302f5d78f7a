import type { Tx } from './tenancy.ts'

/** What the hub remembers of itself between runs: last alive, evaluator version, the fingerprint of its secret. */
export async function readFact<T>(tx: Tx, key: string): Promise<T | null> {
  const row = await tx.selectFrom('hub_facts').select('value').where('key', '=', key).executeTakeFirst()
  return row ? (row.value as T) : null
}

/** Writes down one thing the hub has to know after a restart; replaces what stood there. */
export async function writeFact(tx: Tx, key: string, value: unknown, nowMs: number): Promise<void> {
  const row = { value: JSON.stringify(value), updated_at_ms: nowMs }
  await tx
    .insertInto('hub_facts')
    .values({ key, ...row })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
    .execute()
}
