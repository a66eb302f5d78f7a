import { durationMs, HubError, newId } from '#platform'
import type { Work } from './http/commit.ts'
import { lockRule, parseForBrand, showRule, unknownRule } from './rules.ts'

/** The hub's own wait, which is what a storm of the whole fleet needs to show itself: a brand may only shorten it. */
const SETTLE_MS_MAX = 600_000

/** Puts a version in force, or lets it watch. */
export async function goLive(
  { tx, brandId, nowMs, change, audit }: Work,
  key: string,
  mode: 'active' | 'shadow',
  wanted: { version?: number; canaryShare?: number; settle?: string },
) {
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  const version = wanted.version ?? rule.current_version
  const canaryShare = wanted.canaryShare ?? 1
  const settleMs = settleOf(wanted.settle, canaryShare)
  const saved = await tx
    .selectFrom('rule_versions')
    .select('document')
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!saved) throw new HubError('VALIDATION_FAILED', `“${key}” has no version ${version}.`, { pointer: '/version' })
  const asItIs = rule.status === mode && rule.live_version === version && rule.canary_share === canaryShare
  // Nothing changes, so nothing is said: activating a hundred times makes no event.
  if (asItIs && rule.settle_ms === settleMs) return { status: 200, body: await showRule(tx, brandId, key) }
  if (asItIs) {
    // The wait is the service side's business: what the rule decides stays as it is.
    await tx
      .updateTable('rules')
      .set({ settle_ms: settleMs, updated_at_ms: nowMs })
      .where('brand_id', '=', brandId)
      .where('rule_key', '=', key)
      .execute()
    audit('rule.settle_changed', key, { settleMs })
    return { status: 200, body: await showRule(tx, brandId, key) }
  }
  // The product may have changed since the rule was saved.
  const document = await parseForBrand(tx, brandId, saved.document)
  const changeId = newId('chg')
  // An edit of a live rule keeps its activation, and with it the episodes that are open; enabling it is a new one.
  const activation = rule.status === mode && rule.activation !== null ? rule.activation : changeId
  await tx
    .updateTable('rules')
    .set({
      status: mode,
      live_version: version,
      activation,
      canary_share: canaryShare,
      settle_ms: settleMs,
      updated_at_ms: nowMs,
    })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .execute()
  await tx
    .updateTable('rule_versions')
    .set({ activated_at_ms: nowMs })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .execute()
  await change({ type: 'rule.activated', rule: document, version, mode, canaryShare, activation }, changeId)
  audit(mode === 'active' ? 'rule.activated' : 'rule.shadowed', key, { version, canaryShare, settleMs })
  return { status: 200, body: await showRule(tx, brandId, key) }
}

/** Pauses or deletes: what it opened resolves, what it has ordered stays. */
export async function takeOutOfForce(
  { tx, brandId, nowMs, change, audit }: Work,
  key: string,
  to: 'paused' | 'deleted',
) {
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  if (rule.status === to) return
  if (to === 'paused' && rule.status === 'draft') {
    throw new HubError('STATE_FORBIDS', `“${key}” is a draft: there is nothing to pause.`)
  }
  const wasLive = rule.status === 'active' || rule.status === 'shadow'
  await tx
    .updateTable('rules')
    .set({
      status: to,
      live_version: null,
      activation: null,
      updated_at_ms: nowMs,
      ...(to === 'deleted' ? { deleted_at_ms: nowMs } : {}),
    })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .execute()
  if (wasLive) await change({ type: 'rule.paused', ruleKey: key })
  audit(to === 'paused' ? 'rule.paused' : 'rule.deleted', key)
}

/** The wait a brand set for a rule's new cases; `null` for the hub's own. */
export function settleOf(settle: string | undefined, canaryShare: number): number | null {
  if (settle === undefined) return null
  const pointer = '/settle'
  const ms = durationMs(settle)
  if (ms === null || ms > SETTLE_MS_MAX)
    throw new HubError('VALIDATION_FAILED', `settle is 0 s to 10 min; ${settle} is not.`, { pointer })
  if (canaryShare < 1) {
    const detail =
      'On a share of the fleet a rule keeps the hub’s own wait of ten minutes. Leave settle out, or activate the rule for all devices (canaryShare 1).'
    throw new HubError('VALIDATION_FAILED', detail, { pointer })
  }
  return ms
}
