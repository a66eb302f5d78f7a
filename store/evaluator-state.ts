import { sql } from 'kysely'
import type { Tx } from './tenancy.ts'

/** One checkpointed piece of the evaluator's state; a null value removes it. */
export interface StateEntry {
  key: string
  value: string | null
}

/** Rows of one statement: enough to make a round trip small beside its work, few enough to bound its memory. */
const ROWS_PER_STATEMENT = 5_000

/** Writes what changed since the last checkpoint. Goes into one transaction with the state position. */
export async function saveState(tx: Tx, entries: readonly StateEntry[], partition = 0): Promise<void> {
  // An upsert may not meet a key twice: the last value wins.
  const latest = new Map(entries.map((entry) => [entry.key, entry.value]))
  const kept: [string, string][] = []
  const gone: string[] = []
  for (const [key, value] of latest) value === null ? gone.push(key) : kept.push([key, value])
  for (let from = 0; from < kept.length; from += ROWS_PER_STATEMENT) {
    const rows = kept.slice(from, from + ROWS_PER_STATEMENT)
    await sql`
      INSERT INTO evaluator_state (partition, key, value)
      SELECT ${partition}::integer, key, value
        FROM unnest(${rows.map(([key]) => key)}::text[], ${rows.map(([, value]) => value)}::text[]) AS entry (key, value)
      ON CONFLICT (partition, key) DO UPDATE SET value = excluded.value`.execute(tx)
  }
  for (let from = 0; from < gone.length; from += ROWS_PER_STATEMENT) {
    const keys = gone.slice(from, from + ROWS_PER_STATEMENT)
    await sql`DELETE FROM evaluator_state WHERE partition = ${partition} AND key = ANY (${keys}::text[])`.execute(tx)
  }
}

/** Everything checkpointed, in pages ordered by key, as of one moment. */
export async function loadState(
  tx: Tx,
  onPage: (entries: { key: string; value: string }[]) => void,
  partition = 0,
): Promise<void> {
  for (let after: string | null = null; ; ) {
    const page: { key: string; value: string }[] = await statePage(tx, { partition, after, limit: ROWS_PER_STATEMENT })
    onPage(page)
    if (page.length < ROWS_PER_STATEMENT) return
    after = page.at(-1)!.key
  }
}

/** The next entries after a key, in order of key. */
export function statePage(
  tx: Tx,
  { partition, after, limit }: { partition: number; after: string | null; limit: number },
): Promise<{ key: string; value: string }[]> {
  return tx
    .selectFrom('evaluator_state')
    .select(['key', 'value'])
    .where('partition', '=', partition)
    .$if(after !== null, (query) => query.where('key', '>', after!))
    .orderBy('key')
    .limit(limit)
    .execute()
}
