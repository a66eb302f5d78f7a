import type { Selectable } from 'kysely'
import { instant, type RuleDocument, type TrustSettings } from '#contracts'
import { HubError, isoDuration, newId } from '#platform'
import { dispatchOf } from '#rules'
import type { Tables, Tx } from '#store'
import type { Work } from './http/commit.ts'
import { settleOf } from './rule-life.ts'
import { lockRule, unknownRule } from './rules.ts'

/**
 * Two people for what sends anybody: where the brand asks for it, a rule that makes offers or orders comes into force
 * by the proposal of one key and the yes of another. Pausing and trying out in shadow need nobody's yes.
 */

export type ProposalRow = Selectable<Tables['rule_proposals']>

/** The brand's own settings, by their names in its row. */
export interface BrandSettings {
  twoPersonRules?: boolean
  /** Of the offer's page in the brand's mini-program. */
  miniProgramPath?: string | null
  trust?: TrustSettings
}

/** @param forUpdate nobody else changes them until this transaction ends */
export async function brandSettings(tx: Tx, brandId: string, forUpdate = false): Promise<BrandSettings> {
  const row = await tx
    .selectFrom('brands')
    .select('settings')
    .where('brand_id', '=', brandId)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst()
  return (row?.settings ?? {}) as BrandSettings
}

/** Whether putting this into force needs a second person. */
export async function needsApproval(tx: Tx, brandId: string, document: RuleDocument): Promise<boolean> {
  if (dispatchOf(document) === 'notify') return false
  return (await brandSettings(tx, brandId)).twoPersonRules === true
}

export interface Activation {
  version?: number
  canaryShare?: number
  settle?: string
}

/** Proposes to put a version in force. An open proposal of the same rule gives way to it. */
export async function propose(work: Work, key: string, wanted: Activation): Promise<ProposalRow> {
  const { tx, brandId, nowMs, principal, audit } = work
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  const version = wanted.version ?? rule.current_version
  const saved = await tx
    .selectFrom('rule_versions')
    .select('version')
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!saved) throw new HubError('VALIDATION_FAILED', `“${key}” has no version ${version}.`, { pointer: '/version' })
  const canaryShare = wanted.canaryShare ?? 1
  await tx
    .updateTable('rule_proposals')
    .set({ state: 'replaced', decided_by: principal.keyId, decided_at_ms: nowMs })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('state', '=', 'open')
    .execute()
  const row = await tx
    .insertInto('rule_proposals')
    .values({
      brand_id: brandId,
      proposal_id: newId('prop'),
      rule_key: key,
      version,
      canary_share: canaryShare,
      settle_ms: settleOf(wanted.settle, canaryShare),
      state: 'open',
      proposed_by: principal.keyId,
      proposed_at_ms: nowMs,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  audit('rule.proposed', key, { proposal: row.proposal_id, version, canaryShare })
  return row
}

/** Takes the decision of another person, and says what it was about. */
export async function decide(
  { tx, brandId, nowMs, principal, audit }: Work,
  {
    key,
    proposalId,
    to,
    note,
  }: { key: string; proposalId: string; to: 'approved' | 'rejected'; note?: string | undefined },
): Promise<ProposalRow> {
  const row = await tx
    .selectFrom('rule_proposals')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('proposal_id', '=', proposalId)
    .forUpdate()
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', `“${key}” has no such proposal.`)
  if (row.state !== 'open') throw new HubError('STATE_FORBIDS', `The proposal is ${row.state} already.`)
  if (to === 'approved' && row.proposed_by === principal.keyId)
    throw new HubError('APPROVAL_NEEDED', 'Who proposed it cannot also approve it: another key has to.')
  const decided = await tx
    .updateTable('rule_proposals')
    .set({ state: to, decided_by: principal.keyId, decided_at_ms: nowMs, note: note ?? null })
    .where('brand_id', '=', brandId)
    .where('proposal_id', '=', proposalId)
    .returningAll()
    .executeTakeFirstOrThrow()
  audit(`rule.${to}`, key, {
    proposal: proposalId,
    version: row.version,
    proposedBy: row.proposed_by,
    ...(note ? { note } : {}),
  })
  return decided
}

export function activationOf(row: ProposalRow): Activation {
  return {
    version: row.version,
    canaryShare: row.canary_share,
    ...(row.settle_ms === null ? {} : { settle: isoDuration(row.settle_ms) }),
  }
}

export function proposalOfRow(row: ProposalRow) {
  return {
    id: row.proposal_id,
    rule: row.rule_key,
    version: row.version,
    canaryShare: row.canary_share,
    settle: row.settle_ms === null ? null : isoDuration(row.settle_ms),
    state: row.state,
    proposedBy: row.proposed_by,
    proposedAt: instant(row.proposed_at_ms),
    decidedBy: row.decided_by,
    decidedAt: row.decided_at_ms === null ? null : instant(row.decided_at_ms),
    note: row.note,
  }
}
