import { HubError } from '#platform'
import { HUB_BRAND, page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Core } from '../core.ts'
import { deliveryView, notFound } from '../queries.ts'

/** Deliveries brought back by one call: what a receiver can take in one go after an outage. */
const REDRIVE_MAX = 10_000

/** The outbox as the brand, or for `null` the operator, sees it; and dead letters brought back to life. */
export function createDeliveryCalls(core: Core, nudge: () => void): ServiceBridge['deliveries'] {
  function inScope<T>(brandId: string | null, body: (tx: Tx) => Promise<T>): Promise<T> {
    return brandId === null ? core.db.asHub(body) : core.db.asBrand(brandId, body)
  }

  return {
    list: (brandId, filter) =>
      inScope(brandId, async (tx) => {
        let query = tx.selectFrom('deliveries').selectAll()
        if (brandId !== null) query = query.where('brand_id', '=', brandId)
        if (filter.state === 'pending') query = query.where('state', 'in', ['pending', 'sending'])
        else if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        if (filter.endpointId !== undefined) query = query.where('destination_id', '=', filter.endpointId)
        if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
        const found = await page(query, filter, { by: ['created_at_ms', 'delivery_id'], direction: 'desc' })
        return { items: found.items.map(deliveryView), nextCursor: found.nextCursor }
      }),

    get: (brandId, deliveryId) =>
      inScope(brandId, async (tx) => {
        let query = tx.selectFrom('deliveries').selectAll().where('delivery_id', '=', deliveryId)
        if (brandId !== null) query = query.where('brand_id', '=', brandId)
        const row = await query.executeTakeFirst()
        if (!row) throw notFound('delivery', deliveryId)
        const tries = await tx
          .selectFrom('delivery_attempts')
          .selectAll()
          .where('brand_id', '=', row.brand_id)
          .where('delivery_id', '=', deliveryId)
          .orderBy('attempt')
          .execute()
        return {
          ...deliveryView(row),
          body: row.body_removed_at_ms === null ? (JSON.parse(row.body) as unknown) : null,
          tries: tries.map((one) => ({
            attempt: one.attempt,
            at: new Date(one.started_at_ms).toISOString(),
            outcome: one.error ?? 'sent',
            status: one.status,
            durationMs: one.duration_ms ?? 0,
          })),
        }
      }),

    async redrive(brandId, which, { by }) {
      const atMs = core.clock.nowMs()
      const redriven = await inScope(brandId, async (tx) => {
        let dead = tx
          .selectFrom('deliveries')
          .select('delivery_id')
          .where('state', '=', 'dead')
          .where('body_removed_at_ms', 'is', null)
        if (brandId !== null) dead = dead.where('brand_id', '=', brandId)
        if ('id' in which) dead = dead.where('delivery_id', '=', which.id)
        else {
          if (which.endpointId !== undefined) dead = dead.where('destination_id', '=', which.endpointId)
          if (which.from !== undefined) dead = dead.where('created_at_ms', '>=', Date.parse(which.from))
          if (which.to !== undefined) dead = dead.where('created_at_ms', '<=', Date.parse(which.to))
        }
        const ids = (await dead.orderBy('created_at_ms').limit(REDRIVE_MAX).execute()).map((row) => row.delivery_id)
        if ('id' in which && ids.length === 0) await refuseOne(tx, brandId, which.id)
        if (ids.length === 0) return 0
        const revived = await tx
          .updateTable('deliveries')
          .set((eb) => ({
            state: 'pending' as const,
            attempts: 0,
            next_at_ms: atMs,
            dead_at_ms: null,
            redriven: eb('redriven', '+', 1),
          }))
          .where('delivery_id', 'in', ids)
          .returning('delivery_id')
          .execute()
        await writeAudit(tx, {
          brandId,
          atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'delivery.redriven',
          subject: 'id' in which ? which.id : (which.endpointId ?? 'all'),
          detail: { count: revived.length },
        })
        return revived.length
      })
      nudge()
      return { redriven }
    },
  }
}

async function refuseOne(tx: Tx, brandId: string | null, deliveryId: string): Promise<never> {
  let query = tx
    .selectFrom('deliveries')
    .select(['state', 'brand_id', 'body_removed_at_ms'])
    .where('delivery_id', '=', deliveryId)
  if (brandId !== null) query = query.where('brand_id', '=', brandId)
  const row = await query.executeTakeFirst()
  if (!row) throw notFound('delivery', deliveryId)
  if (row.body_removed_at_ms !== null) throw new HubError('GONE', 'The body of this delivery is no longer kept.')
  const whose = row.brand_id === HUB_BRAND ? 'This test delivery' : 'This delivery'
  throw new HubError('STATE_FORBIDS', `${whose} is ${row.state}; only dead letters are redriven.`)
}
