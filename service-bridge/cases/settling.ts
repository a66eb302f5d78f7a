import type { Core, Work } from '../core.ts'
import { setTimer } from '../timers.ts'
import type { CaseRecord } from './case-record.ts'

/**
 * Lets a case wait before anyone is asked (C4, C5), so that what else the home needs joins it and a storm of
 * the whole fleet shows itself. A brand may have shortened the wait when it activated the rule.
 */
export async function beginSettling(core: Core, work: Work, record: CaseRecord): Promise<void> {
  const settleMs = await settleMsOf(core, work, record.rule_key)
  await setTimer(work, 'settle', record.case_id, work.atMs + settleMs, null, record.opened_at_ms)
}

/** How long a need of this rule settles; a need that a person reported has no rule, and the hub's own time. */
export async function settleMsOf(core: Core, work: Work, ruleKey: string | null): Promise<number> {
  if (ruleKey === null) return core.policy.settleMs
  const rule = await work.tx
    .selectFrom('rules')
    .select('settle_ms')
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', ruleKey)
    .executeTakeFirst()
  return rule?.settle_ms ?? core.policy.settleMs
}
