import { sql } from 'kysely'
import { Compile } from 'typebox/compile'
import { PRECISION_BAR, TrustSettings } from '#contracts'
import type { Tx } from '#store'

/** What a technician found at one case of a rule. */
export interface RuleVerdict {
  caseId: string
  verdict: 'confirmed' | 'other_cause' | 'no_fault_found'
  /** When the rule's first episode of the case opened, and when the visit ended. */
  openedAtMs: number
  foundAtMs: number
  chargeMinor: number
}

export interface RuleVersionRef {
  brandId: string
  ruleKey: string
  version: number
  /** Only of this enabling; all of them when left out. */
  activation?: string
}

/**
 * Verdicts on the cases that a version of a rule opened or joined, oldest first. A visit that could not be
 * made says nothing and is left out.
 */
export async function verdictsOf(
  tx: Tx,
  { brandId, ruleKey, version, activation }: RuleVersionRef,
): Promise<RuleVerdict[]> {
  const rows = await tx
    .selectFrom('order_items as i')
    .innerJoin('case_episodes as e', (join) =>
      join.onRef('e.brand_id', '=', 'i.brand_id').onRef('e.case_id', '=', 'i.case_id'),
    )
    .innerJoin('alerts as a', (join) =>
      join.onRef('a.brand_id', '=', 'e.brand_id').onRef('a.episode_id', '=', 'e.episode_id'),
    )
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'i.brand_id').onRef('o.work_order_id', '=', 'i.work_order_id'),
    )
    .select(['i.item_id', 'i.case_id', 'i.verdict', 'i.finished_at_ms', 'o.charge'])
    .select((eb) => eb.fn.min('a.opened_at_ms').as('opened_at_ms'))
    .where('i.brand_id', '=', brandId)
    .where('e.rule_key', '=', ruleKey)
    .where('a.rule_version', '=', version)
    .$if(activation !== undefined, (query) => query.where('a.activation', '=', activation!))
    .where('i.verdict', 'in', ['confirmed', 'other_cause', 'no_fault_found'])
    .groupBy(['i.item_id', 'i.case_id', 'i.verdict', 'i.finished_at_ms', 'o.charge'])
    .orderBy(sql`i.finished_at_ms NULLS LAST`)
    .orderBy('i.item_id')
    .execute()
  return rows.map((row) => ({
    caseId: row.case_id,
    verdict: row.verdict as RuleVerdict['verdict'],
    openedAtMs: Number(row.opened_at_ms),
    foundAtMs: row.finished_at_ms ?? Number(row.opened_at_ms),
    chargeMinor: (row.charge as { totalMinor?: number }).totalMinor ?? 0,
  }))
}

const SETTINGS = Compile(TrustSettings)

/** What the brand decided for its rules; the hub's own where it decided nothing. */
export async function trustSettings(tx: Tx, brandId: string): Promise<TrustSettings & { precisionBar: number }> {
  const row = await tx.selectFrom('brands').select('settings').where('brand_id', '=', brandId).executeTakeFirst()
  const stored: unknown = (row?.settings as { trust?: unknown } | undefined)?.trust
  return { precisionBar: PRECISION_BAR, ...(SETTINGS.Check(stored) ? stored : {}) }
}
