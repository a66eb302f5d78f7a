import type { Episode } from '#contracts'
import type { Core, Work } from '../core.ts'
import { stopInForce } from '../offers/offer-stops.ts'
import type { CaseRecord } from './case-record.ts'
import { isWorse } from './severity.ts'

/** The brand's doing, not the home's answer nor a repair (docs/decisions/0012). */
const RULE_EDITS: ReadonlySet<string> = new Set(['rule_changed', 'rule_removed'])

/**
 * C1: until when the component is left in peace after its last case; `null` when it is not. Danger, a repair that did
 * not show, and a fault grown worse have no peace. A case that ended because its rule was edited begins none of its
 * own: only a home that was asked is owed some, from when it was asked.
 */
export async function coolDownUntil(
  core: Core,
  work: Work,
  last: CaseRecord,
  episode: Episode,
): Promise<number | null> {
  if (episode.safety !== null || last.end_kind === 'not_observed') return null
  if (isWorse(episode.severity, last.severity)) return null
  if (last.ended_by === 'stopped' && !(await stopInForce(work, last))) return null
  if (last.ended_by !== null && RULE_EDITS.has(last.ended_by)) {
    const askedMs = await lastAskedAt(work, last)
    return askedMs === null ? null : askedMs + core.policy.coolDownMs
  }
  return (last.closed_at_ms ?? last.updated_at_ms) + core.policy.coolDownMs
}

/** When the home last heard of this need; `null` when it never did. */
async function lastAskedAt(work: Work, record: CaseRecord): Promise<number | null> {
  const row = await work.tx
    .selectFrom('case_events')
    .select((eb) => eb.fn.max('at_ms').as('at'))
    .where('brand_id', '=', work.brandId)
    .where('case_id', '=', record.case_id)
    .where('event', 'in', ['informed', 'offer_made', 'offer_joined', 'snooze_over'])
    .executeTakeFirst()
  return row?.at === null || row?.at === undefined ? null : Number(row.at)
}
