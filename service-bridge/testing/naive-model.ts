import { CASE_STATES_OVER } from '#contracts'
import type { ReceivedWebhook } from './partner-server.ts'
import type { World } from './world.ts'

/** Of the homes of `makeWorld`: Shanghai, which has no summer time, from nine at night to half past eight. */
const ZONE_OFFSET_MS = 8 * 3_600_000
const QUIET = { fromMinute: 21 * 60, toMinute: 8 * 60 + 30 }
/** What a partner has said last, when its order is over by that. */
const TERMINAL: ReadonlySet<string> = new Set(['completed', 'rejected', 'failed', 'cancelled'])

/**
 * What was done in a history and what may follow from it, as simply as can be: lists, looked through from the start.
 * It shares no code with the hub and looks at what leaves it: events at endpoints, answers to calls, rows.
 */
export class NaiveModel {
  readonly #world: World
  readonly #consents: { purpose: string; recipient: string | null; granted: boolean; atMs: number }[] = []
  readonly #words: { orderId: string; status: string; applied: boolean; atMs: number }[] = []

  constructor(world: World, standing: { purpose: string; recipient: string | null }[]) {
    this.#world = world
    for (const one of standing) this.consented(one.purpose, one.recipient, true)
  }

  /** Somebody at home agreed or took it back; without a recipient it is about all. */
  consented(purpose: string, recipient: string | null, granted: boolean): void {
    this.#consents.push({ purpose, recipient, granted, atMs: this.#world.clock.nowMs() })
  }

  /** A partner spoke, and the hub said what it made of it. */
  said(orderId: string, status: string, disposition: string): void {
    this.#words.push({ orderId, status, applied: disposition === 'applied', atMs: this.#world.clock.nowMs() })
  }

  /** The last word on it by then counts. */
  agrees(purpose: string, recipient: string | null, atMs: number): boolean {
    let granted = false
    for (const one of this.#consents)
      if (one.purpose === purpose && one.atMs <= atMs && (one.recipient === null || one.recipient === recipient))
        granted = one.granted
    return granted
  }

  /** At some moment of this millisecond; a yes and a no may fall into the same. */
  #agreedAround(purpose: string, recipient: string | null, atMs: number): boolean {
    return (
      this.agrees(purpose, recipient, atMs) ||
      this.agrees(purpose, recipient, atMs - 1) ||
      this.#consents.some((one) => one.granted && one.purpose === purpose && one.atMs === atMs)
    )
  }

  /** May this partner see the address of this order now? */
  mayLook(orderId: string, partner: string): boolean {
    const words = this.#words.filter((one) => one.orderId === orderId && one.applied)
    const taken = words.some((one) => !['rejected', 'failed', 'cancelled'].includes(one.status))
    return taken && this.agrees('share', partner, this.#world.clock.nowMs())
  }

  /** Sentences about what must never be; none is the claim. Cheap enough to ask after every step. */
  async twoLive(): Promise<string[]> {
    const { db } = this.#world
    return db.asHub(async (tx) => {
      const cases = await tx.selectFrom('cases').select(['case_id', 'device_id', 'component', 'state']).execute()
      const items = await tx.selectFrom('order_items').select(['item_id', 'case_id', 'live']).execute()
      const live = cases.filter((one) => !CASE_STATES_OVER.has(one.state))
      return [
        ...twice(live.map((one) => `${one.device_id} ${one.component}`)).map((it) => `two live cases of ${it}`),
        ...twice(items.filter((one) => one.live).map((one) => one.case_id)).map((it) => `two live items of ${it}`),
      ]
    })
  }

  /** Everything that left the hub in this history, against what it was allowed to. */
  async wrongs(partners: ReadonlyMap<string, { received: readonly ReceivedWebhook[] }>): Promise<string[]> {
    const wrongs = await this.twoLive()
    const orders = await this.#world.db.asHub((tx) =>
      tx.selectFrom('work_orders').select(['work_order_id', 'partner_key', 'created_at_ms', 'state']).execute(),
    )
    for (const order of orders)
      if (!this.#agreedAround('share', order.partner_key, Number(order.created_at_ms)))
        wrongs.push(`an order went to ${order.partner_key} without a consent`)
    for (const [key, { received }] of partners) wrongs.push(...this.#book(key, received, orders))
    wrongs.push(...this.#liveAtTwo(partners))
    for (const { event } of this.#world.brandServer.ofType('notice.requested')) {
      const notice = event.data as { kind: string; reasonCode: string; sendAfter: string }
      if (notice.kind === 'safety') continue
      const askedMs = Date.parse((event as unknown as { time: string }).time)
      const atMs = Math.max(askedMs, Date.parse(notice.sendAfter))
      if (isNight(atMs)) wrongs.push(`a notice "${notice.reasonCode}" at night, ${new Date(atMs).toISOString()}`)
      // What is told after a visit belongs to the visit; a question needs a consent to be asked.
      if (notice.reasonCode.startsWith('offer') && !this.#agreedAround('contact', null, askedMs))
        wrongs.push(`a notice "${notice.reasonCode}" without a consent`)
    }
    return wrongs
  }

  /** One partner's book: each order once, under one id however often it comes, and none that is another's. */
  #book(
    key: string,
    received: readonly ReceivedWebhook[],
    orders: readonly { work_order_id: string; partner_key: string }[],
  ): string[] {
    const wrongs: string[] = []
    const created = received.filter((one) => one.event.type === 'beforehand.work_order.created')
    const bySubject = new Map<string, Set<string>>()
    for (const one of created)
      bySubject.set(one.event.subject, (bySubject.get(one.event.subject) ?? new Set()).add(one.id))
    for (const [subject, ids] of bySubject) {
      if (ids.size > 1) wrongs.push(`order ${subject} came to ${key} under ${ids.size} ids`)
      if (orders.find((one) => one.work_order_id === subject)?.partner_key !== key)
        wrongs.push(`order ${subject} came to ${key} and is another's`)
    }
    const bodies = new Map<string, string>()
    for (const one of received) {
      if ((bodies.get(one.id) ?? one.body) !== one.body) wrongs.push(`${key} got two bodies under ${one.id}`)
      bodies.set(one.id, one.body)
    }
    return wrongs
  }

  /** When all is delivered: for each case at most one order, over all partners, that is not called off or ended there. */
  #liveAtTwo(partners: ReadonlyMap<string, { received: readonly ReceivedWebhook[] }>): string[] {
    const live: string[] = []
    for (const { received } of partners.values()) {
      const over = new Set(
        received.filter((one) => one.event.type === 'beforehand.work_order.cancelled').map((one) => one.event.subject),
      )
      const seen = new Set<string>()
      for (const { event } of received) {
        if (event.type !== 'beforehand.work_order.created' || seen.has(event.subject)) continue
        seen.add(event.subject)
        const ended = this.#words.some(
          (one) => one.orderId === event.subject && one.applied && TERMINAL.has(one.status),
        )
        if (over.has(event.subject) || ended) continue
        live.push(...(event.data as { items: { caseId: string }[] }).items.map((item) => item.caseId))
      }
    }
    return twice(live).map((caseId) => `case ${caseId} has live orders at two places`)
  }
}

function twice(words: readonly string[]): string[] {
  return [...new Set(words.filter((word, i) => words.indexOf(word) !== i))]
}

function isNight(atMs: number): boolean {
  const minute = Math.floor((atMs + ZONE_OFFSET_MS) / 60_000) % 1_440
  return minute >= QUIET.fromMinute || minute < QUIET.toMinute
}
