import { type Charge, instant } from '#contracts'
import { homeFacts } from '../../facts.ts'
import { consentInForce } from '../../homes/consents.ts'
import { quoteText } from '../../notices/notice-texts.ts'
import { requestNotice } from '../../notices/notices.ts'
import { chargeHash } from '../../orders/create-order.ts'
import { changeOrder, lockOrder, type OrderRecord } from '../../orders/order-record.ts'
import { sealWords } from '../../orders/order-words.ts'
import { openQuote, setQuote } from '../../orders/quote-record.ts'
import { QUOTE_OPEN_MS_MAX } from '../../policy.ts'
import { clearTimer, setTimer } from '../../timers.ts'
import type { CaseBehaviour, Move } from '../case-driver.ts'
import { flagOrderReview } from '../review.ts'
import { ordersOf } from './order-item.ts'
import { offerForOrder } from './order-offer.ts'

/** What a transition does to the quote of its order (C12). */
export const quoteEffects: Pick<CaseBehaviour['effects'], 'askQuote' | 'freezeQuote' | 'withdrawQuote'> = {
  /** Written down, in place of an older one that is still open, and put to the home. */
  async askQuote(move) {
    const { work, data } = move
    const order = await orderOf(move)
    const { quote } = data
    if (!quote) throw new Error(`order ${order.work_order_id}: quoted without a quote`)
    const older = await openQuote(work, order.work_order_id)
    if (older) await setQuote(work, older, { state: 'replaced', decided_at_ms: work.atMs })
    const validUntilMs = Math.min(Date.parse(quote.validUntil), work.atMs + QUOTE_OPEN_MS_MAX)
    await work.tx
      .insertInto('quotes')
      .values({
        brand_id: work.brandId,
        work_order_id: order.work_order_id,
        version: quote.version,
        state: 'open',
        lines: JSON.stringify(quote.lines),
        total_minor: totalOf(quote.lines),
        reason: await keptReason(move, order, quote.reason),
        if_declined: quote.ifDeclined ?? 'cancel',
        valid_until_ms: validUntilMs,
        created_at_ms: work.atMs,
      })
      .execute()
    await setTimer(work, 'quote_expiry', order.work_order_id, validUntilMs)
    await askHome(move, order, { version: quote.version, totalMinor: totalOf(quote.lines), validUntilMs })
  },

  /** The quote's lines in place of the agreed ones, with a moment and a hash of their own. */
  async freezeQuote(move) {
    const { work, data } = move
    const order = await orderOf(move)
    const quote = await openQuote(work, order.work_order_id)
    if (!quote) throw new Error(`order ${order.work_order_id}: a quote was accepted that is not open`)
    const { acceptance: _before, ...agreed } = order.charge
    const next: Charge = {
      ...agreed,
      lines: quote.lines,
      totalMinor: quote.total_minor,
      quoteVersion: quote.version,
      acceptedAt: instant(work.atMs),
    }
    const sha256 = chargeHash(next)
    await setQuote(work, quote, { state: 'accepted', decided_at_ms: work.atMs, charge_sha256: sha256 })
    const charge: Charge = { ...next, acceptance: { method: data.method ?? 'page', sha256 } }
    await changeOrder(work, order.work_order_id, { charge: JSON.stringify(charge), charge_sha256: sha256 })
  },

  /** The order went on or ended without a decision: nobody is asked any more. */
  async withdrawQuote(move) {
    for (const orderId of ordersOf(move.cases)) {
      const quote = await openQuote(move.work, orderId)
      if (!quote) continue
      await setQuote(move.work, quote, { state: 'withdrawn', decided_at_ms: move.work.atMs })
      await clearTimer(move.work, 'quote_expiry', orderId)
    }
  },
}

function totalOf(lines: readonly { amountMinor: number }[]): number {
  return lines.reduce((sum, line) => sum + line.amountMinor, 0)
}

/** Sealed like all a partner writes in its own words; of a home that was erased nothing is written at all. */
async function keptReason({ core, work }: Move, order: OrderRecord, reason: string): Promise<string> {
  const home = await homeFacts(work, order.home_id)
  return home ? sealWords(core.box, order.work_order_id, reason, 'quote.reason') : ''
}

async function orderOf(move: Move): Promise<OrderRecord> {
  const orderId = move.data.workOrderId ?? move.cases[0]?.work_order_id
  const order = orderId ? await lockOrder(move.work, orderId) : null
  if (!order) throw new Error(`${move.event}: the case has no order`)
  return order
}

/** Asked when the home is awake, and only where it may be asked; its page shows the question in any case. */
async function askHome(
  move: Move,
  order: OrderRecord,
  quote: { version: number; totalMinor: number; validUntilMs: number },
): Promise<void> {
  const { core, work, cases } = move
  const offer = await offerForOrder(core, work, order, cases)
  const home = await homeFacts(work, order.home_id)
  const contact = home && (await consentInForce(work, { homeId: home.homeId, purpose: 'contact' }))
  if (!home || !offer || !contact) {
    return flagOrderReview(core, work, order.work_order_id, 'the home cannot be asked about the quote')
  }
  const { outcome } = await requestNotice(core, work, {
    home,
    kind: 'service',
    reasonCode: 'quote',
    text: quoteText(order.charge.totalMinor, quote.totalMinor),
    caseIds: cases.map((record) => record.case_id),
    offer: { id: offer.offer_id, generation: offer.generation },
    sendAfterMs: work.atMs,
    expiresAtMs: quote.validUntilMs,
    cause: [order.work_order_id, quote.version],
  })
  if (outcome === 'suppressed')
    await flagOrderReview(core, work, order.work_order_id, 'the home cannot be asked about the quote in time')
}
