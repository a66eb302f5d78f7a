import type { Severity } from '#contracts'
import type { Happen, MoveResult } from './case-driver.ts'
import { type CaseRecord, lockCase } from './case-record.ts'
import type { CaseGuard } from './case-words.ts'
import type { Core, Work } from './core.ts'
import { sweepHome } from './home-erasure.ts'
import { casesOfOffer, lockOffer } from './offer-record.ts'
import { openOrJoin } from './open-case.ts'
import { tellBrand, tellPartner } from './outgoing.ts'
import { placeOrder } from './place-order.ts'
import { RECHECK_MS } from './policy.ts'
import { flagOrderReview, flagReview } from './review.ts'
import { setTimer, type TimerKind } from './timers.ts'

export type TimerHandler = (core: Core, work: Work, subject: string, happen: Happen) => Promise<void>

/** Unmet guards that a person has to do something about; the others pass with time. */
const NEEDS_A_PERSON: Partial<Record<CaseGuard, string>> = {
  homeKnown: 'the device stands in no known home',
  contactConsent: 'the home has not agreed to be contacted',
  partnerAvailable: 'no agreement covers this job in this region',
}

const byTimer = { kind: 'hub', id: 'timer' } as const

/** What each timer does when it is due; the timer itself is already taken, in the same transaction. */
export const timerHandlers: Readonly<Record<TimerKind, TimerHandler>> = {
  /** C4, C5: the case has had time to show what else the home needs. */
  async settle(core, work, caseId, happen) {
    const record = await lockCase(work, caseId)
    if (record?.state !== 'open') return
    if (record.dispatch === 'auto') {
      const result = await happen(work, [record], 'auto_dispatched', { by: byTimer })
      if (result.kind === 'moved') return
      // Without a standing consent the home is asked like any other.
      const others = result.kind === 'unmet' ? result.unmet.filter((one) => one.guard !== 'standingShareConsent') : []
      if (others.length > 0) return waitFor(core, work, record, result)
    }
    const event = record.dispatch === 'notify' ? 'informed' : 'offer_made'
    const result = await happen(work, [record], event, { by: byTimer })
    if (result.kind === 'unmet') await waitFor(core, work, record, result)
  },

  /** The component was left in peace long enough, and its alert is still there. */
  async cool_down(core, work, episodeId) {
    const alert = await work.tx
      .selectFrom('alerts')
      .selectAll()
      .where('brand_id', '=', work.brandId)
      .where('episode_id', '=', episodeId)
      .executeTakeFirst()
    if (!alert || alert.state === 'resolved' || alert.mode !== 'active' || alert.silent) return
    await openOrJoin(
      core,
      work,
      {
        episodeId,
        brandId: work.brandId,
        ruleKey: alert.rule_key,
        ruleVersion: alert.rule_version,
        deviceId: alert.device_id,
        component: alert.component,
        activation: alert.activation,
        mode: alert.mode,
        startedAtMs: alert.started_at_ms,
        severity: alert.severity as Severity,
        safety: alert.safety,
        subject: 'condition',
      },
      alert.evidence,
    )
  },

  async offer_expiry(_core, work, offerId, happen) {
    const cases = await casesOfOffer(work, offerId)
    const offer = await lockOffer(work, offerId)
    if (offer.state !== 'offered' && offer.state !== 'snoozed') return
    await happen(work, cases, 'offer_expired', { by: byTimer, data: { offerId } })
  },

  async snooze(_core, work, offerId, happen) {
    const cases = await casesOfOffer(work, offerId)
    const offer = await lockOffer(work, offerId)
    if (offer.state !== 'snoozed') return
    const result = await happen(work, cases, 'snooze_over', {
      by: byTimer,
      data: { offerId },
    })
    if (result.kind === 'unmet') {
      const { againAtMs, waitsFor } = again(work, result)
      await setTimer(work, 'snooze', offerId, againAtMs, waitsFor)
    }
  },

  /** Nothing was seen of the repair the home meant to do itself: ask once more, then let it rest. */
  async self_service(_core, work, caseId, happen) {
    const record = await lockCase(work, caseId)
    if (record?.state !== 'self_serviced') return
    const live = await work.tx
      .selectFrom('cases')
      .select('case_id')
      .where('brand_id', '=', work.brandId)
      .where('device_id', '=', record.device_id)
      .where('component', '=', record.component)
      .where('state', 'not in', ['closed', 'declined', 'self_serviced', 'recovered', 'expired', 'cancelled'])
      .executeTakeFirst()
    if (!live) await happen(work, [record], 'self_service_unseen', { by: byTimer })
  },

  async place_order(core, work, caseId, happen) {
    const record = await lockCase(work, caseId)
    if (record?.state !== 'accepted') return
    const cases = record.offer_id === null ? [record] : await casesOfOffer(work, record.offer_id)
    await placeOrder(
      core,
      work,
      cases.filter((one) => one.state === 'accepted'),
      happen,
    )
  },

  /** The partner let its promise to answer pass. Asking the next one is a row of its own (C10). */
  async accept_by(core, work, workOrderId) {
    const order = await work.tx
      .selectFrom('work_orders')
      .select(['state', 'number', 'partner_key', 'accept_by_ms'])
      .where('brand_id', '=', work.brandId)
      .where('work_order_id', '=', workOrderId)
      .executeTakeFirst()
    if (order?.state !== 'sent') return
    const telling = {
      type: 'work_order.sla_missed',
      subject: workOrderId,
      cause: ['accept'],
      data: {
        workOrderId,
        number: order.number,
        promise: 'acceptBy',
        missedAt: new Date(order.accept_by_ms ?? work.atMs).toISOString(),
      },
    }
    await tellPartner(work, order.partner_key, telling)
    await tellBrand(core, work, telling)
    await flagOrderReview(core, work, workOrderId, 'acceptBy missed')
    const items = await work.tx
      .selectFrom('order_items')
      .select('case_id')
      .where('brand_id', '=', work.brandId)
      .where('work_order_id', '=', workOrderId)
      .execute()
    for (const { case_id } of items) {
      const record = await lockCase(work, case_id)
      if (record) await flagReview(core, work, record, 'the partner did not accept in time')
    }
  },

  /** The evaluator gave no answer in all that time: nobody knows, and nobody is blamed. */
  async verification(_core, work, caseId, happen) {
    const record = await lockCase(work, caseId)
    if (record?.state !== 'verifying') return
    await happen(work, [record], 'unverified', {
      by: byTimer,
      why: 'no answer within the window',
      data: { end: 'unverified', attempt: record.attempts },
    })
  },

  erasure: (_core, work, homeId) => sweepHome(work, homeId),
}

type Unmet = Extract<MoveResult, { kind: 'unmet' }>

/** The time at which all unmet guards may hold: the latest of their answers. */
function again(work: Work, result: Unmet): { againAtMs: number; waitsFor: 'gate' | 'consent' | null } {
  const times = result.unmet.map((one) => one.answer.againAtMs ?? work.atMs + RECHECK_MS)
  return {
    againAtMs: Math.max(...times),
    waitsFor: result.unmet.find((one) => one.answer.waitsFor !== null)?.answer.waitsFor ?? null,
  }
}

async function waitFor(core: Core, work: Work, record: CaseRecord, result: MoveResult): Promise<void> {
  if (result.kind !== 'unmet') return
  const { againAtMs, waitsFor } = again(work, result)
  await setTimer(work, 'settle', record.case_id, againAtMs, waitsFor)
  const reason = result.unmet.map((one) => NEEDS_A_PERSON[one.guard]).find((words) => words !== undefined)
  if (reason) await flagReview(core, work, record, reason)
}
