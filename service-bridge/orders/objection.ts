import { instant, type JobView, type PartnerEvent } from '#contracts'
import { HubError } from '#platform'
import { flagOrderReview } from '../cases/review.ts'
import type { Core, Work } from '../core.ts'
import { tellBrand } from '../outgoing.ts'
import { OBJECTION_MS } from '../policy.ts'
import { changeOrder, type OrderRecord } from './order-record.ts'

/**
 * C19: the partner disagrees with how its repair was found to have ended. Kept, put before a person and
 * told to the brand; it changes nothing by itself. Answers what becomes of the saying.
 *
 * @throws STATE_FORBIDS once the last item's end was told 72 hours ago.
 */
export async function takeObjection(core: Core, work: Work, order: OrderRecord, event: PartnerEvent): Promise<string> {
  const items = await work.tx
    .selectFrom('order_items')
    .select(['item_id', 'live', 'verified', 'verified_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .orderBy('item_id')
    .execute()
  const strange = event.objection?.items?.findIndex((id) => items.every((item) => item.item_id !== id)) ?? -1
  if (strange >= 0) {
    throw new HubError('VALIDATION_FAILED', `"${event.objection!.items![strange]}" is no item of this order.`, {
      pointer: `/objection/items/${strange}`,
    })
  }
  const untilMs = objectionUntil(order, items)
  if (untilMs !== null && work.atMs >= untilMs) {
    throw new HubError('STATE_FORBIDS', `Objections to this order were taken until ${instant(untilMs)}.`)
  }
  await changeOrder(work, order.work_order_id, { objected_at_ms: work.atMs })
  await flagOrderReview(core, work, order.work_order_id, 'the partner objected')
  const about = event.objection?.items
  await tellBrand(core, work, {
    type: 'work_order.objected',
    subject: order.work_order_id,
    cause: [work.atMs],
    data: {
      workOrderId: order.work_order_id,
      number: order.number,
      partner: order.partner_key,
      at: instant(work.atMs),
      items: items
        .filter((item) => about === undefined || about.includes(item.item_id))
        .map((item) => ({ item: item.item_id, verified: item.verified })),
    },
  })
  return 'applied'
}

type Doubt = JobView['doubted'][number]

/** Repairs of the order that were not found to hold, while that may still be objected to. */
export async function doubtedRepairs(work: Work, order: OrderRecord): Promise<Doubt[]> {
  if (order.state !== 'completed') return []
  const items = await work.tx
    .selectFrom('order_items')
    .select(['item_id', 'verified', 'verified_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .orderBy('item_id')
    .execute()
  const lastMs = objectionUntil(order, items)
  return items.flatMap(({ item_id: item, verified: end, verified_at_ms: endedAtMs }): Doubt[] => {
    if (end === null || end === 'verified' || endedAtMs === null) return []
    const untilMs = lastMs ?? endedAtMs + OBJECTION_MS
    return work.atMs < untilMs ? [{ item, end, objectUntil: instant(untilMs) }] : []
  })
}

/** From when on objections come too late; `null` while something of the order has not ended yet. */
export function objectionUntil(
  order: Pick<OrderRecord, 'state' | 'closed_at_ms'>,
  items: readonly { verified_at_ms: number | null; verdict?: string | null }[],
): number | null {
  const ends = items.map((item) => item.verified_at_ms)
  if (order.state !== 'completed') return order.closed_at_ms === null ? null : order.closed_at_ms + OBJECTION_MS
  const known = ends.filter((end): end is number => end !== null)
  return known.length < ends.length || known.length === 0 ? null : Math.max(...known) + OBJECTION_MS
}
