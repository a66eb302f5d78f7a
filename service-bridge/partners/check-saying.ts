import { type Outcome, PARTNER_REASONS, type PartnerEvent } from '#contracts'
import { HubError } from '#platform'
import type { OrderRecord } from '../orders/order-record.ts'

/** What the schema cannot say: reasons by status, and a verdict for every item that is still to be done. */
export function checkSaying(
  order: Pick<OrderRecord, 'packet'>,
  event: PartnerEvent,
  liveItems: readonly string[] = order.packet.items.map((item) => item.id),
): void {
  if (event.status in PARTNER_REASONS) {
    const allowed: readonly string[] = PARTNER_REASONS[event.status as keyof typeof PARTNER_REASONS]
    if (event.reason === undefined || !allowed.includes(event.reason)) {
      throw new HubError('VALIDATION_FAILED', `"${event.status}" needs a reason: one of ${allowed.join(', ')}.`, {
        pointer: '/reason',
      })
    }
  }
  if (event.status === 'appointed' && event.appointment === undefined) {
    throw new HubError('VALIDATION_FAILED', '"appointed" needs the appointment.', { pointer: '/appointment' })
  }
  const { appointment } = event
  if (appointment && Date.parse(appointment.from) >= Date.parse(appointment.to)) {
    throw new HubError('VALIDATION_FAILED', 'The appointment ends before it begins.', { pointer: '/appointment/to' })
  }
  if (event.status === 'quoted' && event.quote === undefined) {
    throw new HubError('VALIDATION_FAILED', '"quoted" needs the quote.', { pointer: '/quote' })
  }
  if (event.status === 'completed') checkOutcome(order, event.outcome, liveItems)
}

function checkOutcome(
  order: Pick<OrderRecord, 'packet'>,
  outcome: Outcome | undefined,
  liveItems: readonly string[],
): void {
  if (!outcome) throw new HubError('VALIDATION_FAILED', '"completed" needs the outcome.', { pointer: '/outcome' })
  const known = new Set(order.packet.items.map((item) => item.id))
  for (const [index, item] of outcome.items.entries()) {
    if (known.delete(item.item)) continue
    throw new HubError('VALIDATION_FAILED', `"${item.item}" is no item of this order, or named twice.`, {
      pointer: `/outcome/items/${index}/item`,
    })
  }
  const missing = liveItems.filter((item) => known.has(item))
  if (missing.length > 0) {
    throw new HubError('VALIDATION_FAILED', `The outcome lacks ${missing.join(', ')}: every item needs its verdict.`, {
      pointer: '/outcome/items',
    })
  }
}
