import type { Selectable } from 'kysely'
import { type CaseState, sealedAs } from '#contracts'
import { HubError, type SecretBox } from '#platform'
import type { CasesTable } from '#store'
import type { Work } from '../core.ts'
import type { Actor } from '../views.ts'
import type { CaseEvent } from './case-words.ts'

export type CaseRecord = Selectable<CasesTable>

/** The case, locked until the transaction ends, so that two happenings follow one another. */
export async function lockCase(work: Work, caseId: string): Promise<CaseRecord | null> {
  const row = await work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('case_id', '=', caseId)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

/** Several, in the order of their ids: two transactions that want the same ones cannot wait for each other. */
export async function lockCases(work: Work, caseIds: readonly string[]): Promise<CaseRecord[]> {
  if (caseIds.length === 0) return []
  return work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('case_id', 'in', caseIds)
    .orderBy('case_id')
    .forUpdate()
    .execute()
}

export async function requireCase(work: Work, caseId: string): Promise<CaseRecord> {
  const found = await lockCase(work, caseId)
  if (!found) throw new HubError('NOT_FOUND', `There is no case ${caseId}.`)
  return found
}

/** Changes columns in the table and in the record at hand. */
export async function changeCase(
  work: Work,
  record: CaseRecord,
  change: Partial<Omit<CaseRecord, 'evidence' | 'cause'>>,
): Promise<void> {
  Object.assign(record, change, { updated_at_ms: work.atMs })
  await work.tx
    .updateTable('cases')
    .set({ ...change, updated_at_ms: work.atMs })
    .where('brand_id', '=', record.brand_id)
    .where('case_id', '=', record.case_id)
    .execute()
}

export interface Transition {
  event: CaseEvent | 'opened' | 'joined' | 'escalated' | 'solved' | 'set_aside'
  row: string
  from: CaseState | null
  to: CaseState
  by: Actor
  /** A code or a text of the hub's own: it goes to the brand and, with an order, to its partner. */
  why: string | null
  /** What a person wrote beside it, and what seals it: goes nowhere, and is gone with the home. */
  words?: { text: string; box: SecretBox } | undefined
  evidence?: unknown
}

/** Writes down one transition: who, why, by which row, under which rule version, on what evidence. */
export async function recordTransition(work: Work, record: CaseRecord, transition: Transition): Promise<void> {
  const { words } = transition
  const ordinal = record.events + 1
  await changeCase(work, record, { events: ordinal })
  await work.tx
    .insertInto('case_events')
    .values({
      brand_id: record.brand_id,
      case_id: record.case_id,
      ordinal,
      at_ms: work.atMs,
      event: transition.event,
      from_state: transition.from,
      to_state: transition.to,
      table_row: transition.row,
      actor_kind: transition.by.kind,
      actor_id: transition.by.id,
      why: transition.why,
      words_sealed: words ? words.box.seal(words.text, sealedAs.caseEventWords(record.case_id, ordinal)) : null,
      rule_version: record.rule_version,
      evidence: transition.evidence === undefined ? null : JSON.stringify(transition.evidence),
    })
    .execute()
}

/** Rules whose episodes the case joins: what a gate on a rule, and a verdict, concern. */
export async function ruleKeysOf(work: Work, record: CaseRecord): Promise<string[]> {
  const rows = await work.tx
    .selectFrom('case_episodes')
    .select('rule_key')
    .distinct()
    .where('brand_id', '=', record.brand_id)
    .where('case_id', '=', record.case_id)
    .orderBy('rule_key')
    .execute()
  if (rows.length > 0) return rows.map((row) => row.rule_key)
  return record.rule_key === null ? [] : [record.rule_key]
}
