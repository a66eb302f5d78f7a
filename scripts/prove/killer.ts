import pg from 'pg'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { type Random, realSleep } from '#platform'
import type { TownPartner } from '#simulators'
import type { TrialHub } from './trial-hub.ts'

/** Where a delivery can be cut, and anywhere at all. */
export const KILL_POINTS = ['before_commit', 'before_send', 'before_mark', 'after_mark', 'at_random'] as const
export type KillPoint = (typeof KILL_POINTS)[number]

const CREATED = `${EVENT_TYPE_PREFIX}work_order.created`
const LOOK_MS = 5
/** A hub that has done its step and waits is killed as well as one at work. */
const RANDOM_MS_MAX = 2_500

/**
 * Kills the hub at a point of its work, from outside: nothing in the hub knows of it.
 * - `before_commit`: a lock lets the transaction that writes an order come as far as its items, and no further.
 * - `before_send`: at the connection to the partner, of which nothing is read.
 * - `before_mark`: the partner has it, and has not answered.
 * - `after_mark`: the answer stands in the outbox.
 */
export class Killer {
  readonly #hub: TrialHub
  readonly #random: Random
  readonly #database: pg.Client
  #armed: KillPoint | null = null
  #underWay: Promise<void> = Promise.resolve()
  readonly done: Record<KillPoint, number> = {
    before_commit: 0,
    before_send: 0,
    before_mark: 0,
    after_mark: 0,
    at_random: 0,
  }

  constructor(hub: TrialHub, random: Random) {
    this.#hub = hub
    this.#random = random
    this.#database = new pg.Client(hub.databaseUrls.ownerUrl)
  }

  async connect(): Promise<void> {
    await this.#database.connect()
  }

  /** For looking at the hub's tables from the side. */
  get database(): pg.Client {
    return this.#database
  }

  get armed(): KillPoint | null {
    return this.#armed
  }

  /** The next time the hub comes by this point, it dies there and is started again. One at a time. */
  arm(point: KillPoint): void {
    this.#armed = point
    if (point === 'before_commit') this.#underWay = this.#waitForOrder()
    if (point === 'at_random') this.#underWay = realSleep(this.#random.next() * RANDOM_MS_MAX).then(() => this.#kill())
  }

  /** Takes back what did not come about. */
  async disarm(): Promise<void> {
    this.#armed = null
    await this.#underWay
    await this.#hub.back()
  }

  async close(): Promise<void> {
    await this.disarm()
    await this.#database.end()
  }

  /** What a partner's server does on the way, for `TownPartner.server`. */
  readonly atPartner: NonNullable<TownPartner['server']> = {
    onConnection: (socket) => {
      if (this.#armed !== 'before_send') return
      socket.destroy()
      this.#underWay = this.#kill()
    },
    beforeAnswer: async (event, webhookId) => {
      if (event.type !== CREATED) return
      if (this.#armed === 'before_mark') await this.#kill({ andStart: false }).then(() => void this.#hub.start())
      else if (this.#armed === 'after_mark') this.#underWay = this.#waitForMark(webhookId)
    },
  }

  async #kill({ andStart = true } = {}): Promise<void> {
    const point = this.#armed
    if (point === null) return
    this.#armed = null
    this.done[point]++
    await this.#hub.kill()
    if (andStart) await this.#hub.start()
  }

  async #waitForMark(webhookId: string): Promise<void> {
    while (this.#armed === 'after_mark') {
      const { rows } = await this.#database.query<{ state: string }>(
        'SELECT state FROM deliveries WHERE delivery_id = $1',
        [webhookId],
      )
      if (rows[0]?.state === 'sent') return this.#kill()
      await realSleep(LOOK_MS)
    }
  }

  async #waitForOrder(): Promise<void> {
    await this.#database.query('BEGIN')
    // Reading goes on; whoever would write an item waits.
    await this.#database.query('LOCK TABLE order_items IN SHARE MODE')
    while (this.#armed === 'before_commit') {
      const { rows } = await this.#database.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'order_items'::regclass AND NOT granted) AS waiting`,
      )
      if (rows[0]?.waiting) {
        await this.#kill({ andStart: false })
        await this.#database.query('ROLLBACK')
        return this.#hub.start()
      }
      await realSleep(LOOK_MS)
    }
    await this.#database.query('ROLLBACK')
  }
}
