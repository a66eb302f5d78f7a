import type { Selectable } from 'kysely'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { type DeliveriesTable, HUB_BRAND, type Tx } from '#store'
import { gateInTheWay } from '../cases/gate.ts'
import { quietOverAt } from '../notices/quiet-hours.ts'

type Delivery = Selectable<DeliveriesTable>

/** What causes a visit or a message to a person; everything else only tells how things stand. */
const CAUSES_SOMETHING: ReadonlySet<string> = new Set(['work_order.created', 'notice.requested'])

/**
 * Whether a kill switch closed after the event was queued holds it now. Only what would set
 * people in motion is held: a cancellation or a verdict must never wait.
 */
export async function heldByGate(tx: Tx, delivery: Delivery): Promise<boolean> {
  const type = delivery.type.slice(EVENT_TYPE_PREFIX.length)
  if (delivery.brand_id === HUB_BRAND || !CAUSES_SOMETHING.has(type)) return false
  const any = await tx.selectFrom('gates').select('kind').where('brand_id', '=', delivery.brand_id).executeTakeFirst()
  if (!any) return false
  const { ruleKeys, region, safety } = await concerned(tx, delivery, type)
  const closed = await gateInTheWay(tx, {
    brandId: delivery.brand_id,
    ruleKeys,
    region,
    safety,
    partnerKey: delivery.destination_kind === 'partner' ? delivery.destination_id : null,
  })
  return closed !== null
}

/**
 * Until when a message to a home waits because it is night there: its event may have been queued by day and have
 * failed since. `null` when it may go; a danger always may.
 */
export async function heldByNight(tx: Tx, delivery: Delivery, atMs: number): Promise<number | null> {
  if (delivery.type !== `${EVENT_TYPE_PREFIX}notice.requested`) return null
  const home = await tx
    .selectFrom('notices as n')
    .innerJoin('homes as h', (join) => join.onRef('h.brand_id', '=', 'n.brand_id').onRef('h.home_id', '=', 'n.home_id'))
    .select(['n.kind', 'h.time_zone', 'h.quiet_from', 'h.quiet_to'])
    .where('n.brand_id', '=', delivery.brand_id)
    .where('n.notice_id', '=', delivery.subject)
    .executeTakeFirst()
  if (!home || home.kind === 'safety') return null
  const overMs = quietOverAt(atMs, { from: home.quiet_from, to: home.quiet_to, timeZone: home.time_zone })
  return overMs > atMs ? overMs : null
}

async function concerned(
  tx: Tx,
  delivery: Delivery,
  type: string,
): Promise<{ ruleKeys: string[]; region: string | null; safety: boolean }> {
  if (type === 'notice.requested') {
    const row = await tx
      .selectFrom('notices as n')
      .leftJoin('cases as c', (join) =>
        join.onRef('c.brand_id', '=', 'n.brand_id').onRef('c.case_id', '=', 'n.case_id'),
      )
      .select(['n.kind', 'c.rule_key', 'c.region'])
      .where('n.brand_id', '=', delivery.brand_id)
      .where('n.notice_id', '=', delivery.subject)
      .executeTakeFirst()
    return {
      ruleKeys: row?.rule_key ? [row.rule_key] : [],
      region: row?.region ?? null,
      safety: row?.kind === 'safety',
    }
  }
  const rows = await tx
    .selectFrom('order_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select(['c.rule_key', 'c.region'])
    .where('i.brand_id', '=', delivery.brand_id)
    .where('i.work_order_id', '=', delivery.subject)
    .execute()
  return {
    ruleKeys: rows.flatMap((row) => (row.rule_key === null ? [] : [row.rule_key])),
    region: rows[0]?.region ?? null,
    safety: false,
  }
}
