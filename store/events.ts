import { sql } from 'kysely'
import { newId } from '#platform'
import type { DestinationKind } from './tables/delivery.ts'
import { HUB_BRAND } from './tables/tenant.ts'
import type { Tx } from './tenancy.ts'

export interface OutgoingEvent {
  /** Null for the operator's own, such as a partner's test event. */
  brandId: string | null
  destination: { kind: DestinationKind; id: string }
  type: string
  /** What it is about: a work order, an alert. Events of one subject are numbered per destination. */
  subject: string
  /** Given where the same cause must give the same webhook id. */
  deliveryId?: string
  /** The body, made once its number is known; sent byte for byte as stored. */
  body: (place: { deliveryId: string; subjectSequence: number }) => unknown
  nowMs: number
  /** Not before this; now when left out. */
  sendAfterMs?: number
}

/**
 * Puts an event into the outbox, in the transaction of the change it tells of: either both
 * happen or neither. With a `deliveryId` that is already there nothing happens. Returns the id.
 */
export async function enqueueEvent(tx: Tx, event: OutgoingEvent): Promise<string> {
  const brandId = event.brandId ?? HUB_BRAND
  const deliveryId = event.deliveryId ?? newId('msg')
  const { kind, id } = event.destination
  // Numbers of one subject are given one transaction at a time.
  const lock = sql`SELECT pg_advisory_xact_lock(hashtextextended(${`event ${kind} ${id} ${event.subject}`}, 0))`
  const there = tx
    .selectFrom('deliveries')
    .select('delivery_id')
    .where('brand_id', '=', brandId)
    .where('delivery_id', '=', deliveryId)
  const newest = tx
    .selectFrom('deliveries')
    .select((eb) => eb.fn.coalesce(eb.fn.max('subject_sequence'), sql<number>`0`).as('last'))
    .where('brand_id', '=', brandId)
    .where('destination_kind', '=', kind)
    .where('destination_id', '=', id)
    .where('subject', '=', event.subject)
  // Asked together and answered in this order: what is read is read under the lock.
  const [, known, { last }] = await Promise.all([
    lock.execute(tx),
    there.executeTakeFirst(),
    newest.executeTakeFirstOrThrow(),
  ])
  if (known) return deliveryId
  const subjectSequence = last + 1
  await tx
    .insertInto('deliveries')
    .values({
      brand_id: brandId,
      delivery_id: deliveryId,
      destination_kind: kind,
      destination_id: id,
      type: event.type,
      subject: event.subject,
      subject_sequence: subjectSequence,
      body: JSON.stringify(event.body({ deliveryId, subjectSequence })),
      next_at_ms: event.sendAfterMs ?? event.nowMs,
      created_at_ms: event.nowMs,
    })
    .execute()
  return deliveryId
}
