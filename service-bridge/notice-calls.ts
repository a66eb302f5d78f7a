import { HubError } from '#platform'
import { type NoticeStatus, page } from '#store'
import type { ServiceBridge } from './bridge.ts'
import { type Core, inBrand, note } from './core.ts'
import { notFound, noticeView } from './queries.ts'

/** How far a message has come; a later receipt never takes it back. */
const STATUS_RANK: Readonly<Record<NoticeStatus, number>> = {
  requested: 0,
  sent: 1,
  delivered: 2,
  failed: 2,
  read: 3,
  opted_out: 4,
  // Nobody was told; no receipt can come of it.
  expired: 5,
  withdrawn: 5,
  suppressed: 5,
}

/** What was asked to be sent to people, and what became of it. */
export function createNoticeCalls(core: Core): ServiceBridge['notices'] {
  return {
    list: (brandId, filter) =>
      core.db.asBrand(brandId, async (tx) => {
        let query = tx.selectFrom('notices').selectAll().where('brand_id', '=', brandId)
        if (filter.homeId !== undefined) query = query.where('home_id', '=', filter.homeId)
        const found = await page(query, filter, { by: ['created_at_ms', 'notice_id'], direction: 'desc' })
        return { items: found.items.map((row) => noticeView(core, row, 1)), nextCursor: found.nextCursor }
      }),

    receipt: (brandId, noticeId, receipt) =>
      inBrand(core, brandId, async (work) => {
        const atMs = receipt.at === undefined ? work.atMs : Date.parse(receipt.at)
        if (!Number.isFinite(atMs)) throw new HubError('VALIDATION_FAILED', 'This is not a time.', { pointer: '/at' })
        const row = await work.tx
          .selectFrom('notices')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('notice_id', '=', noticeId)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw notFound('notice', noticeId)
        await work.tx
          .insertInto('notice_receipts')
          .values({ brand_id: brandId, notice_id: noticeId, status: receipt.status, at_ms: atMs })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
        if (STATUS_RANK[receipt.status] > STATUS_RANK[row.status]) {
          row.status = receipt.status
          await work.tx
            .updateTable('notices')
            .set({ status: receipt.status, updated_at_ms: work.atMs })
            .where('brand_id', '=', brandId)
            .where('notice_id', '=', noticeId)
            .execute()
          note(work, `notice.${receipt.status}`, noticeId)
        }
        return noticeView(core, row, 1)
      }),
  }
}
