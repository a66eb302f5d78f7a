import type { Charge, ChargeLine, Outcome } from '#contracts'
import { flagOrderReview } from '../cases/review.ts'
import type { Core, Work } from '../core.ts'
import { tellBrand } from '../outgoing.ts'
import { tellOvercharged } from './order-news.ts'
import { changeOrder, type OrderRecord } from './order-record.ts'

export interface Overcharge {
  agreedMinor: number
  takenMinor: number
  /** Lines above what was agreed for the same thing, or not agreed at all. */
  lines: { kind: ChargeLine['kind']; sku?: string; agreedMinor: number; takenMinor: number }[]
}

/**
 * What was taken beyond the agreed charge; `null` when it was not more in all. A line that came
 * out dearer is no matter while another came out cheaper by as much: what counts is what somebody
 * has to pay. The lines count where they add up to more than the total that stands under them.
 */
export function overchargeOf(agreed: Pick<Charge, 'lines' | 'totalMinor'>, outcome: Outcome): Overcharge | null {
  if (!outcome.charge) return null
  const { lines } = outcome.charge
  const takenMinor = Math.max(
    outcome.charge.totalMinor,
    lines.reduce((sum, line) => sum + line.amountMinor, 0),
  )
  if (takenMinor <= agreed.totalMinor) return null
  const before = byThing(agreed.lines)
  const above: Overcharge['lines'] = []
  for (const [thing, { line, amountMinor }] of byThing(lines)) {
    const agreedMinor = before.get(thing)?.amountMinor ?? 0
    if (amountMinor <= agreedMinor) continue
    above.push({
      kind: line.kind,
      ...(line.sku === undefined ? {} : { sku: line.sku }),
      agreedMinor,
      takenMinor: amountMinor,
    })
  }
  return { agreedMinor: agreed.totalMinor, takenMinor, lines: above }
}

/** Lines of one kind and part together: three labour lines may have been agreed as one. */
function byThing(lines: readonly ChargeLine[]): Map<string, { line: ChargeLine; amountMinor: number }> {
  const things = new Map<string, { line: ChargeLine; amountMinor: number }>()
  for (const line of lines) {
    const thing = `${line.kind} ${line.sku ?? ''}`
    things.set(thing, { line, amountMinor: (things.get(thing)?.amountMinor ?? 0) + line.amountMinor })
  }
  return things
}

/** More taken than agreed: stored as it is, marked, and said to both who should know. */
export async function noticeOvercharge(core: Core, work: Work, order: OrderRecord, outcome: Outcome): Promise<void> {
  const over = overchargeOf(order.charge, outcome)
  if (!over || order.overcharged) return
  await changeOrder(work, order.work_order_id, { overcharged: true })
  await flagOrderReview(core, work, order.work_order_id, 'overcharged')
  await tellBrand(core, work, {
    type: 'work_order.overcharged',
    subject: order.work_order_id,
    cause: [],
    data: {
      workOrderId: order.work_order_id,
      number: order.number,
      partner: order.partner_key,
      currency: order.charge.currency,
      payer: order.charge.payer,
      ...over,
    },
  })
  await tellOvercharged(core, work, order, over)
}
