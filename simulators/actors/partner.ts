import {
  type CloudEvent,
  EVENT_TYPE_PREFIX,
  instant,
  type OutcomeItem,
  type PartnerEvent,
  type SiteAddress,
  type Verdict,
  type WorkOrderItem,
  type WorkOrderPacket,
} from '#contracts'
import { type Random, realClock } from '#platform'
import { HubApi, HubApiError } from '../hub-api.ts'
import { Agenda } from './agenda.ts'
import { startWebhookServer, type WebhookServer } from './webhook-server.ts'
import { signWebhook } from './webhook-signature.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** A part this worn is worth changing; below it an honest technician finds nothing. */
const WORTH_CHANGING_WEAR = 0.5

export interface PartnerOptions {
  hubUrl: string
  random: Random
  world: World
  /** Hub time, as the driver last learnt it. */
  nowMs: () => number
  /** A technician who looks and finds nothing although something is there. */
  findsNothing?: number
  /** A technician who writes down a part that was never changed. */
  claimsOnly?: number
  /** The partner's server is away: chance per day, and for how long. */
  down?: { chancePerDay: number; hours: number }
  onChange?: (change: PartnerChange) => void
}

export type PartnerChange =
  | { kind: 'received'; atMs: number; order: LedgerOrder }
  | { kind: 'status'; atMs: number; order: LedgerOrder; status: PartnerEvent['status'] }
  | { kind: 'verdict'; atMs: number; order: LedgerOrder; item: WorkOrderItem; verdict: Verdict; wear: number }
  | { kind: 'down' | 'up'; atMs: number }
  | { kind: 'told'; atMs: number; order: LedgerOrder | null; type: string }

/** What the partner knows of one order. The address is not in it: it is looked at, not kept. */
export interface LedgerOrder {
  id: string
  number: string
  cases: string[]
  packet: WorkOrderPacket
  receivedAtMs: number
  statuses: PartnerEvent['status'][]
  siteReads: number
  verdicts: Verdict[]
  cancelled: boolean
  /** How the hub says it ended. */
  end: string | null
}

/** Orders by id, with the checks that make the ledger worth keeping. */
export class OrderLedger {
  readonly orders = new Map<string, LedgerOrder>()
  /** Things that must never happen, in words. */
  readonly violations: string[] = []

  receive(packet: WorkOrderPacket, atMs: number): LedgerOrder {
    const { id, number, reworkOf } = packet.workOrder
    if (this.orders.has(id)) this.violations.push(`order ${number} was created twice`)
    const order: LedgerOrder = {
      id,
      number,
      cases: packet.items.map((item) => item.caseId),
      packet,
      receivedAtMs: atMs,
      statuses: [],
      siteReads: 0,
      verdicts: [],
      cancelled: false,
      end: null,
    }
    for (const other of this.orders.values()) {
      const shared = order.cases.filter((it) => other.cases.includes(it))
      const over =
        other.cancelled || other.statuses.some((it) => it === 'completed' || it === 'rejected' || it === 'failed')
      if (shared.length > 0 && !over)
        this.violations.push(`case ${shared[0]} has two live orders, ${other.number} and ${number}`)
      if (shared.length > 0 && over && other.statuses.includes('completed') && reworkOf === null)
        this.violations.push(`case ${shared[0]} was ordered again without saying that it is rework`)
    }
    this.orders.set(id, order)
    return order
  }
}

/**
 * A fulfilment partner of the demo: a server of its own that speaks the contract and nothing
 * else. It accepts, appoints, travels, looks at the appliance, changes the part in the
 * simulated world, reports; sometimes it finds nothing, sometimes it is away.
 */
export class DemoPartner {
  readonly ledger = new OrderLedger()
  readonly #options: PartnerOptions
  readonly #agenda = new Agenda()
  readonly #random: Random
  #server: WebhookServer | null = null
  #secret: string | null = null
  #api: HubApi
  #downUntilMs = 0
  #dayMs: number | null = null
  #events = 0

  constructor(options: PartnerOptions) {
    this.#options = options
    this.#random = options.random
    this.#api = new HubApi(options.hubUrl, null)
  }

  /** Listens; the address goes into the partner's registration at the hub. */
  async start(): Promise<string> {
    this.#server = await startWebhookServer({
      secret: () => this.#secret,
      onEvent: (event) => this.#onEvent(event),
      refuse: () =>
        this.#isDown() ? { status: 503, ...(this.#random.chance(0.5) ? { retryAfterSeconds: 600 } : {}) } : null,
    })
    return this.#server.url
  }

  /** What the registration answered: the webhook secret, and an API key for looking at addresses. */
  equip({ secret, apiKey }: { secret: string; apiKey: string }): void {
    this.#secret = secret
    this.#api = new HubApi(this.#options.hubUrl, apiKey)
  }

  /** Does what is due by now. */
  async step(nowMs: number): Promise<void> {
    this.#weather(nowMs)
    // Technicians go on with what they have while the server takes no new work.
    await this.#agenda.runUntil(nowMs)
  }

  counts() {
    return { ...this.#server!.counts, orders: this.ledger.orders.size, waiting: this.#agenda.size }
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
    if (!down || nowMs - this.#dayMs < 24 * HOUR_MS) return
    this.#dayMs = nowMs
    if (nowMs < this.#downUntilMs || !this.#random.chance(down.chancePerDay)) return
    this.#downUntilMs = nowMs + down.hours * HOUR_MS
    this.#tell({ kind: 'down', atMs: nowMs })
    this.#agenda.plan(this.#downUntilMs, async (atMs) => this.#tell({ kind: 'up', atMs }))
  }

  #onEvent(event: CloudEvent): void {
    const atMs = this.#options.nowMs()
    const type = event.type.slice(EVENT_TYPE_PREFIX.length)
    if (type === 'work_order.created') {
      const order = this.ledger.receive(event.data as WorkOrderPacket, atMs)
      this.#tell({ kind: 'received', atMs, order })
      this.#planVisit(order, atMs)
      return
    }
    const order =
      this.ledger.orders.get((event.data as { workOrderId?: string }).workOrderId ?? event.subject ?? '') ?? null
    if (order && type === 'work_order.cancelled') order.cancelled = true
    if (order && /^work_order\.(verified|not_fixed|not_observed|unverified)$/.test(type))
      order.end = type.slice('work_order.'.length)
    this.#tell({ kind: 'told', atMs, order, type })
  }

  #planVisit(order: LedgerOrder, atMs: number): void {
    // Chance belongs to the order's place in the ledger, so that another order moves nothing.
    const random = this.#random.fork(`order ${this.ledger.orders.size}`)
    const acceptMs = atMs + (10 + random.int(80)) * MINUTE_MS
    this.#agenda.plan(acceptMs, async (nowMs) => {
      if (!(await this.#say(order, nowMs, { status: 'accepted', externalId: `P-${this.ledger.orders.size}` }))) return
      await this.#lookAtSite(order)
      const { slots, notBefore } = order.packet.workOrder.window
      const from = Math.max(Date.parse(slots[0]?.from ?? notBefore), nowMs + 2 * HOUR_MS)
      const appointment = { from: instant(from), to: instant(from + 2 * HOUR_MS) }
      const technician = { ref: `T-${1 + random.int(40)}`, rating: 4.6 + random.int(5) / 10 }
      await this.#say(order, nowMs + 5 * MINUTE_MS, {
        status: 'appointed',
        appointment: slots[0] ?? appointment,
        technician,
      })
      const arrive = from + random.int(60) * MINUTE_MS
      this.#agenda.plan(
        arrive - 90 * MINUTE_MS,
        async (at) => void (await this.#say(order, at, { status: 'dispatched', technician })),
      )
      this.#agenda.plan(
        arrive - 40 * MINUTE_MS,
        async (at) => void (await this.#say(order, at, { status: 'en_route' })),
      )
      this.#agenda.plan(arrive, async (at) => void (await this.#say(order, at, { status: 'arrived' })))
      this.#agenda.plan(arrive + 45 * MINUTE_MS, (at) => this.#work(order, at, random))
    })
  }

  async #work(order: LedgerOrder, atMs: number, random: Random): Promise<void> {
    if (order.cancelled) return
    const reports = order.packet.items.map((item) => this.#lookAt(item, random))
    const outcome = { items: reports.map(({ report }) => report) }
    if (!(await this.#say(order, atMs, { status: 'completed', outcome }))) return
    for (const { item, report, wear, really } of reports) {
      // The repair is only real in the world once the report is: a refused report changes nothing.
      if (really) this.#options.world.replace(item.device.serial, item.diagnosis.component, { atMs, by: 'technician' })
      order.verdicts.push(report.verdict)
      this.#tell({ kind: 'verdict', atMs, order, item, verdict: report.verdict, wear })
    }
  }

  #lookAt(
    item: WorkOrderItem,
    random: Random,
  ): { item: WorkOrderItem; report: OutcomeItem; wear: number; really: boolean } {
    const { world, findsNothing = 0, claimsOnly = 0 } = this.#options
    const wear = world.wear(item.device.serial, item.diagnosis.component)
    if (wear < WORTH_CHANGING_WEAR || random.chance(findsNothing)) {
      const report: OutcomeItem = {
        item: item.id,
        verdict: 'no_fault_found',
        report: { found: '未发现异常', done: ['检查运行'], advice: '继续观察' },
      }
      return { item, report, wear, really: false }
    }
    const report: OutcomeItem = {
      item: item.id,
      verdict: 'confirmed',
      cause: item.diagnosis.cause.code,
      partsUsed: item.job.parts.map(({ sku, quantity }) => ({ sku, quantity, origin: 'genuine' as const })),
      report: { found: item.diagnosis.cause.text['zh-CN'], done: [item.job.title['zh-CN']], advice: '' },
    }
    return { item, report, wear, really: !random.chance(claimsOnly) }
  }

  /** Looks at the address as a technician would, and forgets it. */
  async #lookAtSite(order: LedgerOrder): Promise<void> {
    const site = await this.#api.get<SiteAddress>(order.packet.links.site)
    if (site.consent.id) order.siteReads++
  }

  /** False when the hub says that this order is no longer ours to speak of. */
  async #say(order: LedgerOrder, atMs: number, event: PartnerEvent): Promise<boolean> {
    if (order.cancelled) return false
    const body = JSON.stringify({ visit: 1, at: instant(atMs), ...event } satisfies PartnerEvent)
    const headers = signWebhook(this.#secret!, {
      id: `pe_${order.id}_${this.#events++}`,
      body,
      nowMs: realClock.nowMs(),
    })
    try {
      await new HubApi(this.#options.hubUrl, null).post(order.packet.links.events, null, {
        headers: { ...headers },
        raw: { type: 'application/json', text: body },
      })
    } catch (error) {
      if (!(error instanceof HubApiError) || ![404, 409, 410].includes(error.problem.status)) throw error
      order.cancelled = true
      return false
    }
    order.statuses.push(event.status)
    this.#tell({ kind: 'status', atMs, order, status: event.status })
    return true
  }

  #tell(change: PartnerChange): void {
    this.#options.onChange?.(change)
  }
}
