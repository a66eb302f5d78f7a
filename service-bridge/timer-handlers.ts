import type { Severity } from '#contracts'
import type { Happen } from './cases/case-driver.ts'
import { lockCase } from './cases/case-record.ts'
import { moveHold } from './cases/fleet-holds.ts'
import { openOrJoin } from './cases/open-case.ts'
import { again, settle } from './cases/settle.ts'
import type { Core, Work } from './core.ts'
import { sweepHome } from './homes/home-erasure.ts'
import { expireNotice, sendWaiting } from './notices/notice-telling.ts'
import { casesOfOffer, lockOffer } from './offers/offer-record.ts'
import { orderTimers } from './orders/order-timers.ts'
import { setTimer, type TimerKind } from './timers.ts'

export type TimerHandler = (core: Core, work: Work, subject: string, happen: Happen) => Promise<void>

const byTimer = { kind: 'hub', id: 'timer' } as const

/** What each timer does when it is due; the timer itself is already taken, in the same transaction. */
export const timerHandlers: Readonly<Record<TimerKind, TimerHandler>> = {
  settle,

  fleet_hold: moveHold,

  /** The component was left in peace long enough, and its alert is still there. */
  async cool_down(core, work, episodeId, happen) {
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
      happen,
    )
  },

  async offer_expiry(_core, work, offerId, happen) {
    const cases = await casesOfOffer(work, offerId)
    const offer = await lockOffer(work, offerId)
    if (offer.state !== 'offered' && offer.state !== 'snoozed') return
    await happen(work, cases, 'offer_expired', { by: byTimer, data: { offerId } })
  },

  async snooze(_core, work, offerId, happen) {
    const cases = (await casesOfOffer(work, offerId)).filter((record) => record.state === 'snoozed')
    const offer = await lockOffer(work, offerId)
    if (offer.state !== 'snoozed') return
    const result = await happen(work, cases, 'snooze_over', {
      by: byTimer,
      data: { offerId },
    })
    if (result.kind === 'unmet') {
      const { againAtMs, waitsFor } = again(work, result)
      await setTimer(work, 'snooze', offerId, againAtMs, waitsFor, offer.created_at_ms)
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

  ...orderTimers,

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

  notice: (core, work, noticeId) => sendWaiting(core, work, noticeId),
  notice_expiry: (_core, work, noticeId) => expireNotice(work, noticeId),

  erasure: (_core, work, homeId) => sweepHome(work, homeId),
}
