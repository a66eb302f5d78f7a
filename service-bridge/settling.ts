import type { Core, Work } from './core.ts'
import { setTimer } from './timers.ts'

/**
 * Lets a case wait before anyone is asked (C4, C5), so that what else the home needs joins it and a storm of
 * the whole fleet shows itself. A brand may have shortened the wait when it activated the rule.
 */
export async function beginSettling(
  core: Core,
  work: Work,
  record: { caseId: string; ruleKey: string },
): Promise<void> {
  const rule = await work.tx
    .selectFrom('rules')
    .select('settle_ms')
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', record.ruleKey)
    .executeTakeFirst()
  await setTimer(work, 'settle', record.caseId, work.atMs + (rule?.settle_ms ?? core.policy.settleMs))
}
