import { type Selectable, sql } from 'kysely'
import type { DeliveriesTable, Tx } from '#store'
import type { Destination } from './destination.ts'

/** The outbox as the engine asks for it and changes it. */
export type Delivery = Selectable<DeliveriesTable>

/** Endpoints looked at in one pass; those left wait for the next. */
const DESTINATIONS_PER_PASS = 500

export interface Place {
  kind: Destination['kind']
  id: string
  brandId: string
}

/**
 * The first waiting delivery of each destination, found by skipping from one to the next along the index
 * `deliveries_waiting_per_destination`: however much waits at one of them, it costs as much as there are destinations.
 */
function firstWaiting(flying: readonly string[]) {
  const waiting = sql`state IN ('pending', 'sending') AND delivery_id <> ALL(${[...flying]}::text[])`
  const columns = sql`destination_kind, destination_id, next_at_ms, brand_id`
  const inOrder = sql`ORDER BY destination_kind, destination_id, next_at_ms LIMIT 1`
  return sql`
    RECURSIVE first_waiting AS (
      (SELECT ${columns} FROM deliveries WHERE ${waiting} ${inOrder})
      UNION ALL
      SELECT next.* FROM first_waiting AS one, LATERAL (
        SELECT ${columns} FROM deliveries
         WHERE ${waiting} AND (destination_kind, destination_id) > (one.destination_kind, one.destination_id)
        ${inOrder}
      ) AS next
    )`
}

/** Destinations with something due, those that waited longest first. */
export async function dueDestinations(tx: Tx, atMs: number): Promise<Place[]> {
  const { rows } = await sql<Place>`
    WITH ${firstWaiting([])}
    SELECT destination_kind AS kind, destination_id AS id, brand_id AS "brandId" FROM first_waiting
     WHERE next_at_ms <= ${atMs} ORDER BY next_at_ms, destination_id LIMIT ${DESTINATIONS_PER_PASS}`.execute(tx)
  return rows
}

/** The earliest time at which an attempt may be made, breakers and disabled endpoints considered. */
export async function nextDue(tx: Tx, flying: readonly string[]): Promise<number | null> {
  const { rows } = await sql<{ due: number | null }>`
    WITH ${firstWaiting(flying)}
    SELECT min(greatest(d.next_at_ms, coalesce(p.breaker_probe_at_ms, e.breaker_probe_at_ms, 0))) AS due
      FROM first_waiting d
      LEFT JOIN partners p ON d.destination_kind = 'partner' AND p.key = d.destination_id
      LEFT JOIN endpoints e ON d.destination_kind = 'brand' AND e.brand_id = d.brand_id AND e.endpoint_id = d.destination_id
     WHERE coalesce(p.disabled_at_ms, e.disabled_at_ms) IS NULL`.execute(tx)
  return rows[0]?.due ?? null
}

export async function change(tx: Tx, delivery: Delivery, columns: Partial<Delivery>): Promise<void> {
  await tx
    .updateTable('deliveries')
    .set(columns)
    .where('brand_id', '=', delivery.brand_id)
    .where('delivery_id', '=', delivery.delivery_id)
    .execute()
}

/** The endpoint's breaker as it now is; `lock` when it will be written according to what it was. */
export async function readBreaker(
  tx: Tx,
  destination: Destination,
  { lock = false } = {},
): Promise<Destination['breaker']> {
  const columns = ['consecutive_failures', 'breaker_opened_at_ms', 'breaker_probe_at_ms'] as const
  const found =
    destination.kind === 'partner'
      ? tx.selectFrom('partners').select(columns).where('key', '=', destination.id)
      : tx
          .selectFrom('endpoints')
          .select(columns)
          .where('brand_id', '=', destination.brandId!)
          .where('endpoint_id', '=', destination.id)
  const row = await (lock ? found.forUpdate() : found).executeTakeFirst()
  if (!row) return destination.breaker
  return {
    failures: row.consecutive_failures,
    openedAtMs: row.breaker_opened_at_ms,
    probeAtMs: row.breaker_probe_at_ms,
  }
}

export async function cancelAll(tx: Tx, place: Place, reason: string): Promise<void> {
  let all = tx
    .updateTable('deliveries')
    .set({ state: 'cancelled', last_error: reason })
    .where('state', 'in', ['pending', 'sending'])
    .where('destination_kind', '=', place.kind)
    .where('destination_id', '=', place.id)
  if (place.kind === 'brand') all = all.where('brand_id', '=', place.brandId)
  await all.execute()
}

/** Whether somebody called the delivery back since it was claimed. */
export async function wasCancelled(tx: Tx, delivery: Delivery): Promise<boolean> {
  const row = await tx
    .selectFrom('deliveries')
    .select('state')
    .where('brand_id', '=', delivery.brand_id)
    .where('delivery_id', '=', delivery.delivery_id)
    .executeTakeFirst()
  return row?.state === 'cancelled'
}
