import { sql } from 'kysely'
import type { ControlChange } from '#contracts'
import { newId } from '#platform'
import type { Tx } from './tenancy.ts'

export interface SubmittedChange {
  /** Null for what concerns the whole hub. */
  brandId: string | null
  change: ControlChange
  /** Given where the same cause must give the same change, however often it is handled. */
  changeId?: string
  nowMs: number
}

/**
 * Puts a change into the control outbox, in the transaction that makes it true. The appender
 * takes it to the log, and only there does it take effect. A change id is submitted once; again
 * does nothing. Returns the id.
 */
export async function submitChange(tx: Tx, submitted: SubmittedChange): Promise<string> {
  const changeId = submitted.changeId ?? newId('chg')
  // The transaction gets its id before the row gets its ordinal: whoever sees a later ordinal first can then tell
  // from a snapshot whether the missing one may still come.
  await sql`
    INSERT INTO control_changes (change_id, brand_id, change, committed_at_ms)
    SELECT ${changeId}, ${submitted.brandId}, ${JSON.stringify(submitted.change)}::jsonb, ${submitted.nowMs}::bigint
      FROM (SELECT pg_current_xact_id() AS id OFFSET 0) AS mine WHERE mine.id IS NOT NULL
    ON CONFLICT (change_id) DO NOTHING`.execute(tx)
  return changeId
}

/** The same for many that belong together, in their order and in one statement. Returns their ids. */
export async function submitChanges(
  tx: Tx,
  submitted: { brandId: string | null; changes: readonly ControlChange[]; nowMs: number },
): Promise<string[]> {
  const { brandId, changes, nowMs } = submitted
  if (changes.length === 0) return []
  const rows = changes.map((change) => ({
    change_id: newId('chg'),
    brand_id: brandId,
    change: JSON.stringify(change),
    committed_at_ms: nowMs,
  }))
  await tx.insertInto('control_changes').values(rows).execute()
  return rows.map((row) => row.change_id)
}

export interface WaitingChange {
  ordinal: number
  changeId: string
  brandId: string | null
  change: ControlChange
}

/** What the log does not hold yet, oldest first. */
export async function waitingChanges(tx: Tx, limit: number): Promise<WaitingChange[]> {
  const rows = await tx
    .selectFrom('control_changes')
    .select(['ordinal', 'change_id', 'brand_id', 'change'])
    .where('seq', 'is', null)
    .orderBy('ordinal')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    ordinal: row.ordinal,
    changeId: row.change_id,
    brandId: row.brand_id,
    change: row.change,
  }))
}

/** Notes where the log holds them. */
export async function markAppended(
  tx: Tx,
  appended: readonly { ordinal: number; seq: number }[],
  nowMs: number,
): Promise<void> {
  if (appended.length === 0) return
  await sql`
    UPDATE control_changes AS c SET seq = a.seq, appended_at_ms = ${nowMs}
      FROM unnest(${appended.map((a) => a.ordinal)}::bigint[], ${appended.map((a) => a.seq)}::bigint[]) AS a (ordinal, seq)
     WHERE c.ordinal = a.ordinal AND c.seq IS NULL`.execute(tx)
}
