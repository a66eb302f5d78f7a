import type { Selectable } from 'kysely'
import { type PartsTable, page } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Core } from '../core.ts'
import { notFound } from '../queries.ts'
import type { PartView } from '../views.ts'

/** The brand's spare parts and how long they take to reach a region. */
export function createPartCalls(core: Core): ServiceBridge['parts'] {
  return {
    put: (brandId, part) =>
      core.db.asBrand(brandId, async (tx) => {
        const columns = {
          name: JSON.stringify(part.name),
          genuine: part.genuine,
          lead_days: JSON.stringify(part.leadDays),
          updated_at_ms: core.clock.nowMs(),
        }
        await tx
          .insertInto('parts')
          .values({ brand_id: brandId, sku: part.sku, ...columns })
          .onConflict((conflict) => conflict.columns(['brand_id', 'sku']).doUpdateSet(columns))
          .execute()
        return part
      }),

    list: (brandId, filter) =>
      core.db.asBrand(brandId, async (tx) => {
        const found = await page(tx.selectFrom('parts').selectAll().where('brand_id', '=', brandId), filter, {
          by: ['sku'],
        })
        return { items: found.items.map(partView), nextCursor: found.nextCursor }
      }),

    get: (brandId, sku) =>
      core.db.asBrand(brandId, async (tx) => {
        const row = await tx
          .selectFrom('parts')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('sku', '=', sku)
          .executeTakeFirst()
        if (!row) throw notFound('part', sku)
        return partView(row)
      }),

    remove: (brandId, sku) =>
      core.db.asBrand(brandId, async (tx) => {
        const gone = await tx
          .deleteFrom('parts')
          .where('brand_id', '=', brandId)
          .where('sku', '=', sku)
          .returning('sku')
          .executeTakeFirst()
        if (!gone) throw notFound('part', sku)
      }),
  }
}

function partView(row: Selectable<PartsTable>): PartView {
  return { sku: row.sku, name: row.name, genuine: row.genuine, leadDays: row.lead_days }
}
