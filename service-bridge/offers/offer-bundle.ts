import { changeOffer } from '../cases/case-effects/offer-changes.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import { flagReview } from '../cases/review.ts'
import { isWorse } from '../cases/severity.ts'
import type { Core, Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { planVisit } from '../orders/visit-plan.ts'
import { OFFER_NEEDS_MAX } from '../policy.ts'
import { casesOfOffer, lockOffer, type OfferRecord } from './offer-record.ts'
import { type OfferTerms, offerTerms } from './offer-terms.ts'

/**
 * Several needs of one home are one offer: they join it while it is unanswered, and leave it one by one when they
 * recover, are declined or done by oneself. Whatever changes, the terms are made anew and the revision rises.
 */

export type EndedAs = 'self_service' | 'declined' | 'recovered' | 'ended'

/** The home's row, locked: what a home is asked is decided by one transaction at a time. Taken before its cases. */
export async function lockHome(work: Work, homeId: string): Promise<void> {
  await work.tx
    .selectFrom('homes')
    .select('home_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

export async function lockHomeOfOffer(work: Work, offerId: string): Promise<void> {
  const row = await work.tx
    .selectFrom('offers')
    .select('home_id')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .executeTakeFirst()
  if (row) await lockHome(work, row.home_id)
}

/** The offer of this home that waits for an answer; `null` when nobody is asked anything. */
export async function unansweredOffer(work: Work, homeId: string): Promise<OfferRecord | null> {
  const row = await work.tx
    .selectFrom('offers')
    .select('offer_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('state', 'in', ['offered', 'snoozed'])
    .where('expires_at_ms', '>', work.atMs)
    .orderBy('created_at_ms', 'desc')
    .orderBy('offer_id')
    .executeTakeFirst()
  return row ? lockOffer(work, row.offer_id) : null
}

/** Whether these needs make one visit: few enough, and somebody who can do all of them. */
export async function fitOneVisit(core: Core, work: Work, cases: readonly CaseRecord[]): Promise<boolean> {
  if (cases.length > OFFER_NEEDS_MAX) return false
  return cases.length <= 1 || (await planVisit(core, work, cases)).candidates.length > 0
}

/** Whether the home should hear of it before it looks by itself. */
export function worthTelling(offer: Pick<OfferRecord, 'terms'>, cases: readonly CaseRecord[]): boolean {
  return cases.some(
    (record) =>
      isWorse(record.severity, offer.terms.urgency) || (record.safety !== null && offer.terms.safety === null),
  )
}

/**
 * Ends the parts of these cases in their offers, and makes what is left of an unanswered offer anew. Answers how many
 * needs each of the offers still has.
 */
export async function leaveOffers(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  endedAs: EndedAs,
): Promise<Map<string, number>> {
  const left = new Map<string, number>()
  const changed = new Set<string>()
  for (const record of cases) {
    if (record.offer_id === null) continue
    const ended = await work.tx
      .updateTable('offer_items')
      .set({ live: false, ended_as: endedAs })
      .where('brand_id', '=', work.brandId)
      .where('offer_id', '=', record.offer_id)
      .where('case_id', '=', record.case_id)
      .where('live', '=', true)
      .returning('case_id')
      .executeTakeFirst()
    if (ended) changed.add(record.offer_id)
    left.set(record.offer_id, 0)
  }
  for (const offerId of left.keys()) {
    const rest = await work.tx
      .selectFrom('offer_items')
      .select('case_id')
      .where('brand_id', '=', work.brandId)
      .where('offer_id', '=', offerId)
      .where('live', '=', true)
      .execute()
    left.set(offerId, rest.length)
    if (rest.length > 0 && changed.has(offerId)) await reviseOffer(core, work, offerId)
  }
  return left
}

/** The terms of an unanswered offer as they are for the needs it has now. An answered offer stays as it was agreed. */
export async function reviseOffer(core: Core, work: Work, offerId: string): Promise<void> {
  const cases = await casesOfOffer(work, offerId)
  const offer = await lockOffer(work, offerId)
  if (offer.state !== 'offered' && offer.state !== 'snoozed') return
  const home = await homeFacts(work, offer.home_id)
  const remade = home && cases.length > 0 ? await offerTerms(core, work, cases, home) : null
  if (!remade) {
    // Whoever could come no longer can. What was asked stays to be seen; nothing is sent before a person has looked.
    for (const record of cases) await flagReview(core, work, record, 'nobody can come for what is left of the offer')
  }
  const terms: OfferTerms = remade ?? { ...offer.terms, needs: needsOf(offer.terms, cases) }
  await work.tx
    .updateTable('offers')
    .set({ terms: JSON.stringify(terms) })
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .execute()
  await changeOffer(work, offerId, { revision: offer.revision + 1 })
}

function needsOf(terms: OfferTerms, cases: readonly CaseRecord[]): OfferTerms['needs'] {
  const ids = new Set(cases.map((record) => record.case_id))
  const left = terms.needs.filter((need) => ids.has(need.caseId))
  return left.length > 0 ? left : terms.needs
}
