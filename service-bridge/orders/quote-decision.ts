import type { QuoteDecided } from '#contracts'
import { HubError } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import type { Core, Work } from '../core.ts'
import { type Telling, tellBrand, tellPartner } from '../outgoing.ts'
import { clearTimer } from '../timers.ts'
import type { Actor } from '../views.ts'
import { liveCases, lockOrder, type OrderRecord } from './order-record.ts'
import { type QuoteRecord, setQuote } from './quote-record.ts'
import { askAcceptAnew } from './sla.ts'

export interface Decision {
  decision: QuoteDecided['decision']
  by: Actor
  method?: 'page' | 'app' | 'signature'
}

/**
 * C12: the home's word on an open quote, or that there was none in time. A yes freezes the new charge; after
 * a no the visit goes on for the agreed one, or is off, as its partner said with the quote. The
 * partner hears the decision before anything that follows from it.
 */
export async function decideQuote(
  core: Core,
  happen: Happen,
  work: Work,
  order: OrderRecord,
  quote: QuoteRecord,
  { decision, by, method = 'page' }: Decision,
): Promise<void> {
  const cases = await liveCases(work, order.work_order_id)
  const asked = cases.filter((record) => record.state === 'awaiting_quote')
  await clearTimer(work, 'quote_expiry', order.work_order_id)
  const off = decision !== 'accept' && quote.if_declined === 'cancel'
  const told = { decision, next: off ? ('cancelled' as const) : ('continue' as const) }
  const options = { by, why: `quote ${quote.version}: ${decision}`, data: { workOrderId: order.work_order_id, method } }
  if (decision === 'accept') {
    refuse(await happen(work, asked, 'quote_accepted', options))
    await tellDecided(core, work, (await lockOrder(work, order.work_order_id))!, quote, told)
  } else {
    await setQuote(work, quote, { state: decision === 'decline' ? 'declined' : 'expired', decided_at_ms: work.atMs })
    await tellDecided(core, work, order, quote, told)
    refuse(await happen(work, asked, off ? 'quote_refused' : 'quote_set_aside', options))
  }
  if (!off) await askAcceptAnew(work, order)
}

function refuse(result: Awaited<ReturnType<Happen>>): void {
  if (result.kind !== 'moved') throw new HubError('STATE_FORBIDS', 'This visit waits for no decision any more.')
}

async function tellDecided(
  core: Core,
  work: Work,
  order: OrderRecord,
  quote: QuoteRecord,
  told: Pick<QuoteDecided, 'decision' | 'next'>,
): Promise<void> {
  const data: QuoteDecided = {
    workOrderId: order.work_order_id,
    number: order.number,
    version: quote.version,
    ...told,
    charge: order.charge,
  }
  const telling: Telling = {
    type: 'work_order.quote_decided',
    subject: order.work_order_id,
    cause: [quote.version, quote.created_at_ms],
    data,
  }
  await tellPartner(work, order.partner_key, telling)
  await tellBrand(core, work, telling)
}
