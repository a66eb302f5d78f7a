import { sql } from 'kysely'
import { HubError } from '#platform'
import type { Tx } from './tenancy.ts'

export interface IdempotentRequest {
  brandId: string
  /** Method and route template, so that one key may serve different calls. */
  route: string
  /** The client's `Idempotency-Key`. */
  key: string
  bodySha256: string
  nowMs: number
}

export interface StoredAnswer {
  status: number
  /** The answer's body as text. Seal what may be shown only once before it gets here. Empty once its home was erased. */
  response: string
  /** The home it may tell of. */
  homeId?: string | null
}

/** How long an answer is repeated; the reason is the longest any client of ours retries. */
export const IDEMPOTENCY_KEPT_MS = 7 * 86_400_000

/**
 * Does the work of a creating request once per key. The answer is stored in the work's own
 * transaction: after a crash either both are there or neither.
 *
 * Throws `IDEMPOTENCY_IN_PROGRESS` while the same key is at work elsewhere and
 * `IDEMPOTENCY_MISMATCH` when it came with another body.
 */
export async function withIdempotency(
  tx: Tx,
  request: IdempotentRequest,
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { repeated: boolean }> {
  const { brandId, route, key } = request
  const lock = `idempotency ${JSON.stringify([brandId, route, key])}`
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${lock}, 0)) AS free`.execute(tx)
  if (!rows[0]!.free) {
    throw new HubError('IDEMPOTENCY_IN_PROGRESS', 'The first request with this key is not finished; ask again shortly.')
  }
  const stored = await tx
    .selectFrom('idempotency_keys')
    .select(['body_sha256', 'status', 'response'])
    .where('brand_id', '=', brandId)
    .where('route', '=', route)
    .where('key', '=', key)
    .where('created_at_ms', '>', request.nowMs - IDEMPOTENCY_KEPT_MS)
    .executeTakeFirst()
  if (stored && stored.body_sha256 !== request.bodySha256) {
    throw new HubError('IDEMPOTENCY_MISMATCH', 'Use a new key for another body.')
  }
  if (stored) return { status: stored.status, response: stored.response, repeated: true }
  const answer = await work()
  const row = {
    body_sha256: request.bodySha256,
    status: answer.status,
    response: answer.response,
    home_id: answer.homeId ?? null,
    created_at_ms: request.nowMs,
  }
  await tx
    .insertInto('idempotency_keys')
    .values({ brand_id: brandId, route, key, ...row })
    // Only an answer past its time can still be there.
    .onConflict((conflict) => conflict.columns(['brand_id', 'route', 'key']).doUpdateSet(row))
    .execute()
  return { ...answer, repeated: false }
}

/** Forgets answers nobody may ask for any more. */
export async function forgetOldIdempotencyKeys(tx: Tx, nowMs: number): Promise<void> {
  await tx
    .deleteFrom('idempotency_keys')
    .where('created_at_ms', '<=', nowMs - IDEMPOTENCY_KEPT_MS)
    .execute()
}
