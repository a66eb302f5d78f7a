import type { SelfServiceBody, VisitBody } from '#contracts'
import { HubError } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import { changeOffer, wakeNeedsOfHome } from '../cases/case-effects/offer-changes.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import { THE_HOME, type Work } from '../core.ts'
import { SELF_SERVICE_MS } from '../policy.ts'
import { clearTimer } from '../timers.ts'
import { unanswered } from './offer-answer.ts'
import type { OfferRecord } from './offer-record.ts'

/** C7: the home does it itself; all of it, or what it names of the bundle. What is left stays offered. */
export async function chooseSelfService(
  happen: Happen,
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
  body: SelfServiceBody,
): Promise<void> {
  const asked = unanswered(offer, cases)
  const guided = new Set(offer.terms.needs.filter((need) => need.selfService !== null).map((need) => need.caseId))
  for (const [index, caseId] of (body.needs ?? []).entries()) {
    if (guided.has(caseId)) continue
    throw new HubError('VALIDATION_FAILED', 'This takes a technician; there is no guide for doing it oneself.', {
      pointer: `/needs/${index}`,
    })
  }
  const meant = asked.filter((record) =>
    body.needs ? body.needs.includes(record.case_id) : guided.has(record.case_id),
  )
  const result = await happen(work, meant, 'self_service_chosen', { by: THE_HOME, data: { offerId: offer.offer_id } })
  if (result.kind !== 'moved') throw new HubError('STATE_FORBIDS', `The offer is ${offer.state.replace('_', ' ')}.`)
  if (meant.length < asked.length) return
  await changeOffer(work, offer.offer_id, {
    state: 'self_service',
    answered_at_ms: work.atMs,
    snoozed_until_ms: null,
    // So long the signal may take, and the same link may still book a visit.
    expires_at_ms: work.atMs + SELF_SERVICE_MS,
  })
  await clearTimer(work, 'offer_expiry', offer.offer_id)
  await clearTimer(work, 'snooze', offer.offer_id)
  await wakeNeedsOfHome(work, offer.offer_id)
}

/** Somebody should come after all: back into the offer while it is unanswered, else an offer of its own, at once. */
export async function wantVisit(
  happen: Happen,
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
  body: VisitBody,
): Promise<void> {
  const meant = cases.filter(
    (record) =>
      record.state === 'self_serviced' &&
      record.offer_id === offer.offer_id &&
      (body.needs?.includes(record.case_id) ?? true),
  )
  const data = { offerId: offer.offer_id }
  const open = (offer.state === 'offered' || offer.state === 'snoozed') && work.atMs < offer.expires_at_ms
  if (open) {
    const event = offer.state === 'snoozed' ? 'joined_asleep' : 'offer_joined'
    if ((await happen(work, meant, event, { by: THE_HOME, data })).kind === 'moved') return
  }
  const result = await happen(work, meant, 'visit_wanted', { by: THE_HOME, data })
  if (result.kind !== 'moved')
    throw new HubError('STATE_FORBIDS', 'Nothing of this offer waits for you to do it yourself.')
}
