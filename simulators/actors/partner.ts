import type { CloudEvent, OutcomeItem, PartnerEvent, Slot, Verdict, WorkOrderItem } from '#contracts'
import { instant } from '#contracts'
import type { Random } from '#platform'
import { noTruth, type TruthSink } from '../fleet/truth.ts'
import { HubApi } from '../hub-api.ts'
import { Agenda } from './agenda.ts'
import { drawFate, drawItemFate, type ItemFate, type OrderFate, type PartnerHabits } from './order-fate.ts'
import { newsOf, type OrderNews, pollOrders } from './order-inbox.ts'
import { type LedgerOrder, OrderLedger } from './order-ledger.ts'
import { PartnerLine } from './partner-line.ts'
import { startWebhookServer, type WebhookServer, type WebhookServerOptions } from './webhook-server.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A part this worn is worth changing; below it an honest technician finds nothing. */
const WORTH_CHANGING_WEAR = 0.5
/** A bad part wears twice as fast. */
const BAD_PART_PACE = 2
/** What an overcharge and a quote add, in fen. */
const EXTRA_MINOR = 5_000
/** A quote nobody decides by then is void. */
const QUOTE_VALID_MS = 2 * DAY_MS

export interface PartnerOptions {
  hubUrl: string
  random: Random
  world: World
  /** Hub time, as the driver last learnt it. */
  nowMs: () => number
  /** As in its registration; how the truth names it. */
  key?: string
  habits?: PartnerHabits
  /** Decides over one item in place of chance, for a trial that needs exact shares. */
  itemFate?: (order: LedgerOrder, item: WorkOrderItem) => ItemFate
  /** No server: it asks for its orders at every step. */
  polls?: boolean
  /** The partner's server is away: chance per day, and for how long. */
  down?: { chancePerDay: number; hours: number }
  /** How long a call waits for a hub that was killed. */
  patienceMs?: number
  truth?: TruthSink
  server?: Pick<WebhookServerOptions, 'beforeAnswer' | 'onConnection'>
  onChange?: (change: PartnerChange) => void
}

export type PartnerChange =
  | { kind: 'received'; atMs: number; order: LedgerOrder }
  | { kind: 'status'; atMs: number; order: LedgerOrder; status: PartnerEvent['status'] }
  | {
      kind: 'verdict'
      atMs: number
      order: LedgerOrder
      item: WorkOrderItem
      verdict: Verdict
      wear: number
      fate: ItemFate
    }
  | { kind: 'down' | 'up'; atMs: number }
  | { kind: 'told'; atMs: number; order: LedgerOrder | null; type: string }

interface Report {
  item: WorkOrderItem
  report: OutcomeItem
  wear: number
  fate: ItemFate
}

/**
 * A simulated fulfilment partner: a server of its own, or a poller, that speaks the contract and nothing else. On the
 * straight way it accepts, appoints, travels, looks at the appliance, changes the part in the simulated world and
 * reports; its habits say how often it strays. Whatever it does beside the straight way stands in the truth.
 */
export class DemoPartner {
  readonly ledger = new OrderLedger()
  readonly key: string
  readonly #options: PartnerOptions
  readonly #habits: PartnerHabits
  readonly #agenda = new Agenda()
  readonly #random: Random
  readonly #line: PartnerLine
  readonly #truth: TruthSink
  #server: WebhookServer | null = null
  #downUntilMs = 0
  #dayMs: number | null = null

  constructor(options: PartnerOptions) {
    this.#options = options
    this.key = options.key ?? 'swift-repair'
    this.#habits = options.habits ?? {}
    this.#random = options.random
    this.#truth = options.truth ?? noTruth
    this.#line = new PartnerLine(new HubApi(options.hubUrl, null, { patienceMs: options.patienceMs ?? 0 }))
  }

  /** Listens; the address goes into the partner's registration at the hub. `null` for one that polls. */
  async start(): Promise<string | null> {
    if (this.#options.polls) return null
    this.#server = await startWebhookServer({
      secret: () => this.#line.secret,
      onEvent: (event: CloudEvent, webhookId) => this.#hear(newsOf(event, webhookId), event.type),
      refuse: () =>
        this.#isDown() ? { status: 503, ...(this.#random.chance(0.5) ? { retryAfterSeconds: 600 } : {}) } : null,
      ...this.#options.server,
    })
    return this.#server.url
  }

  /** What the registration answered: the webhook secret, and an API key for looking at addresses and for polling. */
  equip(keys: { secret: string; apiKey: string }): void {
    this.#line.equip(keys)
  }

  /** Does what is due by now. */
  async step(nowMs: number): Promise<void> {
    this.#weather(nowMs)
    if (this.#options.polls)
      for (const news of await pollOrders(this.#line.api, this.ledger)) this.#hear(news, news.kind)
    // Technicians go on with what they have while the server takes no new work.
    await this.#agenda.runUntil(nowMs)
  }

  counts() {
    const none = { received: 0, accepted: 0, repeated: 0, badSignature: 0, refused: 0 }
    return { ...(this.#server?.counts ?? none), orders: this.ledger.orders.size, waiting: this.#agenda.size }
  }

  /** Webhook ids as they came. */
  get arrivals(): WebhookServer['arrivals'] {
    return this.#server?.arrivals ?? new Map()
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }

  #isDown(): boolean {
    return this.#options.nowMs() < this.#downUntilMs
  }

  /** Once a simulated day: does the server fall over today? */
  #weather(nowMs: number): void {
    const { down } = this.#options
    this.#dayMs ??= nowMs
    if (!down || nowMs - this.#dayMs < DAY_MS) return
    this.#dayMs = nowMs
    if (nowMs < this.#downUntilMs || !this.#random.chance(down.chancePerDay)) return
    this.#downUntilMs = nowMs + down.hours * HOUR_MS
    this.#tell({ kind: 'down', atMs: nowMs })
    this.#agenda.plan(this.#downUntilMs, async (atMs) => this.#tell({ kind: 'up', atMs }))
  }

  #hear(news: OrderNews, type: string): void {
    const atMs = this.#options.nowMs()
    if (news.kind === 'created') {
      const order = this.ledger.receive(news.packet, atMs, news.webhookId)
      this.#tell({ kind: 'received', atMs, order })
      this.#begin(order, atMs)
      return
    }
    const order = this.ledger.orders.get(news.orderId) ?? null
    if (order && news.kind === 'cancelled') order.cancelled = true
    if (order && news.kind === 'ended') this.#learnEnd(order, news.end, atMs)
    if (order && news.kind === 'quote_decided' && news.goesOn)
      this.#agenda.plan(atMs + HOUR_MS, (at) => this.#appointFirst(order, at))
    this.#tell({ kind: 'told', atMs, order, type })
  }

  #begin(order: LedgerOrder, atMs: number): void {
    // Chance belongs to the order's place in the ledger, so that another order moves nothing.
    const place = this.ledger.orders.size
    const random = this.#random.fork(`order ${place}`)
    const fate = drawFate(this.#habits, random)
    order.fate = fate
    const acceptBy = Date.parse(order.packet.workOrder.sla.acceptBy)
    const answerMs =
      fate.answer === 'answersLate'
        ? acceptBy + (1 + random.int(5)) * HOUR_MS
        : atMs + (10 + random.int(80)) * MINUTE_MS
    if (fate.answer !== 'accepts') this.#deed(order, answerMs, fate.answer)
    if (fate.answer === 'keepsSilent') return
    this.#agenda.plan(answerMs, async (nowMs) => {
      if (fate.answer === 'rejects') {
        await this.#say(order, nowMs, { status: 'rejected', reason: random.pick(['no_capacity', 'no_part', 'price']) })
        return
      }
      if (!(await this.#say(order, nowMs, { status: 'accepted', externalId: `P-${place}` }))) return
      if (!(await this.#line.lookAtSite(order))) return
      if (fate.quotes) await this.#quote(order, nowMs + 5 * MINUTE_MS)
      else await this.#appointFirst(order, nowMs + 5 * MINUTE_MS)
    })
  }

  /** The time the home chose; as a new time when a quote came between, which stands as high as an appointment. */
  async #appointFirst(order: LedgerOrder, atMs: number): Promise<void> {
    const { slots, notBefore } = order.packet.workOrder.window
    const fromMs = Math.max(Date.parse(slots[0]?.from ?? notBefore), atMs + 2 * HOUR_MS)
    await this.#appoint(order, atMs, { fromMs, slot: slots[0] ?? null, moved: order.statuses.includes('quoted') })
  }

  /** Gives a time for the next trip and plans it. */
  async #appoint(
    order: LedgerOrder,
    atMs: number,
    { fromMs, slot = null, moved = false }: { fromMs: number; slot?: Slot | null; moved?: boolean },
  ): Promise<void> {
    order.visits++
    const random = this.#random.fork(`visit ${order.number} ${order.visits}`)
    const technician = { ref: `T-${1 + random.int(40)}`, rating: 4.6 + random.int(5) / 10 }
    const appointment =
      slot && Date.parse(slot.from) >= fromMs ? slot : { from: instant(fromMs), to: instant(fromMs + 2 * HOUR_MS) }
    const when = moved ? ({ status: 'rescheduled', reason: 'other' } as const) : ({ status: 'appointed' } as const)
    if (!(await this.#say(order, atMs, { ...when, appointment, technician }))) return
    const arriveMs = fromMs + random.int(60) * MINUTE_MS
    const trouble = order.visits === 1 ? (order.fate?.trouble ?? null) : null
    if (trouble === 'missesAppointment') {
      this.#agenda.plan(fromMs + 3 * HOUR_MS, async (at) => {
        this.#deed(order, at, trouble)
        if (await this.#say(order, at, { status: 'technician_absent' })) await this.#again(order, at, 1)
      })
      return
    }
    this.#agenda.plan(
      arriveMs - 90 * MINUTE_MS,
      async (at) => void (await this.#say(order, at, { status: 'dispatched', technician })),
    )
    if (!order.fate?.outOfOrder)
      this.#agenda.plan(
        arriveMs - 40 * MINUTE_MS,
        async (at) => void (await this.#say(order, at, { status: 'en_route' })),
      )
    this.#agenda.plan(arriveMs, (at) => this.#atTheDoor(order, at, trouble, random))
  }

  async #atTheDoor(order: LedgerOrder, atMs: number, trouble: OrderFate['trouble'], random: Random): Promise<void> {
    if (trouble !== null && !order.cancelled) this.#deed(order, atMs, trouble)
    if (trouble === 'findsNobody') {
      if (await this.#say(order, atMs, { status: 'customer_absent' })) await this.#again(order, atMs, 1)
      return
    }
    if (!(await this.#say(order, atMs, { status: 'arrived' }))) return
    if (trouble === 'fails') {
      await this.#say(order, atMs + 20 * MINUTE_MS, { status: 'failed', reason: 'not_repairable' })
      return
    }
    if (trouble === 'awaitsPart') {
      if (await this.#say(order, atMs + 20 * MINUTE_MS, { status: 'awaiting_parts' }))
        await this.#again(order, atMs + 20 * MINUTE_MS, 2 + random.int(4))
      return
    }
    if (trouble === 'comesTwice') return this.#again(order, atMs + 20 * MINUTE_MS, 1 + random.int(2))
    this.#agenda.plan(atMs + 45 * MINUTE_MS, (at) => this.#work(order, at))
  }

  /** A second trip, at the same time of the day. */
  async #again(order: LedgerOrder, atMs: number, days: number): Promise<void> {
    await this.#appoint(order, atMs + 5 * MINUTE_MS, { fromMs: atMs + days * DAY_MS })
  }

  /** Another price before anybody travels; goes on when the hub says what was decided. */
  async #quote(order: LedgerOrder, atMs: number): Promise<void> {
    this.#deed(order, atMs, 'quotes')
    const { charge } = order.packet.workOrder
    const lines = [...charge.lines, { kind: 'other' as const, amountMinor: EXTRA_MINOR }]
    await this.#say(order, atMs, {
      status: 'quoted',
      quote: {
        version: charge.quoteVersion + 1,
        lines,
        reason: '需要另行更换密封件',
        validUntil: instant(atMs + QUOTE_VALID_MS),
        ifDeclined: 'continue',
      },
    })
  }

  async #work(order: LedgerOrder, atMs: number): Promise<void> {
    if (order.cancelled || order.statuses.includes('completed')) return
    const { fate } = order
    const reports = order.packet.items.map((item) => this.#lookAt(order, item))
    const outcome: PartnerEvent['outcome'] = { items: reports.map(({ report }) => report) }
    if (fate?.overcharges) {
      this.#deed(order, atMs, 'overcharges')
      const { lines, totalMinor } = order.packet.workOrder.charge
      outcome.charge = {
        lines: [...lines, { kind: 'other', amountMinor: EXTRA_MINOR }],
        totalMinor: totalMinor + EXTRA_MINOR,
      }
    }
    if (!(await this.#say(order, atMs, { status: 'completed', outcome }))) return
    for (const report of reports) this.#leaveBehind(order, report, atMs)
    if (fate?.outOfOrder) {
      this.#deed(order, atMs, 'outOfOrder')
      await this.#say(order, atMs - 85 * MINUTE_MS, { status: 'en_route' })
    }
    if (fate?.contradicts) {
      this.#deed(order, atMs, 'contradicts')
      this.#agenda.plan(
        atMs + HOUR_MS,
        async (at) => void (await this.#say(order, at, { status: 'failed', reason: 'not_repairable' })),
      )
    }
  }

  /** The repair is only real in the world once the report is: a refused report changes nothing. */
  #leaveBehind(order: LedgerOrder, { item, report, wear, fate }: Report, atMs: number): void {
    const { serial } = item.device
    if (fate !== 'honest') this.#deed(order, atMs, fate, item)
    if (report.verdict === 'confirmed' && fate !== 'claimsOnly')
      this.#options.world.replace(serial, item.diagnosis.component, {
        atMs,
        by: 'technician',
        ...(fate === 'fitsBadPart' ? { pace: BAD_PART_PACE } : {}),
      })
    order.verdicts.push(report.verdict)
    this.#tell({ kind: 'verdict', atMs, order, item, verdict: report.verdict, wear, fate })
  }

  #lookAt(order: LedgerOrder, item: WorkOrderItem): Report {
    const wear = this.#options.world.wear(item.device.serial, item.diagnosis.component)
    const drawn =
      this.#options.itemFate?.(order, item) ??
      drawItemFate(this.#habits, this.#random.fork(`item ${order.number} ${order.packet.items.indexOf(item)}`))
    if (wear < WORTH_CHANGING_WEAR || drawn === 'findsNothing') {
      const report: OutcomeItem = {
        item: item.id,
        verdict: 'no_fault_found',
        report: { found: '未发现异常', done: ['检查运行'], advice: '继续观察' },
      }
      return { item, report, wear, fate: drawn === 'findsNothing' ? drawn : 'honest' }
    }
    const report: OutcomeItem = {
      item: item.id,
      verdict: 'confirmed',
      cause: item.diagnosis.cause.code,
      partsUsed: item.job.parts.map(({ sku, quantity }) => ({ sku, quantity, origin: 'genuine' as const })),
      report: { found: item.diagnosis.cause.text['zh-CN'], done: [item.job.title['zh-CN']], advice: '' },
    }
    return { item, report, wear, fate: drawn }
  }

  #learnEnd(order: LedgerOrder, end: string, atMs: number): void {
    order.end = end
    if (end === 'verified' || end === 'unverified' || !order.fate?.objects) return
    this.#agenda.plan(atMs + 4 * HOUR_MS, async (at) => {
      this.#deed(order, at, 'objects')
      const objection = { text: '我们已更换，附照片。We did change it.' }
      await this.#say(order, at, { status: 'objected', objection })
    })
  }

  /** False when the hub says that this order is no longer ours to speak of, or does not take the word. */
  async #say(order: LedgerOrder, atMs: number, event: PartnerEvent): Promise<boolean> {
    if (order.cancelled) return false
    const twice = order.fate?.repeatsItself === true
    const answer = await this.#line.say(order, atMs, event, { twice })
    if (answer === 'over') order.cancelled = true
    if (answer !== 'said') return false
    order.statuses.push(event.status)
    if (twice) this.#deed(order, atMs, 'repeatsItself')
    this.#tell({ kind: 'status', atMs, order, status: event.status })
    return true
  }

  /** Everything beside the straight way stands in the truth, for each appliance it concerns. */
  #deed(order: LedgerOrder, atMs: number, deed: string, item?: WorkOrderItem): void {
    for (const { device, diagnosis } of item ? [item] : order.packet.items)
      this.#truth.write({
        at: instant(atMs),
        serial: device.serial,
        category: device.category,
        component: diagnosis.component,
        kind: 'deed',
        by: this.key,
        deed,
        workOrder: order.number,
      })
  }

  #tell(change: PartnerChange): void {
    this.#options.onChange?.(change)
  }
}
