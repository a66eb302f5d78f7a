import { type RawBuilder, sql } from 'kysely'
import { instant } from '#contracts'
import { HubError } from '#platform'
import { page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { refuseUnlessMoved } from '../cases/case-calls.ts'
import type { Happen } from '../cases/case-driver.ts'
import { lockCases } from '../cases/case-record.ts'
import { CALLED_OFF } from '../cases/case-words.ts'
import { type Core, inBrand } from '../core.ts'
import { readSite } from '../homes/site.ts'
import { notFound, orderItemView, partnerEventView, quoteView, workOrderView } from '../queries.ts'
import type { WorkOrderDetail } from '../views.ts'
import { objectionUntil } from './objection.ts'
import type { OrderRecord } from './order-record.ts'

/** What a brand sees of its orders, and a partner of its own. */
export function createOrderCalls(core: Core, happen: Happen): ServiceBridge['orders'] {
  return {
    list: (brandId, filter) =>
      inBrand(core, brandId, async ({ tx }) => {
        let query = tx.selectFrom('work_orders').selectAll().where('brand_id', '=', brandId)
        if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        if (filter.partnerKey !== undefined) query = query.where('partner_key', '=', filter.partnerKey)
        if (filter.caseId !== undefined) {
          const { caseId } = filter
          query = query.where('work_order_id', 'in', (eb) =>
            eb
              .selectFrom('order_items')
              .select('work_order_id')
              .where('brand_id', '=', brandId)
              .where('case_id', '=', caseId),
          )
        }
        const found = await page(query, filter, { by: ['created_at_ms', 'work_order_id'], direction: 'desc' })
        return { items: found.items.map((row) => workOrderView(core, row)), nextCursor: found.nextCursor }
      }),

    get: (brandId, orderId) =>
      inBrand(core, brandId, async ({ tx }) => {
        const row = await tx
          .selectFrom('work_orders')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('work_order_id', '=', orderId)
          .executeTakeFirst()
        if (!row) throw notFound('work order', orderId)
        return withEvents(core, tx, row)
      }),

    cancel: (brandId, orderId, { by, reason }) =>
      inBrand(core, brandId, async (work) => {
        const items = await work.tx
          .selectFrom('order_items')
          .select('case_id')
          .where('brand_id', '=', brandId)
          .where('work_order_id', '=', orderId)
          .where('live', '=', true)
          .execute()
        const cases = await lockCases(
          work,
          items.map((item) => item.case_id),
        )
        const find = () =>
          work.tx
            .selectFrom('work_orders')
            .selectAll()
            .where('brand_id', '=', brandId)
            .where('work_order_id', '=', orderId)
            .executeTakeFirst()
        const order = await find()
        if (!order) throw notFound('work order', orderId)
        if (order.state === 'cancelled') return workOrderView(core, order)
        if (cases.length === 0) throw new HubError('STATE_FORBIDS', `The order is ${order.state.replace('_', ' ')}.`)
        refuseUnlessMoved(
          await happen(work, cases, 'cancelled', { by, why: CALLED_OFF, words: reason }),
          cases[0]!.state,
        )
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'work_order.cancelled',
          subject: orderId,
          // Why stands with the case, where an erasure reaches it: the trail outlives one.
        })
        return workOrderView(core, (await find())!)
      }),

    listForPartner: (partnerId, filter) =>
      core.db.asHub(async (tx) => {
        let query = tx
          .selectFrom('work_orders')
          .selectAll()
          .where('partner_key', '=', await partnerKey(tx, partnerId))
        if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        query = query.where(notHeld)
        const changed = filter.changedSince !== undefined
        if (changed) query = query.where('updated_at_ms', '>=', Date.parse(filter.changedSince!))
        const found = await page(query, filter, {
          by: [changed ? 'updated_at_ms' : 'created_at_ms', 'work_order_id'],
        })
        return { items: found.items.map((row) => workOrderView(core, row)), nextCursor: found.nextCursor }
      }),

    getForPartner: (partnerId, orderId) =>
      core.db.asHub(async (tx) => withEvents(core, tx, await ordersOwn(tx, partnerId, orderId))),

    async site({ orderId, partnerId, by }) {
      const order = await core.db.asHub((tx) => ordersOwn(tx, partnerId, orderId))
      return readSite(core, { brandId: order.brand_id, workOrderId: orderId }, by)
    },
  }
}

/**
 * An order nobody has answered yet, and on whose brand, partner, rule or region a gate is closed, is not on its way:
 * one that polls must not find it either. What was answered goes on.
 */
const notHeld: RawBuilder<boolean> = sql`(work_orders.state <> 'sent' OR NOT EXISTS (
  SELECT 1 FROM gates g
    JOIN order_items i ON i.brand_id = g.brand_id
    JOIN cases c ON c.brand_id = i.brand_id AND c.case_id = i.case_id
   WHERE g.brand_id = work_orders.brand_id AND i.work_order_id = work_orders.work_order_id
     AND (g.kind = 'brand' OR (g.kind = 'partner' AND g.target = work_orders.partner_key)
       OR (g.kind = 'rule' AND g.target = c.rule_key)
       OR (g.kind = 'region' AND left(c.region, length(g.target)) = g.target))))`

/** Partners are named by id or by key; both are the operator's and unique. */
async function partnerKey(tx: Tx, partner: string): Promise<string> {
  const row = await tx
    .selectFrom('partners')
    .select('key')
    .where((eb) => eb.or([eb('partner_id', '=', partner), eb('key', '=', partner)]))
    .executeTakeFirst()
  if (!row) throw notFound('partner', partner)
  return row.key
}

async function ordersOwn(tx: Tx, partner: string, orderId: string): Promise<OrderRecord> {
  const row = await tx
    .selectFrom('work_orders')
    .selectAll()
    .where('work_order_id', '=', orderId)
    .where('partner_key', '=', await partnerKey(tx, partner))
    .executeTakeFirst()
  if (!row) throw notFound('work order', orderId)
  return row
}

async function withEvents(core: Core, tx: Tx, row: OrderRecord): Promise<WorkOrderDetail> {
  const events = await tx
    .selectFrom('partner_events')
    .selectAll()
    .where('brand_id', '=', row.brand_id)
    .where('work_order_id', '=', row.work_order_id)
    .orderBy('received_at_ms')
    .orderBy('webhook_id')
    .execute()
  const items = await tx
    .selectFrom('order_items')
    .selectAll()
    .where('brand_id', '=', row.brand_id)
    .where('work_order_id', '=', row.work_order_id)
    .orderBy('item_id')
    .execute()
  const quotes = await tx
    .selectFrom('quotes')
    .selectAll()
    .where('brand_id', '=', row.brand_id)
    .where('work_order_id', '=', row.work_order_id)
    .orderBy('version')
    .execute()
  const untilMs = objectionUntil(row, items)
  return {
    ...workOrderView(core, row),
    items: items.map(orderItemView),
    quotes: quotes.map((quote) => quoteView(core, quote)),
    objectUntil: untilMs === null ? null : instant(untilMs),
    events: events.map(partnerEventView),
  }
}
