import type { Selectable } from 'kysely'
import type { ConsentPurpose, ConsentsTable } from '#store'
import type { Work } from '../core.ts'

export type ConsentRecord = Selectable<ConsentsTable>

/**
 * The record that says yes now, or `null`. The newest word of a home for a purpose (and
 * recipient) counts: a later refusal, a withdrawal or a passed end makes it void.
 */
export async function consentInForce(
  work: Work,
  question: { homeId: string; purpose: ConsentPurpose; recipientKey?: string; standingOnly?: boolean },
): Promise<ConsentRecord | null> {
  let query = work.tx
    .selectFrom('consents')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', question.homeId)
    .where('purpose', '=', question.purpose)
  if (question.recipientKey !== undefined) query = query.where('recipient_key', '=', question.recipientKey)
  if (question.standingOnly) query = query.where('subject', 'is', null)
  const newest = await query.orderBy('at_ms', 'desc').orderBy('created_at_ms', 'desc').executeTakeFirst()
  return newest && holds(newest, work.atMs) ? newest : null
}

export function holds(record: ConsentRecord, atMs: number): boolean {
  return record.granted && record.withdrawn_at_ms === null && (record.until_ms === null || atMs < record.until_ms)
}
