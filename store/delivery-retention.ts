import { sql } from 'kysely'
import type { Database } from './tenancy.ts'

const DAY_MS = 86_400_000
/** A receiver that lost its own data finds out within a month; until then the body can be read at `/api/deliveries`. */
export const SENT_BODY_KEPT_MS = 30 * DAY_MS
/** A dead letter can be redriven this long; the promise is 30 days at least. */
export const DEAD_BODY_KEPT_MS = 90 * DAY_MS
/** That something was told, when and how often it was tried: until the year's accounts with a partner are closed. */
export const ROW_KEPT_MS = 400 * DAY_MS
/** Rows in one transaction: few enough that nothing waits for them. */
const BATCH = 5_000

/**
 * Forgets what was delivered long ago: first the bodies, then the rows of subjects about which nothing was told since.
 * In batches, each a transaction of its own, so that a crash leaves the rest for the next day.
 */
export async function forgetOldDeliveries(db: Database, nowMs: number): Promise<{ bodies: number; rows: number }> {
  return {
    bodies: await inBatches(() => removeBodies(db, nowMs)),
    rows: await inBatches(() => removeRows(db, nowMs)),
  }
}

async function inBatches(batch: () => Promise<number>): Promise<number> {
  let all = 0
  for (;;) {
    const done = await batch()
    all += done
    if (done < BATCH) return all
  }
}

function removeBodies(db: Database, nowMs: number): Promise<number> {
  return db.asHub(async (tx) => {
    const { numAffectedRows } = await sql`
      UPDATE deliveries SET body = '', body_removed_at_ms = ${nowMs}
       WHERE delivery_id IN (
         SELECT delivery_id FROM deliveries
          WHERE body_removed_at_ms IS NULL AND state IN ('sent', 'dead', 'cancelled')
            AND coalesce(sent_at_ms, dead_at_ms, created_at_ms) <= CASE state
                  WHEN 'dead' THEN ${nowMs - DEAD_BODY_KEPT_MS}::bigint ELSE ${nowMs - SENT_BODY_KEPT_MS}::bigint END
          LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`.execute(tx)
    return Number(numAffectedRows ?? 0n)
  })
}

/** A subject's numbers go on from its last row, so its rows go only together with the last. */
function removeRows(db: Database, nowMs: number): Promise<number> {
  return db.asHub(async (tx) => {
    const { numAffectedRows } = await sql`
      DELETE FROM deliveries WHERE delivery_id IN (
        SELECT d.delivery_id FROM deliveries d
         WHERE d.body_removed_at_ms IS NOT NULL AND d.created_at_ms <= ${nowMs - ROW_KEPT_MS}
           AND NOT EXISTS (
             SELECT FROM deliveries later
              WHERE later.brand_id = d.brand_id AND later.subject = d.subject
                AND later.created_at_ms > ${nowMs - ROW_KEPT_MS})
         LIMIT ${BATCH})`.execute(tx)
    return Number(numAffectedRows ?? 0n)
  })
}
