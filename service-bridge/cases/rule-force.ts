import type { Work } from '../core.ts'
import type { CaseRecord } from './case-record.ts'

/**
 * Whether a rule still stands behind these needs. A brand takes a rule out of force at once, while the runner
 * hears of it only when it comes to that place in the log; until then its alerts are open, and nothing of them
 * may leave the hub any more.
 *
 * One rule in force is enough for a case that several have joined. A case whose alerts are all over, as after
 * an edit of its rule, asks every rule that ever joined it.
 */
export async function ruleStandsBehind(work: Work, cases: readonly CaseRecord[]): Promise<boolean> {
  for (const record of cases) {
    const joined = await work.tx
      .selectFrom('case_episodes')
      .select(['rule_key', 'resolved_at_ms'])
      .where('brand_id', '=', work.brandId)
      .where('case_id', '=', record.case_id)
      .execute()
    const open = joined.filter((episode) => episode.resolved_at_ms === null)
    const keys = (open.length > 0 ? open : joined).map((episode) => episode.rule_key)
    if (keys.length > 0 && !(await anyInForce(work, keys))) return false
  }
  return true
}

/** Whether one of these rules acts now: paused, deleted and shadow rules touch nobody. */
export async function anyInForce(work: Work, ruleKeys: readonly string[]): Promise<boolean> {
  const row = await work.tx
    .selectFrom('rules')
    .select('rule_key')
    .where('brand_id', '=', work.brandId)
    .where('rule_key', 'in', ruleKeys)
    .where('status', '=', 'active')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
