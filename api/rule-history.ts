import type { RuleDocument } from '#contracts'
import { HubError, isoDuration } from '#platform'
import { type RuleChange, ruleDiff } from '#rules'
import type { Tx } from '#store'
import type { Work } from './http/commit.ts'
import { needsApproval, type ProposalRow, propose } from './rule-approval.ts'
import { goLive } from './rule-life.ts'
import { addRuleVersion, canonicalHash, lockRule, parseForBrand, unknownRule } from './rules.ts'

/** The document of one version of a rule, deleted ones too: their versions stay for replay. */
export async function versionDocument(tx: Tx, brandId: string, key: string, version: number): Promise<RuleDocument> {
  const row = await tx
    .selectFrom('rule_versions')
    .select('document')
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', `“${key}” has no version ${version}.`)
  return row.document
}

/** What differs between two versions of a rule. */
export async function diffOfVersions(
  tx: Tx,
  brandId: string,
  key: string,
  { from, to }: { from: number; to: number },
): Promise<RuleChange[]> {
  return ruleDiff(await versionDocument(tx, brandId, key, from), await versionDocument(tx, brandId, key, to))
}

/**
 * Back to an older version: it is saved once more as the newest, so that history only grows, and takes the place of the
 * one in force where one is. Where that needs a second person, it is proposed instead.
 */
export async function rollBack(
  work: Work,
  key: string,
  to: number,
): Promise<{ version: number; proposal: ProposalRow | null }> {
  const { tx, brandId, nowMs, audit } = work
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  // The product may have changed since; what can no longer be used is refused with its place.
  const document = await parseForBrand(tx, brandId, await versionDocument(tx, brandId, key, to))
  const newest = await versionDocument(tx, brandId, key, rule.current_version)
  const asItIs = canonicalHash(newest) === canonicalHash(document) && ruleDiff(newest, document).length === 0
  const version = asItIs ? rule.current_version : rule.current_version + 1
  if (!asItIs) {
    await tx
      .updateTable('rules')
      .set({ current_version: version, updated_at_ms: nowMs })
      .where('brand_id', '=', brandId)
      .where('rule_key', '=', key)
      .execute()
    await addRuleVersion(work, version, document, null, to)
    audit('rule.rolled_back', key, { to, version })
  }
  if (rule.status !== 'active' && rule.status !== 'shadow') return { version, proposal: null }
  const activation = {
    version,
    canaryShare: rule.canary_share,
    ...(rule.settle_ms === null ? {} : { settle: isoDuration(rule.settle_ms) }),
  }
  if (rule.status === 'active' && (await needsApproval(tx, brandId, document)))
    return { version, proposal: await propose(work, key, activation) }
  await goLive(work, key, rule.status, activation)
  return { version, proposal: null }
}
