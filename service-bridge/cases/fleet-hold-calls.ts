import { type FleetHold, type FleetHoldState, instant } from '#contracts'
import { HubError } from '#platform'
import { page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { type Core, inBrand } from '../core.ts'
import { notFound } from '../queries.ts'
import { setTimer } from '../timers.ts'
import type { Actor } from '../views.ts'
import { type HoldRecord, tellHold } from './fleet-holds.ts'

/** What a brand sees of its storms, and decides: one call for all that waits, and the cases follow in their order. */
export function createFleetHoldCalls(core: Core): ServiceBridge['fleetHolds'] {
  async function decide(
    brandId: string,
    holdId: string,
    state: Exclude<FleetHoldState, 'held'>,
    { by, reason }: { by: Actor; reason: string },
  ): Promise<FleetHold> {
    return inBrand(core, brandId, async (work) => {
      const hold = await work.tx
        .selectFrom('fleet_holds')
        .selectAll()
        .where('brand_id', '=', brandId)
        .where('hold_id', '=', holdId)
        .forUpdate()
        .executeTakeFirst()
      if (!hold) throw notFound('fleet hold', holdId)
      if (hold.state === state) return holdView(hold, await waitingIn(work.tx, brandId, [holdId]))
      if (hold.state !== 'held') throw new HubError('STATE_FORBIDS', `The hold was ${hold.state} already.`)
      const actor = `${by.kind}:${by.id ?? ''}`
      const decided = await work.tx
        .updateTable('fleet_holds')
        .set({ state, decided_at_ms: work.atMs, decided_by: by.id, reason })
        .where('brand_id', '=', brandId)
        .where('hold_id', '=', holdId)
        .returningAll()
        .executeTakeFirstOrThrow()
      const waiting = await waitingIn(work.tx, brandId, [holdId])
      await setTimer(work, 'fleet_hold', holdId, work.atMs)
      await tellHold(core, work, decided, state, { cases: waiting.get(holdId) ?? 0, reason, by: by.kind })
      await writeAudit(work.tx, {
        brandId,
        atMs: work.atMs,
        actor,
        action: `fleet_hold.${state}`,
        subject: holdId,
        detail: { reason },
      })
      return holdView(decided, waiting)
    })
  }

  return {
    list: (brandId, filter) =>
      inBrand(core, brandId, async ({ tx }) => {
        let query = tx.selectFrom('fleet_holds').selectAll().where('brand_id', '=', brandId)
        if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        const found = await page(query, filter, { by: ['held_at_ms', 'hold_id'], direction: 'desc' })
        const waiting = await waitingIn(
          tx,
          brandId,
          found.items.map((row) => row.hold_id),
        )
        return { items: found.items.map((row) => holdView(row, waiting)), nextCursor: found.nextCursor }
      }),
    get: (brandId, holdId) =>
      inBrand(core, brandId, async ({ tx }) => {
        const row = await tx
          .selectFrom('fleet_holds')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('hold_id', '=', holdId)
          .executeTakeFirst()
        if (!row) throw notFound('fleet hold', holdId)
        return holdView(row, await waitingIn(tx, brandId, [holdId]))
      }),
    release: (brandId, holdId, options) => decide(brandId, holdId, 'released', options),
    drop: (brandId, holdId, options) => decide(brandId, holdId, 'dropped', options),
  }
}

/** Cases that wait in these holds now. */
async function waitingIn(tx: Tx, brandId: string, holdIds: readonly string[]): Promise<Map<string, number>> {
  if (holdIds.length === 0) return new Map()
  const rows = await tx
    .selectFrom('cases')
    .select((eb) => ['hold_id', eb.fn.countAll<number>().as('count')])
    .where('brand_id', '=', brandId)
    .where('hold_id', 'in', holdIds)
    .where('state', '=', 'held')
    .groupBy('hold_id')
    .execute()
  return new Map(rows.map((row) => [row.hold_id!, row.count]))
}

function holdView(row: HoldRecord, waiting: ReadonlyMap<string, number>): FleetHold {
  return {
    id: row.hold_id,
    state: row.state,
    rule: { key: row.rule_key, version: row.rule_version },
    product: row.product_key,
    firmware: row.firmware === '' ? null : row.firmware,
    region: row.region === '' ? null : row.region,
    safety: row.safety,
    cases: waiting.get(row.hold_id) ?? 0,
    population: row.population,
    limit: row.case_limit,
    heldAt: instant(row.held_at_ms),
    decidedAt: row.decided_at_ms === null ? null : instant(row.decided_at_ms),
    reason: row.reason,
  }
}
