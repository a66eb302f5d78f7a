import type { CaseRecord } from '../cases/case-record.ts'
import type { Work } from '../core.ts'
import type { AgreementCandidate } from './partner-choice.ts'

/** A partner that had the order of a need and did not carry it out. */
export interface GaveBack {
  partnerKey: string
  atMs: number
}

/** Partners that refused these cases, let them lapse or gave them up since the last repair; the latest first. */
export async function gaveBack(work: Work, cases: readonly CaseRecord[]): Promise<GaveBack[]> {
  const rows = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'i.brand_id').onRef('o.work_order_id', '=', 'i.work_order_id'),
    )
    .select(['o.partner_key', 'o.closed_at_ms', 'o.end_reason', 'i.finished_at_ms', 'i.verdict'])
    .where('i.brand_id', '=', work.brandId)
    .where(
      'i.case_id',
      'in',
      cases.map((record) => record.case_id),
    )
    .where('o.closed_at_ms', 'is not', null)
    .orderBy('o.created_at_ms', 'desc')
    .orderBy('o.work_order_id')
    .execute()
  const repairedAtMs = Math.max(0, ...rows.map((row) => (row.verdict === null ? 0 : (row.finished_at_ms ?? 0))))
  return rows
    .filter((row) => GIVEN_BACK.has(row.end_reason ?? '') && row.closed_at_ms! >= repairedAtMs)
    .map((row) => ({ partnerKey: row.partner_key, atMs: row.closed_at_ms! }))
}

const GIVEN_BACK: ReadonlySet<string> = new Set(['rejected', 'lapsed', 'failed'])

/** Not asked again for the same need, unless its agreement was changed since: then it may have become able to. */
export function hadItsChance(refused: readonly GaveBack[], candidate: AgreementCandidate): boolean {
  return refused.some((one) => one.partnerKey === candidate.partnerKey && candidate.changedAtMs <= one.atMs)
}

/** In rank, but those that gave the need back after the others, the latest last. */
export function longestAgoFirst(
  candidates: readonly AgreementCandidate[],
  refused: readonly GaveBack[],
): AgreementCandidate[] {
  const at = ({ partnerKey }: AgreementCandidate): number =>
    Math.max(0, ...refused.filter((one) => one.partnerKey === partnerKey).map((one) => one.atMs))
  return candidates.toSorted((a, b) => at(a) - at(b))
}
