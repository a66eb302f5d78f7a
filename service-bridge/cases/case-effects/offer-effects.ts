import { instant } from '#contracts'
import { derivedId, tokenHash } from '#platform'
import { homeFacts } from '../../facts.ts'
import { CONSENT_TEXT, SHARED_DATA_KINDS } from '../../homes/consent-text.ts'
import { offerToken } from '../../links.ts'
import { type EndedAs, leaveOffers, reviseOffer } from '../../offers/offer-bundle.ts'
import { lockOffer, type OfferRecord } from '../../offers/offer-record.ts'
import { offerTerms } from '../../offers/offer-terms.ts'
import { chargeHash } from '../../orders/create-order.ts'
import { clearTimer, setTimer } from '../../timers.ts'
import type { CaseBehaviour } from '../case-driver.ts'
import { type CaseRecord, changeCase } from '../case-record.ts'
import type { CaseEvent } from '../case-words.ts'
import { changeOffer, endOffer, offerOf, tellOffer, wakeNeedsOfHome } from './offer-changes.ts'

/** What a transition does to the offer of its cases, and to the home's word on it. */
export const offerEffects: Pick<
  CaseBehaviour['effects'],
  | 'makeOffer'
  | 'joinOffer'
  | 'setAside'
  | 'renewOffer'
  | 'withdrawOffer'
  | 'closeOffer'
  | 'recordConsent'
  | 'freezeCharge'
> = {
  async makeOffer(move) {
    const { core, work, cases } = move
    const [first] = cases as [CaseRecord]
    const home = await homeFacts(work, first.home_id)
    const terms = home && (await offerTerms(core, work, cases, home))
    if (!home || !terms) throw new Error(`case ${first.case_id}: an offer was to be made that nobody can fulfil`)
    const offerId = derivedId('of', first.first_episode_id, first.case_id, first.offers + 1)
    const expiresAtMs = work.atMs + core.policy.offerTtlMs
    await work.tx
      .insertInto('offers')
      .values({
        brand_id: work.brandId,
        offer_id: offerId,
        home_id: home.homeId,
        state: 'offered',
        token_hash: tokenHash(offerToken(core, offerId, 1)),
        terms: JSON.stringify(terms),
        created_at_ms: work.atMs,
        expires_at_ms: expiresAtMs,
      })
      .execute()
    for (const record of cases) {
      await work.tx
        .insertInto('offer_items')
        .values({ brand_id: work.brandId, offer_id: offerId, case_id: record.case_id })
        .execute()
      await changeCase(work, record, { offers: record.offers + 1, offer_id: offerId })
    }
    await setTimer(work, 'offer_expiry', offerId, expiresAtMs)
    await tellOffer(move, offerId, 'offer.created')
  },

  /** The offer now asks for this too: another revision of it, under the same link. */
  async joinOffer(move) {
    const { core, work } = move
    const offer = await offerOf(move)
    for (const record of move.cases) {
      await work.tx
        .insertInto('offer_items')
        .values({ brand_id: work.brandId, offer_id: offer.offer_id, case_id: record.case_id })
        .onConflict((conflict) =>
          conflict.columns(['brand_id', 'offer_id', 'case_id']).doUpdateSet({ live: true, ended_as: null }),
        )
        .execute()
      await changeCase(work, record, { offers: record.offers + 1, offer_id: offer.offer_id })
    }
    await reviseOffer(core, work, offer.offer_id)
    await tellOffer(move, offer.offer_id, 'offer.extended')
  },

  /** What the home does itself leaves the offer, unless it is all of it: then the same link still leads back to a visit. */
  async setAside(move) {
    const { core, work } = move
    const offer = await offerOf(move)
    const items = await work.tx
      .selectFrom('offer_items')
      .select('case_id')
      .where('brand_id', '=', work.brandId)
      .where('offer_id', '=', offer.offer_id)
      .where('live', '=', true)
      .execute()
    const own = new Set(move.cases.map((record) => record.case_id))
    if (items.some((item) => !own.has(item.case_id))) await leaveOffers(core, work, move.cases, 'self_service')
    await tellOffer(move, offer.offer_id, 'offer.self_service')
  },

  async renewOffer(move) {
    const offer = await offerOf(move)
    const expiresAtMs = move.work.atMs + move.core.policy.offerTtlMs
    await changeOffer(move.work, offer.offer_id, {
      state: 'offered',
      snoozed_until_ms: null,
      expires_at_ms: expiresAtMs,
    })
    await setTimer(move.work, 'offer_expiry', offer.offer_id, expiresAtMs)
    await tellOffer(move, offer.offer_id, 'offer.renewed')
  },

  /** The need is gone: what was asked is taken back, unless the offer is about something else too. */
  async withdrawOffer(move) {
    for (const record of move.cases) await clearTimer(move.work, 'settle', record.case_id)
    const endedAs = move.event === 'alerts_resolved' ? 'recovered' : 'ended'
    for (const [offerId, left] of await leaveOffers(move.core, move.work, move.cases, endedAs)) {
      if (left > 0) {
        await tellOffer(move, offerId, 'offer.reduced')
        continue
      }
      const offer = await lockOffer(move.work, offerId)
      if (offer.state !== 'offered' && offer.state !== 'snoozed') continue
      await endOffer(move.work, offerId, 'withdrawn')
      await tellOffer(move, offerId, 'offer.withdrawn')
    }
  },

  async closeOffer(move) {
    const state = OFFER_END[move.event] ?? 'closed'
    for (const record of move.cases) await clearTimer(move.work, 'place_order', record.case_id)
    for (const [offerId, left] of await leaveOffers(
      move.core,
      move.work,
      move.cases,
      LEAVES_AS[move.event] ?? 'ended',
    )) {
      if (left > 0) continue
      const offer = await lockOffer(move.work, offerId)
      if (OVER.has(offer.state)) continue
      await endOffer(move.work, offerId, state)
      await tellOffer(move, offerId, `offer.${state}`)
    }
  },

  /** One record per recipient, naming it, in the words the home was shown. */
  async recordConsent(move) {
    const { work, data, cases } = move
    const offer = await offerOf(move)
    const home = await homeFacts(work, offer.home_id)
    for (const partnerKey of data.accept!.shareWith) {
      const name = offer.terms.partners.find((partner) => partner.key === partnerKey)?.name
      await work.tx
        .insertInto('consents')
        .values({
          brand_id: work.brandId,
          consent_id: derivedId('cons', offer.offer_id, partnerKey, cases[0]!.offers),
          home_id: offer.home_id,
          purpose: 'share',
          granted: true,
          at_ms: work.atMs,
          given_by: home?.decider ?? 'owner',
          method: data.accept!.method,
          text_version: CONSENT_TEXT.version,
          text_sha256: CONSENT_TEXT.sha256,
          recipient_key: partnerKey,
          recipient_name: name?.['zh-CN'] ?? partnerKey,
          data_kinds: [...SHARED_DATA_KINDS],
          subject: offer.offer_id,
          created_at_ms: work.atMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
  },

  /** Kept with the offer at acceptance, with the order from then on; a trigger keeps it as it is. */
  async freezeCharge(move) {
    const { work, data } = move
    if (!data.accept || data.offerId === undefined) return
    const offer = await offerOf(move)
    const agreed = { ...offer.terms.charge, acceptedAt: instant(work.atMs) }
    const charge = { ...agreed, acceptance: { method: data.accept.method, sha256: chargeHash(agreed) } }
    await changeOffer(work, offer.offer_id, {
      state: 'accepted',
      answered_at_ms: work.atMs,
      snoozed_until_ms: null,
      answer: JSON.stringify({ slot: data.accept.slot, shareWith: data.accept.shareWith, charge }),
    })
    await clearTimer(work, 'offer_expiry', offer.offer_id)
    await clearTimer(work, 'snooze', offer.offer_id)
    await wakeNeedsOfHome(work, offer.offer_id)
    await tellOffer(move, offer.offer_id, 'offer.accepted')
  },
}

/** What the last of its needs makes of an offer. */
const OFFER_END: Readonly<Partial<Record<CaseEvent, 'declined' | 'expired' | 'cancelled'>>> = {
  declined: 'declined',
  stopped: 'declined',
  offer_expired: 'expired',
  cancelled: 'cancelled',
}
const LEAVES_AS: Readonly<Partial<Record<CaseEvent, EndedAs>>> = { declined: 'declined', stopped: 'declined' }
const OVER: ReadonlySet<OfferRecord['state']> = new Set(['declined', 'expired', 'withdrawn', 'cancelled', 'closed'])
