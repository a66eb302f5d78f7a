import type { PartnerEvent, Verdict, WorkOrderPacket } from '#contracts'
import { realClock } from '#platform'
import type { OrderFate } from './order-fate.ts'

/** What the partner knows of one order. The address is not in it: it is looked at, not kept. */
export interface LedgerOrder {
  id: string
  number: string
  cases: string[]
  packet: WorkOrderPacket
  /** The event that brought it; `null` for one that was polled. */
  webhookId: string | null
  receivedAtMs: number
  /** Real time, for how long it took to get here. */
  receivedRealMs: number
  /** What it does with the order, as drawn when it came. */
  fate: OrderFate | null
  statuses: PartnerEvent['status'][]
  /** Trips to the home so far. */
  visits: number
  siteReads: number
  verdicts: Verdict[]
  cancelled: boolean
  /** How the hub says it ended. */
  end: string | null
}

const OVER: ReadonlySet<string> = new Set(['completed', 'rejected', 'failed', 'cancelled'])

/** Orders by id, with the checks that make the ledger worth keeping. */
export class OrderLedger {
  readonly orders = new Map<string, LedgerOrder>()
  /** Things that must never happen, in words. */
  readonly violations: string[] = []
  /** Of all partners of a town: an order may be live at one of them only. */
  readonly #siblings: OrderLedger[] = [this]
  readonly #unconfirmed: LedgerOrder[] = []

  /** Looks into the other's book too, and it into this one. */
  beside(other: OrderLedger): void {
    this.#siblings.push(other)
    other.#siblings.push(this)
  }

  receive(packet: WorkOrderPacket, atMs: number, webhookId: string | null = null): LedgerOrder {
    const { id, number, reworkOf } = packet.workOrder
    if (this.orders.has(id)) this.violations.push(`order ${number} was created twice`)
    const order: LedgerOrder = {
      id,
      number,
      cases: packet.items.map((item) => item.caseId),
      packet,
      webhookId,
      receivedAtMs: atMs,
      receivedRealMs: realClock.nowMs(),
      fate: null,
      statuses: [],
      visits: 0,
      siteReads: 0,
      verdicts: [],
      cancelled: false,
      end: null,
    }
    if (new Set(order.cases).size !== order.cases.length)
      this.violations.push(`order ${number} has two items of one case`)
    for (const ledger of this.#siblings) {
      for (const other of ledger.orders.values()) {
        const shared = order.cases.find((it) => other.cases.includes(it))
        if (shared === undefined) continue
        const over = isOver(other)
        // Another's server may be away: its cancellation waits in the outbox while the next partner is asked.
        if (!over && ledger !== this) ledger.#unconfirmed.push(other)
        else if (!over) this.violations.push(`case ${shared} has two live orders, ${other.number} and ${number}`)
        else if (other.statuses.includes('completed') && reworkOf === null)
          this.violations.push(`case ${shared} was ordered again without saying that it is rework`)
      }
    }
    this.orders.set(id, order)
    return order
  }

  /** When everything is delivered: orders that went on to another partner and were never called off here. */
  neverCancelled(): string[] {
    return this.#unconfirmed
      .filter((order) => !isOver(order))
      .map((order) => `order ${order.number} went to another partner and was never cancelled here`)
  }
}

function isOver(order: LedgerOrder): boolean {
  return order.cancelled || order.statuses.some((it) => OVER.has(it))
}
