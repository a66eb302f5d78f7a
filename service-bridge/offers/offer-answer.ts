import { HubError } from '#platform'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Work } from '../core.ts'
import type { OfferRecord } from './offer-record.ts'

/** What answers to an offer have in common. */

/** Needs that this offer still asks about; a need that has moved on to another offer answers there. */
export function unanswered(offer: OfferRecord, cases: readonly CaseRecord[]): CaseRecord[] {
  return cases.filter(
    (record) =>
      record.offer_id === offer.offer_id &&
      (record.state === 'offered' ||
        record.state === 'snoozed' ||
        (record.state === 'self_serviced' && offer.state === 'self_service')),
  )
}

/** The needs a body names, all when it names none. VALIDATION_FAILED for one that is not of this offer. */
export function meantNeeds(cases: readonly CaseRecord[], needs: readonly string[] | undefined): CaseRecord[] {
  if (!needs) return [...cases]
  for (const [index, caseId] of needs.entries()) {
    if (cases.some((record) => record.case_id === caseId)) continue
    throw new HubError('VALIDATION_FAILED', 'The offer does not ask about this need.', { pointer: `/needs/${index}` })
  }
  return cases.filter((record) => needs.includes(record.case_id))
}

export function refuseIfExpired(work: Work, offer: OfferRecord): void {
  const open = offer.state === 'offered' || offer.state === 'snoozed' || offer.state === 'self_service'
  if (offer.state === 'expired' || (open && work.atMs >= offer.expires_at_ms)) {
    throw new HubError('OFFER_EXPIRED', `This offer ended on ${new Date(offer.expires_at_ms).toISOString()}.`)
  }
}
