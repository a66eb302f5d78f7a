import { sql } from 'kysely'
import { HubError } from '#platform'
import type { Tx } from './tenancy.ts'

/** A right to do some work alone, for a while. */
export interface JobLease {
  job: string
  token: number
}

/** Whoever holds it says so with every transaction; after this without a word it is free. Hub time. */
export const LEASE_MS = 15 * 60_000

/** Takes the job, or `null` while somebody else has it. */
export async function claimJob(tx: Tx, job: string, nowMs: number): Promise<JobLease | null> {
  const { rows } = await sql<{ token: number }>`
    INSERT INTO job_leases AS l (job, token, until_ms) VALUES (${job}, 1, ${nowMs + LEASE_MS}::bigint)
    ON CONFLICT (job) DO UPDATE SET token = l.token + 1, until_ms = excluded.until_ms WHERE l.until_ms <= ${nowMs}::bigint
    RETURNING token`.execute(tx)
  const [row] = rows
  return row ? { job, token: Number(row.token) } : null
}

/** In the transaction of some of the work: goes on holding it. @throws {HubError} `FENCED` when somebody else took over */
export async function holdJob(tx: Tx, { job, token }: JobLease, nowMs: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('job_leases')
    .set({ until_ms: nowMs + LEASE_MS })
    .where('job', '=', job)
    .where('token', '=', token)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new HubError('FENCED', `The job “${job}” was taken over; this one stops.`)
}

/** The work is done: the next may begin at once. */
export async function releaseJob(tx: Tx, { job, token }: JobLease): Promise<void> {
  await tx.updateTable('job_leases').set({ until_ms: 0 }).where('job', '=', job).where('token', '=', token).execute()
}
