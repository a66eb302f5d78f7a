import { CASE_STATES_OVER } from '#contracts'
import { homeFacts } from '../facts.ts'
import { consentInForce } from '../homes/consents.ts'
import { isReachable } from '../notices/notice-telling.ts'
import { quietOverAt } from '../notices/quiet-hours.ts'
import { fitOneVisit, unansweredOffer } from '../offers/offer-bundle.ts'
import { casesOfOffer, isOffered, lockOffer } from '../offers/offer-record.ts'
import { planVisit } from '../orders/visit-plan.ts'
import { RECHECK_MS, SELF_SERVICES_MAX } from '../policy.ts'
import type { CaseBehaviour, GuardAnswer, Move } from './case-driver.ts'
import { ruleKeysOf } from './case-record.ts'
import { askAtMs } from './foreseen.ts'
import { gateInTheWay } from './gate.ts'
import { ruleStandsBehind } from './rule-force.ts'

/** No use asking again: only another happening can change the answer. */
const final: GuardAnswer = { againAtMs: null, waitsFor: null }

/** The questions of the case table, each answered from what is stored. */
export const caseGuards: CaseBehaviour['guards'] = {
  async gateOpen(move) {
    if (!(await ruleStandsBehind(move.work, move.cases)))
      return { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: 'gate' }
    const closed = await gateInTheWay(move.work.tx, {
      brandId: move.work.brandId,
      ruleKeys: (await Promise.all(move.cases.map((record) => ruleKeysOf(move.work, record)))).flat(),
      region: move.cases[0]?.region ?? null,
    })
    return closed === null || { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: 'gate' }
  },

  /** The home of the need, and its device still in it: a device that moved away is no business of that home. */
  async homeKnown(move) {
    const homeId = homeOf(move)
    const home = await homeFacts(move.work, homeId)
    const there = home !== null && (await allStandIn(move, home.homeId))
    return there || { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: null }
  },

  async contactConsent(move) {
    const homeId = homeOf(move)
    const consent = homeId === null ? null : await consentInForce(move.work, { homeId, purpose: 'contact' })
    const home = consent && (await homeFacts(move.work, homeId))
    // Opted out on every channel: asking would be a question nobody hears, until the home agrees anew.
    const reachable = home ? await isReachable(move.work, home) : true
    return (consent !== null && reachable) || { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: 'consent' }
  },

  async outsideQuietHours(move) {
    // Danger does not wait for the morning; its offer comes with the warning.
    if (move.cases.some((record) => record.safety !== null)) return true
    const home = await homeFacts(move.work, homeOf(move))
    if (!home) return true
    const overMs = quietOverAt(move.work.atMs, { from: home.quietFrom, to: home.quietTo, timeZone: home.timeZone })
    return overMs <= move.work.atMs || { againAtMs: overMs, waitsFor: null }
  },

  async belowContactCap(move) {
    const homeId = homeOf(move)
    if (homeId === null || move.cases.some((record) => record.safety !== null)) return true
    // Whoever reported a fault, or wants a visit after all, waits for our word.
    if (move.cases.some((record) => record.wanted)) return true
    const { offersPerHome, offersPerHomeWindowMs } = move.core.policy
    const recent = await move.work.tx
      .selectFrom('offers')
      .select('created_at_ms')
      .where('brand_id', '=', move.work.brandId)
      .where('home_id', '=', homeId)
      .where('created_at_ms', '>', move.work.atMs - offersPerHomeWindowMs)
      .orderBy('created_at_ms', 'desc')
      .limit(offersPerHome)
      .execute()
    if (recent.length < offersPerHome) return true
    return { againAtMs: recent.at(-1)!.created_at_ms + offersPerHomeWindowMs, waitsFor: null }
  },

  /** One question at a time, unless this one cannot wait for the answer to another. */
  async noOtherOffer(move) {
    const homeId = homeOf(move)
    if (homeId === null || move.cases.some((record) => record.safety !== null || record.severity === 'critical'))
      return true
    const other = await unansweredOffer(move.work, homeId)
    return (
      other === null || { againAtMs: Math.min(other.expires_at_ms, move.work.atMs + RECHECK_MS), waitsFor: 'offer' }
    )
  },

  async fitsOffer(move) {
    if (move.data.offerId === undefined) return final
    const offer = await lockOffer(move.work, move.data.offerId)
    if (offer.state !== 'offered' && offer.state !== 'snoozed') return final
    const asked = await casesOfOffer(move.work, offer.offer_id)
    return (await fitOneVisit(move.core, move.work, [...asked, ...move.cases])) || final
  },

  /** What ended as done by the home itself may have come up anew meanwhile, as a case of its own. */
  async componentFree(move) {
    for (const record of move.cases) {
      const other = await move.work.tx
        .selectFrom('cases')
        .select('case_id')
        .where('brand_id', '=', move.work.brandId)
        .where('device_id', '=', record.device_id)
        .where('component', '=', record.component)
        .where('case_id', '<>', record.case_id)
        .where('state', 'not in', [...CASE_STATES_OVER])
        .executeTakeFirst()
      if (other) return final
    }
    return true
  },

  async partnerAvailable(move) {
    const plan = await planVisit(move.core, move.work, move.cases)
    return (
      plan.candidates.length > 0 || { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: plan.gated ? 'gate' : null }
    )
  },

  /** What is only foreseen is asked about when answer, part and visit would just be in time for its early date. */
  async timely(move) {
    const plan = await planVisit(move.core, move.work, move.cases)
    const askMs = await askAtMs(move.work, move.cases, plan)
    // Looked at again each day: the next night knows more.
    return (
      askMs === null ||
      askMs <= move.work.atMs || { againAtMs: Math.min(askMs, move.work.atMs + RECHECK_MS), waitsFor: null }
    )
  },

  async standingShareConsent(move) {
    const homeId = homeOf(move)
    if (homeId === null) return final
    const plan = await planVisit(move.core, move.work, move.cases)
    for (const candidate of plan.candidates) {
      const question = { homeId, purpose: 'share', recipientKey: candidate.partnerKey, standingOnly: true } as const
      if (await consentInForce(move.work, question)) return true
    }
    return final
  },

  async offerNotExpired(move) {
    if (move.data.offerId === undefined) return final
    const offer = await lockOffer(move.work, move.data.offerId)
    return move.work.atMs < offer.expires_at_ms || final
  },

  /** Before acceptance: somebody was named who was offered. After: that somebody may still know the address. */
  async shareConsent(move) {
    const homeId = homeOf(move)
    if (homeId === null) return final
    const { accept } = move.data
    if (accept && move.data.offerId !== undefined) {
      const { terms } = await lockOffer(move.work, move.data.offerId)
      const offered = new Set(terms.partners.map((partner) => partner.key))
      return (
        (accept.shareWith.every((key) => offered.has(key)) && isOffered(terms, accept.slot, move.work.atMs)) || final
      )
    }
    const plan = await planVisit(move.core, move.work, move.cases)
    for (const candidate of plan.candidates) {
      if (await consentInForce(move.work, { homeId, purpose: 'share', recipientKey: candidate.partnerKey })) return true
    }
    return { againAtMs: move.work.atMs + RECHECK_MS, waitsFor: 'consent' }
  },

  async snoozeWithinLimit(move) {
    const untilMs = move.data.snoozeUntilMs
    if (untilMs === undefined) return final
    return (untilMs > move.work.atMs && untilMs <= move.work.atMs + move.core.policy.snoozeMsMax) || final
  },

  async offeredOnceOnly(move) {
    return move.cases.every((record) => record.self_services <= SELF_SERVICES_MAX) || final
  },

  async notArrived(move) {
    const orderIds = move.cases.flatMap((record) => (record.work_order_id === null ? [] : [record.work_order_id]))
    if (orderIds.length === 0) return true
    const arrived = await move.work.tx
      .selectFrom('work_orders')
      .select('work_order_id')
      .where('brand_id', '=', move.work.brandId)
      .where('work_order_id', 'in', orderIds)
      .where('arrived_at_ms', 'is not', null)
      .where('closed_at_ms', 'is', null)
      .executeTakeFirst()
    return arrived === undefined || final
  },

  async sameAttempt(move) {
    return move.cases.every((record) => record.attempts === move.data.attempt) || final
  },

  async endedNotObserved(move) {
    return move.cases.every((record) => record.end_kind === 'not_observed') || final
  },
}

function homeOf(move: Move): string | null {
  return move.cases[0]?.home_id ?? null
}

/** Asked of the devices as registered now: the runner may not have come to their move or removal yet. */
async function allStandIn(move: Move, homeId: string): Promise<boolean> {
  const deviceIds = [...new Set(move.cases.map((record) => record.device_id))]
  const there = await move.work.tx
    .selectFrom('devices')
    .select('device_id')
    .where('brand_id', '=', move.work.brandId)
    .where('device_id', 'in', deviceIds)
    .where('home_id', '=', homeId)
    .where('removed_at_ms', 'is', null)
    .execute()
  return there.length === deviceIds.length
}
