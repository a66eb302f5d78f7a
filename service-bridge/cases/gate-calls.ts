import { instant } from '#contracts'
import { writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { type Core, inBrand, note } from '../core.ts'
import { wakeTimers } from '../timers.ts'
import { gateTarget } from './gate.ts'

/** Kill switches. Closing works at once; opening makes due what waited. */
export function createGateCalls(core: Core): ServiceBridge['gates'] {
  return {
    list: (brandId) =>
      core.db.asBrand(brandId, async (tx) => {
        const rows = await tx
          .selectFrom('gates')
          .selectAll()
          .where('brand_id', '=', brandId)
          .orderBy('kind')
          .orderBy('target')
          .execute()
        return rows.map((row) => ({
          scope: row.kind,
          subject: row.target,
          closedAt: instant(row.closed_at_ms),
          reason: row.reason,
        }))
      }),

    close: (brandId, { scope, subject, reason, by }) =>
      inBrand(core, brandId, async (work) => {
        const target = gateTarget(scope, subject)
        const actor = `${by.kind}:${by.id ?? ''}`
        const row = await work.tx
          .insertInto('gates')
          .values({ brand_id: brandId, kind: scope, target, closed_at_ms: work.atMs, closed_by: actor, reason })
          .onConflict((conflict) => conflict.columns(['brand_id', 'kind', 'target']).doUpdateSet({ reason }))
          .returningAll()
          .executeTakeFirstOrThrow()
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor,
          action: 'gate.closed',
          subject: `${scope}:${target}`,
          detail: { reason },
        })
        note(work, 'gate.closed', `${scope}:${target}`)
        return { scope, subject: target, closedAt: instant(row.closed_at_ms), reason: row.reason }
      }),

    open: (brandId, { scope, subject, by }) =>
      inBrand(core, brandId, async (work) => {
        const target = gateTarget(scope, subject)
        await work.tx
          .deleteFrom('gates')
          .where('brand_id', '=', brandId)
          .where('kind', '=', scope)
          .where('target', '=', target)
          .execute()
        await wakeTimers(work, 'gate')
        await work.tx
          .updateTable('deliveries')
          .set({ next_at_ms: work.atMs, last_error: null })
          .where('brand_id', '=', brandId)
          .where('state', '=', 'pending')
          .where('last_error', '=', HELD_BY_GATE)
          .execute()
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'gate.opened',
          subject: `${scope}:${target}`,
        })
        note(work, 'gate.opened', `${scope}:${target}`)
      }),
  }
}

/** What a delivery says while a gate holds it. */
export const HELD_BY_GATE = 'held by a gate'
