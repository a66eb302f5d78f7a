import { sql } from 'kysely'
import { HubError } from '#platform'
import type { Tx } from './tenancy.ts'

/** How far a consumer has come in a log. State may trail the effects; it never leads them. */
export interface LogPosition {
  logId: string
  stateSeq: number
  effectsSeq: number
  fencingToken: number
}

export interface ConsumerName {
  /** `rules`, `recorder`, … */
  consumer: string
  /** 0 with the embedded log. */
  partition?: number
}

/** Where a consumer of the log stands; `null` before its first record. */
export async function readPosition(tx: Tx, { consumer, partition = 0 }: ConsumerName): Promise<LogPosition | null> {
  const row = await tx
    .selectFrom('log_positions')
    .select(['log_id', 'state_seq', 'effects_seq', 'fencing_token'])
    .where('consumer', '=', consumer)
    .where('partition', '=', partition)
    .executeTakeFirst()
  return row
    ? { logId: row.log_id, stateSeq: row.state_seq, effectsSeq: row.effects_seq, fencingToken: row.fencing_token }
    : null
}

export interface PositionUpdate extends ConsumerName {
  logId: string
  /** Token of the partition's present owner; 0 where there is only one. */
  fencingToken: number
  /** Left out: stays where it is. */
  stateSeq?: number
  effectsSeq?: number
  nowMs: number
}

/**
 * Moves a consumer's position, in the transaction of what it did up to there. Throws
 * `LOG_MISMATCH` for another log, and `FENCED` when a newer owner has written since: what this
 * one did rolls back with the transaction.
 */
export async function writePosition(tx: Tx, update: PositionUpdate): Promise<void> {
  const { consumer, partition = 0, logId, fencingToken, nowMs } = update
  const stateSeq = update.stateSeq ?? null
  const effectsSeq = update.effectsSeq ?? null
  const { numAffectedRows } = await sql`
    INSERT INTO log_positions AS p (consumer, partition, log_id, state_seq, effects_seq, fencing_token, updated_at_ms)
    VALUES (${consumer}, ${partition}, ${logId}, coalesce(${stateSeq}::bigint, 0),
            greatest(coalesce(${effectsSeq}::bigint, 0), coalesce(${stateSeq}::bigint, 0)), ${fencingToken}, ${nowMs})
    ON CONFLICT (consumer, partition) DO UPDATE SET
      state_seq = greatest(p.state_seq, excluded.state_seq),
      effects_seq = greatest(p.effects_seq, excluded.effects_seq),
      fencing_token = excluded.fencing_token,
      updated_at_ms = excluded.updated_at_ms
    WHERE p.log_id = excluded.log_id AND p.fencing_token <= excluded.fencing_token`.execute(tx)
  if (numAffectedRows === 1n) return
  const stored = await readPosition(tx, { consumer, partition })
  if (stored && stored.logId !== logId) {
    throw new HubError(
      'LOG_MISMATCH',
      `The position of "${consumer}" belongs to log ${stored.logId}, not to ${logId}. Restore the log that goes with this database.`,
    )
  }
  throw new HubError(
    'FENCED',
    `Partition ${partition} of "${consumer}" was taken over (token ${stored?.fencingToken} is newer than ${fencingToken}).`,
  )
}
