import type { Selectable } from 'kysely'
import { instant, type JobView, type QuestionedQuote } from '#contracts'
import type { QuotesTable } from '#store'
import type { Core, Work } from '../core.ts'
import { changeOrder, type OrderRecord } from './order-record.ts'
import { openWords } from './order-words.ts'

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
export function questioned(
  core: Core,
  work: Work,
  order: OrderRecord,
  quote: QuoteRecord | null,
): QuestionedQuote | null {
  if (!quote || work.atMs >= quote.valid_until_ms) return null
  return {
    version: quote.version,
    workOrder: order.work_order_id,
    currency: order.charge.currency,
    lines: quote.lines,
    agreedMinor: order.charge.totalMinor,
    totalMinor: quote.total_minor,
    reason: openWords(core.box, order.work_order_id, quote.reason, 'quote.reason'),
    validUntil: instant(quote.valid_until_ms),
    ifDeclined: quote.if_declined,
  }
}

export async function quoteOf(work: Work, workOrderId: string, version: number): Promise<QuoteRecord | null> {
  const row = await work.tx
    .selectFrom('quotes')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .where('version', '=', version)
    .executeTakeFirst()
  return row ?? null
}

/** The newest the partner has sent, whatever became of it. */
export async function newestQuote(work: Work, workOrderId: string): Promise<QuoteRecord | null> {
  const row = await work.tx
    .selectFrom('quotes')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

export async function setQuote(
  work: Work,
  quote: Pick<QuoteRecord, 'work_order_id' | 'version'>,
  change: Partial<Pick<QuoteRecord, 'state' | 'decided_at_ms' | 'charge_sha256'>>,
): Promise<void> {
  await work.tx
    .updateTable('quotes')
    .set(change)
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', quote.work_order_id)
    .where('version', '=', quote.version)
    .execute()
  await changeOrder(work, quote.work_order_id, {})
}
