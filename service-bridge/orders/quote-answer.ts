import { instant, type QuoteDecisionBody } from '#contracts'
import { HubError } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import { type Core, THE_HOME, type Work } from '../core.ts'
import { orderOfOffer } from '../offers/offer-progress.ts'
import type { OfferRecord } from '../offers/offer-record.ts'
import { decideQuote } from './quote-decision.ts'
import { quoteOf } from './quote-record.ts'

const SAID = { accepted: 'accept', declined: 'decline' } as const

/** The home's answer to a quote; for what each refusal means see `bridge.ts`. */
export async function answerQuote(
  core: Core,
  happen: Happen,
  work: Work,
  offer: OfferRecord,
  version: number,
  decision: QuoteDecisionBody['decision'],
): Promise<void> {
  const order = await orderOfOffer(core, work, offer)
  const quote = order && (await quoteOf(work, order.work_order_id, version))
  if (!quote) throw new HubError('NOT_FOUND', `There is no quote ${version} for this visit.`)
  // A button pressed twice, or by two of one home, says one thing.
  if (SAID[quote.state as keyof typeof SAID] === decision) return
  const over = quote.state === 'expired' || (quote.state === 'open' && work.atMs >= quote.valid_until_ms)
  if (over) throw new HubError('OFFER_EXPIRED', `This quote ended on ${instant(quote.valid_until_ms)}.`)
  if (quote.state === 'replaced') {
    throw new HubError('STATE_FORBIDS', 'The partner has sent a newer quote since; look at that one.')
  }
  if (quote.state !== 'open') throw new HubError('STATE_FORBIDS', `This quote is ${quote.state} already.`)
  await decideQuote(core, happen, work, order, quote, { decision, by: THE_HOME })
}
