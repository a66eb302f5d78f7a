import type { RuleDocument } from '#contracts'
import { watchPrecision } from '#models'
import { derivedId } from '#platform'
import { submitChange, writeAudit } from '#store'
import type { Core, Work } from '../core.ts'
import { tellBrand } from '../outgoing.ts'
import { type CaseRecord, ruleKeysOf } from './case-record.ts'
import { trustSettings, verdictsOf } from './rule-score.ts'

/** A rule that keeps to the bar is demoted wrongly in one version of a hundred at most, however long it lives. */
const FALSE_DEMOTION = 0.01

/**
 * After a verdict: whether the rules behind the case still find what they say. One whose precision has fallen
 * below the brand's bar goes to shadow by itself and says so; a safety rule stays as it is and the brand is alarmed,
 * once per version and enabling.
 */
export async function judgeRules(core: Core, work: Work, record: CaseRecord): Promise<void> {
  for (const ruleKey of await ruleKeysOf(work, record)) await judgeRule(core, work, ruleKey)
}

async function judgeRule(core: Core, work: Work, ruleKey: string): Promise<void> {
  const { tx, brandId, atMs } = work
  const rule = await tx
    .selectFrom('rules as r')
    .innerJoin('rule_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'r.brand_id')
        .onRef('v.rule_key', '=', 'r.rule_key')
        .onRef('v.version', '=', 'r.live_version'),
    )
    .select(['r.status', 'r.live_version', 'r.activation', 'r.canary_share', 'v.document'])
    .where('r.brand_id', '=', brandId)
    .where('r.rule_key', '=', ruleKey)
    .forUpdate('r')
    .executeTakeFirst()
  if (rule?.status !== 'active' || rule.live_version === null || rule.activation === null) return
  const [version, { activation }] = [rule.live_version, rule as { activation: string }]
  const { precisionBar } = await trustSettings(tx, brandId)
  const verdicts = await verdictsOf(tx, { brandId, ruleKey, version, activation })
  const right = verdicts.map(({ verdict }) => verdict === 'confirmed')
  const { fellAt } = watchPrecision(right, { bar: precisionBar, falseAlarm: FALSE_DEMOTION })
  if (fellAt === null) return
  const document = rule.document as RuleDocument
  const kind = document.safety ? 'alarmed' : 'demoted'
  const found = right.filter((isRight) => isRight).length
  const detail = { verdicts: right.length, confirmed: found, precisionBar, afterVerdict: fellAt }
  const noted = await tx
    .insertInto('rule_alarms')
    .values({
      brand_id: brandId,
      rule_key: ruleKey,
      rule_version: version,
      activation,
      at_ms: atMs,
      kind,
      detail: JSON.stringify(detail),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('rule_key')
    .executeTakeFirst()
  if (!noted) return
  if (kind === 'demoted') await demote(work, { ruleKey, version, activation, document })
  await writeAudit(tx, {
    brandId,
    atMs,
    actor: 'hub',
    action: `rule.${kind}`,
    subject: ruleKey,
    detail: { version, ...detail },
  })
  await tellBrand(core, work, {
    type: `rule.${kind}`,
    subject: ruleKey,
    cause: [version, activation],
    data: { rule: ruleKey, ruleVersion: version, ...detail },
  })
}

/** To shadow, over the whole fleet: it goes on deciding and being scored, and touches nobody. */
async function demote(
  work: Work,
  {
    ruleKey,
    version,
    activation,
    document,
  }: { ruleKey: string; version: number; activation: string; document: RuleDocument },
): Promise<void> {
  const { tx, brandId, atMs } = work
  const changeId = derivedId('chg', 'rule.demoted', brandId, ruleKey, version, activation)
  await tx
    .updateTable('rules')
    .set({ status: 'shadow', activation: changeId, updated_at_ms: atMs })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', ruleKey)
    .execute()
  work.control = true
  await submitChange(tx, {
    brandId,
    change: { type: 'rule.activated', rule: document, version, mode: 'shadow', canaryShare: 1, activation: changeId },
    changeId,
    nowMs: atMs,
  })
}
