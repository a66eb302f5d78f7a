import { CASE_STATES_OVER } from '#contracts'
import { HubError } from '#platform'
import { THE_HOME, type Work } from '../core.ts'
import type { OfferRecord } from '../offers/offer-record.ts'
import { SOLVED_QUESTION_MS } from '../policy.ts'
import type { Happen } from './case-driver.ts'
import { changeOffer } from './case-effects/offer-changes.ts'
import { type CaseRecord, recordTransition } from './case-record.ts'

/** What the home said to "is it solved?"; `null` while it has not. */
export function solvedAnswer(offer: Pick<OfferRecord, 'answer'>): boolean | null {
  return (offer.answer as { solved?: boolean } | null)?.solved ?? null
}

/**
 * Cases of the offer that ended with nobody knowing (C20), whose answer still helps: not yet
 * given, the repair not long ago, and nothing new under way for that component.
 */
export async function casesInDoubt(
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
): Promise<CaseRecord[]> {
  if (solvedAnswer(offer) !== null) return []
  const unknown = cases.filter(
    (record) =>
      record.state === 'closed' &&
      record.end_kind === 'unverified' &&
      record.offer_id === offer.offer_id &&
      work.atMs < (record.closed_at_ms ?? 0) + SOLVED_QUESTION_MS,
  )
  if (unknown.length === 0) return []
  const live = await work.tx
    .selectFrom('cases')
    .select(['device_id', 'component'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', offer.home_id)
    .where('state', 'not in', [...CASE_STATES_OVER])
    .execute()
  return unknown.filter(
    (record) => !live.some((other) => other.device_id === record.device_id && other.component === record.component),
  )
}

/** C20: yes is written down; no takes the same case up again, as a repair that did not hold (C18). */
export async function answerSolved(
  happen: Happen,
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
  solved: boolean,
): Promise<void> {
  // The same answer twice is one answer.
  if (solvedAnswer(offer) === solved) return
  const inDoubt = await casesInDoubt(work, offer, cases)
  if (inDoubt.length === 0) throw new HubError('STATE_FORBIDS', 'Nobody is waiting for this answer.')
  const why = solved ? 'the home says it is solved' : 'the home says it is not solved'
  if (solved) {
    for (const record of inDoubt) {
      const { state } = record
      await recordTransition(work, record, { event: 'solved', row: 'C20', from: state, to: state, by: THE_HOME, why })
    }
  } else {
    const { kind } = await happen(work, inDoubt, 'still_broken', { by: THE_HOME, why })
    if (kind !== 'moved') throw new HubError('STATE_FORBIDS', 'This repair can no longer be taken up again.')
  }
  await changeOffer(work, offer.offer_id, { answer: JSON.stringify({ ...(offer.answer as object | null), solved }) })
}
