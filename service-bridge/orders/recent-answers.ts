import { sql } from 'kysely'
import type { Work } from '../core.ts'
import { RECENT_ORDERS_MAX, RECENT_ORDERS_MS } from '../policy.ts'
import type { RecentAnswers } from './partner-choice.ts'

/**
 * How partners answered their latest orders of this brand. Orders still unanswered, and those
 * called off before an answer was due, say nothing about a partner.
 */
export async function recentAnswers(work: Work, partnerKeys: readonly string[]): Promise<Map<string, RecentAnswers>> {
  if (partnerKeys.length === 0) return new Map()
  const { rows } = await sql<{ partner_key: string; answered: number; taken: number }>`
    SELECT partner_key, count(*)::int AS answered, (count(*) FILTER (WHERE accepted_at_ms IS NOT NULL))::int AS taken
      FROM (SELECT partner_key, accepted_at_ms,
                   row_number() OVER (PARTITION BY partner_key ORDER BY created_at_ms DESC, work_order_id) AS nth
              FROM work_orders
             WHERE brand_id = ${work.brandId} AND partner_key = ANY(${[...new Set(partnerKeys)]}::text[])
               AND created_at_ms > ${work.atMs - RECENT_ORDERS_MS}
               AND (accepted_at_ms IS NOT NULL OR end_reason IN ('lapsed', 'rejected'))) AS latest
     WHERE nth <= ${RECENT_ORDERS_MAX}
     GROUP BY partner_key`.execute(work.tx)
  return new Map(rows.map(({ partner_key, answered, taken }) => [partner_key, { answered, taken }]))
}
