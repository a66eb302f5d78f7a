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

/** Destinations with something due, those that waited longest first. */
export async function dueDestinations(tx: Tx, atMs: number): Promise<Place[]> {
  const rows = await tx
    .selectFrom('deliveries')
    .select((eb) => [
      'destination_kind as kind',
      'destination_id as id',
      eb.fn.min('brand_id').as('brandId'),
      eb.fn.min('next_at_ms').as('first'),
    ])
    .where('state', 'in', ['pending', 'sending'])
    .where('next_at_ms', '<=', atMs)
    .groupBy(['destination_kind', 'destination_id'])
    .orderBy('first')
    .limit(DESTINATIONS_PER_PASS)
    .execute()
  return rows.map(({ kind, id, brandId }) => ({ kind, id, brandId }))
}

/** The earliest time at which an attempt may be made, breakers and disabled endpoints considered. */
export async function nextDue(tx: Tx, flying: readonly string[]): Promise<number | null> {
  const { rows } = await sql<{ due: number | null }>`
    SELECT min(greatest(d.next_at_ms, coalesce(p.breaker_probe_at_ms, e.breaker_probe_at_ms, 0))) AS due
      FROM deliveries d
      LEFT JOIN partners p ON d.destination_kind = 'partner' AND p.key = d.destination_id
      LEFT JOIN endpoints e ON d.destination_kind = 'brand' AND e.brand_id = d.brand_id AND e.endpoint_id = d.destination_id
     WHERE d.state IN ('pending', 'sending') AND d.delivery_id <> ALL(${[...flying]}::text[])
       AND coalesce(p.disabled_at_ms, e.disabled_at_ms) IS NULL`.execute(tx)
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
