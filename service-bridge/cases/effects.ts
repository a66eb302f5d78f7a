import { clearTimer, setTimer } from '../timers.ts'
import type { CaseBehaviour, Happen, Move } from './case-driver.ts'
import { noticeEffects } from './case-effects/notice-effects.ts'
import { offerEffects } from './case-effects/offer-effects.ts'
import { orderEffects } from './case-effects/order-effects.ts'
import { quoteEffects } from './case-effects/quote-effects.ts'
import { signalEffects } from './case-effects/signal-effects.ts'
import { changeCase } from './case-record.ts'
import { flagReview } from './review.ts'
import { beginSettling } from './settling.ts'

/**
 * What follows from a transition, by the names the case table uses. `happen` is handed in
 * because an effect may be the next happening: an acceptance becomes an order at once.
 */
export function createEffects(happen: () => Happen): CaseBehaviour['effects'] {
  return {
    ...offerEffects,
    ...noticeEffects,
    ...orderEffects(happen),
    ...quoteEffects,
    ...signalEffects,
    async keepInHold(move) {
      for (const record of move.cases) {
        await changeCase(move.work, record, { hold_id: move.data.holdId ?? null })
        await clearTimer(move.work, 'settle', record.case_id)
      }
    },

    async settleNow(move) {
      for (const record of move.cases) {
        await changeCase(move.work, record, { wanted: true })
        await setTimer(move.work, 'settle', record.case_id, move.work.atMs, null, record.opened_at_ms)
      }
    },

    async settleAgain(move) {
      for (const record of move.cases) {
        await beginSettling(move.core, move.work, record)
      }
    },

    async flagReview(move) {
      for (const record of move.cases) {
        await flagReview(move.core, move.work, record, reviewReason(move))
      }
    },
  }
}

function reviewReason(move: Move): string {
  if (move.event === 'not_observed') return 'a part is claimed replaced, and the signal does not show it'
  return move.why ?? 'its alert ended while an order is out'
}
