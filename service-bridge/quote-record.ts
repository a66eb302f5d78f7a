import type { Selectable } from 'kysely'
import { instant, type JobView, type QuestionedQuote } from '#contracts'
import type { QuotesTable } from '#store'
import type { OrderRecord } from './apply-partner-event.ts'
import type { Work } from './core.ts'

export type QuoteRecord = Selectable<QuotesTable>

/** The quote of the order that waits for a decision; `null` without one. */
export async function openQuote(work: Work, workOrderId: string): Promise<QuoteRecord | null> {
  const row = await work.tx
    .selectFrom('quotes')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return row ?? null
}

/** The order's last quote and what became of it, as the technician is told. */
export async function lastQuote(work: Work, workOrderId: string): Promise<JobView['quote']> {
  const row = await work.tx
    .selectFrom('quotes')
    .select(['version', 'state', 'total_minor', 'valid_until_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .orderBy('version', 'desc')
    .executeTakeFirst()
  if (!row) return null
  const { version, state, total_minor: totalMinor, valid_until_ms: validUntilMs } = row
  return { version, state, totalMinor, validUntil: instant(validUntilMs) }
}

/** As the home is asked about it; `null` once it ran out. */
export function questioned(work: Work, order: OrderRecord, quote: QuoteRecord | null): QuestionedQuote | null {
  if (!quote || work.atMs >= quote.valid_until_ms) return null
  return {
    version: quote.version,
    workOrder: order.work_order_id,
    currency: order.charge.currency,
    lines: quote.lines,
    agreedMinor: order.charge.totalMinor,
    totalMinor: quote.total_minor,
    reason: quote.reason,
    validUntil: instant(quote.valid_until_ms),
    ifDeclined: quote.if_declined,
  }
}
