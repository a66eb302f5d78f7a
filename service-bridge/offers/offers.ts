import { type AcceptBody, CASE_STATES_OVER, type DeclineBody, type OfferView, type SnoozeBody } from '#contracts'
import { HubError } from '#platform'
import { writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Happen, MoveData, MoveResult } from '../cases/case-driver.ts'
import { changeOffer } from '../cases/case-effects/offer-changes.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import type { CaseEvent } from '../cases/case-words.ts'
import { answerSolved, casesInDoubt } from '../cases/solved-answer.ts'
import { type Core, inBrand, THE_HOME, type Work } from '../core.ts'
import { answerQuote } from '../orders/quote-answer.ts'
import { rate } from '../orders/rating.ts'
import { reschedule } from '../orders/reschedule.ts'
import { reportProblem } from '../reports/problem-report.ts'
import { setTimer } from '../timers.ts'
import { meantNeeds, refuseIfExpired, unanswered } from './offer-answer.ts'
import { lockHomeOfOffer } from './offer-bundle.ts'
import { orderOfOffer } from './offer-progress.ts'
import { casesOfOffer, isOffered, lockOffer, type OfferRecord, offerOfToken } from './offer-record.ts'
import { offerView } from './offer-view.ts'
import { keepWords, wordsOf } from './offer-words.ts'
import { chooseSelfService, wantVisit } from './self-service.ts'
import { resumeOffers, stopOffers } from './stop-offers.ts'

type OfferCalls = Pick<
  ServiceBridge['offers'],
  | 'view'
  | 'accept'
  | 'snooze'
  | 'selfService'
  | 'visit'
  | 'decline'
  | 'stop'
  | 'resume'
  | 'rate'
  | 'reportProblem'
  | 'words'
  | 'reschedule'
  | 'cancel'
  | 'quote'
  | 'solved'
>

/** What a home can do with its link. Each call answers with the offer as it then is. */
export function createOfferCalls(core: Core, happen: Happen): OfferCalls {
  /** The offer and its cases, locked after their home: whatever decides what a home is asked takes the locks in that order. */
  async function withOffer(
    token: string,
    body: (work: Work, offer: OfferRecord, cases: CaseRecord[]) => Promise<void>,
  ): Promise<OfferView> {
    const { brandId, offerId } = await offerOfToken(core, token)
    return inBrand(core, brandId, async (work) => {
      await lockHomeOfOffer(work, offerId)
      const cases = await casesOfOffer(work, offerId, false)
      await body(work, await lockOffer(work, offerId), cases)
      return offerView(core, work, await lockOffer(work, offerId))
    })
  }

  async function answer(
    work: Work,
    offer: OfferRecord,
    cases: readonly CaseRecord[],
    event: CaseEvent,
    options: { data: MoveData; why: string | null },
  ): Promise<void> {
    refuseIfExpired(work, offer)
    const result = await happen(work, unanswered(offer, cases), event, { by: THE_HOME, ...options })
    refuseUnlessMoved(result, offer)
  }

  return {
    async view(token) {
      const { brandId, offerId } = await offerOfToken(core, token)
      return inBrand(core, brandId, async (work) => offerView(core, work, await lockOffer(work, offerId)))
    },

    accept: (token, body) =>
      withOffer(token, async (work, offer, cases) => {
        // Twice is once: a page reloaded, a button pressed again, two people of one home.
        if (offer.state === 'accepted') return
        refuseIfExpired(work, offer)
        refuseIfChanged(offer, body.revision)
        refuseUnlessOffered(offer, body, work.atMs)
        await answer(work, offer, cases, 'accepted', {
          why: null,
          data: { offerId: offer.offer_id, accept: { ...body, method: body.method ?? 'page' } },
        })
      }),

    snooze: (token, body: SnoozeBody) =>
      withOffer(token, async (work, offer, cases) => {
        const untilMs = Date.parse(body.until)
        const limitMs = work.atMs + core.policy.snoozeMsMax
        if (!(untilMs > work.atMs && untilMs <= limitMs)) {
          throw new HubError('VALIDATION_FAILED', `Choose a moment from now to ${new Date(limitMs).toISOString()}.`, {
            pointer: '/until',
          })
        }
        await answer(work, offer, cases, 'snoozed', {
          why: null,
          data: { offerId: offer.offer_id, snoozeUntilMs: untilMs },
        })
        const expiresAtMs = untilMs + core.policy.offerTtlMs
        await changeOffer(work, offer.offer_id, {
          state: 'snoozed',
          snoozed_until_ms: untilMs,
          expires_at_ms: expiresAtMs,
        })
        await setTimer(work, 'snooze', offer.offer_id, untilMs)
        await setTimer(work, 'offer_expiry', offer.offer_id, expiresAtMs)
      }),

    selfService: (token, body = {}) =>
      withOffer(token, async (work, offer, cases) => {
        if (offer.state === 'self_service') return
        refuseIfExpired(work, offer)
        await chooseSelfService(happen, work, offer, cases, body)
      }),

    visit: (token, body = {}) => withOffer(token, (work, offer, cases) => wantVisit(happen, work, offer, cases, body)),

    decline: (token, body: DeclineBody) =>
      withOffer(token, async (work, offer, cases) => {
        if (offer.state === 'declined') return
        // Said no after saying yes: that is a cancellation, and the partner has to hear of it.
        if (offer.state === 'accepted') {
          if (body.needs) throw new HubError('STATE_FORBIDS', 'The visit is booked; it can be called off as a whole.')
          await cancel(work, offer, cases, body.reason)
          return keepWords(core, work, offer, { decline: body.text })
        }
        const asked = unanswered(offer, cases)
        const meant = meantNeeds(asked, body.needs)
        await answer(work, offer, meant, 'declined', { why: body.reason, data: { offerId: offer.offer_id } })
        await keepWords(core, work, offer, { decline: body.text })
        if (meant.length < asked.length) return
        const said = JSON.stringify({ reason: body.reason })
        await changeOffer(work, offer.offer_id, { answered_at_ms: work.atMs, answer: said })
      }),

    stop: (token, body = {}) =>
      withOffer(token, async (work, offer, cases) => {
        await stopOffers(happen, work, offer, cases, body)
        await keepWords(core, work, offer, { stop: body.text })
      }),

    resume: (token) => withOffer(token, (work, offer, cases) => resumeOffers(work, offer, cases)),

    rate: (token, body) =>
      withOffer(token, async (work, offer, cases) => {
        await rate(core, work, offer, await orderOfOffer(core, work, offer), body)
        // Asked whether it is solved, the stars say so too.
        if ((await casesInDoubt(work, offer, cases)).length > 0)
          await answerSolved(happen, work, offer, cases, body.solved)
      }),

    async reportProblem(token, body) {
      let changeId: string | null = null
      const view = await withOffer(token, async (work, offer, cases) => {
        const order = await orderOfOffer(core, work, offer)
        changeId = await reportProblem(core, happen, work, { offer, order, cases, body })
      })
      return { view, changeId }
    },

    words: (brandId, offerId, { by }) =>
      inBrand(core, brandId, async (work) => {
        const offer = await lockOffer(work, offerId)
        const words = await wordsOf(core, work, offer)
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'offer.words_read',
          subject: offerId,
        })
        return words
      }),

    reschedule: (token, body) =>
      withOffer(token, (work, offer, cases) =>
        reschedule(
          core,
          work,
          offer,
          cases.filter((one) => one.offer_id === offer.offer_id),
          body.slot,
        ),
      ),

    cancel: (token) =>
      withOffer(token, async (work, offer, cases) => {
        if (offer.state === 'cancelled') return
        await cancel(work, offer, cases, 'cancelled by the home')
      }),

    quote: (token, version, { decision }) =>
      withOffer(token, (work, offer) => answerQuote(core, happen, work, offer, version, decision)),

    solved: (token, body) =>
      withOffer(token, (work, offer, cases) => answerSolved(happen, work, offer, cases, body.solved)),
  }

  async function cancel(work: Work, offer: OfferRecord, cases: readonly CaseRecord[], why: string): Promise<void> {
    // What is over stays as it ended; the rest of the visit is called off.
    const live = cases.filter(
      (record) =>
        record.offer_id === offer.offer_id && !CASE_STATES_OVER.has(record.state) && record.state !== 'verifying',
    )
    const result = await happen(work, live, 'cancelled', { by: THE_HOME, why, data: { offerId: offer.offer_id } })
    refuseUnlessMoved(result, offer)
  }
}

/** Nobody agrees to needs or a price that they did not see. */
function refuseIfChanged(offer: OfferRecord, seen: number | undefined): void {
  if (seen === undefined || seen === offer.revision) return
  throw new HubError('OFFER_CHANGED', 'What the offer is about has changed since it was read. Read it again.', {
    pointer: '/revision',
  })
}

function refuseUnlessOffered(offer: OfferRecord, body: AcceptBody, atMs: number): void {
  if (!isOffered(offer.terms, body.slot, atMs)) {
    throw new HubError('VALIDATION_FAILED', 'This time is not, or no longer, among those offered. Choose another.', {
      pointer: '/slot',
    })
  }
  const offered = new Set(offer.terms.partners.map((partner) => partner.key))
  for (const [index, key] of body.shareWith.entries()) {
    if (offered.has(key)) continue
    throw new HubError('VALIDATION_FAILED', `"${key}" is not among the partners offered.`, {
      pointer: `/shareWith/${index}`,
    })
  }
}

function refuseUnlessMoved(result: MoveResult, offer: OfferRecord): void {
  if (result.kind === 'moved') return
  const why =
    result.kind === 'unmet' && result.unmet.some((one) => one.guard === 'notArrived')
      ? 'The technician is already there; please speak with them.'
      : `The offer is ${offer.state.replace('_', ' ')}; this can no longer be done.`
  throw new HubError('STATE_FORBIDS', why)
}
