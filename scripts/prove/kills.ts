import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { realClock, seededRandom } from '#platform'
import { openTown, type Temper, type Town } from '#simulators'
import { releaseHolds } from './brand-desk.ts'
import { KILL_POINTS, Killer, type KillPoint } from './killer.ts'
import { SLOW_KINDS, slowCatalog } from './slow-catalog.ts'
import type { Row } from './table.ts'
import type { TrialHub } from './trial-hub.ts'
import { CADENCE } from './year.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const STEP_MS = 2 * HOUR_MS
const DEVICES_PER_HOME = 1.5
/** A start of the hub on a busy machine, and some. */
const PATIENCE_MS = 180_000
/** After the last kill everything has to reach its receiver within this. */
const SETTLE_DAYS_MAX = 5

const TEMPER: Temper = { accept: 0.9, snooze: 0.04, decline: 0.02, myself: 0.1, cancels: 0.04, reschedules: 0.04 }

export interface KillsOptions {
  homes: number
  days: number
  kills: number
  seed: number
  onProgress?: (line: string) => void
  signal?: AbortSignal
}

export interface KillsResult {
  homes: number
  days: number
  seconds: number
  readings: number
  kills: Record<KillPoint, number>
  orders: number
  items: number
  deliveries: number
  /** Arrivals at partners beyond the first of each webhook id. */
  repeats: number
  failures: string[]
}

/** A month of homes in which the hub is killed again and again; then the partners' books are laid beside the hub's. */
export async function proveKills(hub: TrialHub, options: KillsOptions): Promise<KillsResult> {
  const { homes, days, seed, kills, onProgress } = options
  const startedMs = realClock.nowMs()
  const killer = new Killer(hub, seededRandom(seed).fork('killer'))
  await killer.connect()
  const habits = { rejects: 0.08, comesTwice: 0.05, repeatsItself: 0.05 }
  let town: Town | null = null
  try {
    town = await openTown({
      hubUrl: hub.httpUrl,
      mqttUrl: hub.mqttUrl,
      platformKey: hub.adminKey,
      seed,
      devices: Math.round(homes * DEVICES_PER_HOME),
      scenario: 'worn',
      categories: SLOW_KINDS,
      entries: slowCatalog(CADENCE.reportsMs),
      cadence: CADENCE,
      temper: TEMPER,
      patienceMs: PATIENCE_MS,
      partners: [
        { key: 'swift-repair', name: '快修到家 Swift Repair', habits, server: killer.atPartner },
        { key: 'home-masters', name: '居家师傅 Home Masters', habits, server: killer.atPartner },
      ],
      ...(options.signal ? { signal: options.signal } : {}),
    })
    const { brand } = town.setUp
    const day = (): number => (town!.clock.nowMs - town!.startMs) / DAY_MS
    // In runs of one of each, so that the fleet, which may not come back all at once, comes back after each run only.
    const plan = Array.from({ length: kills }, (_, i) => ({
      point: KILL_POINTS[i % KILL_POINTS.length]!,
      fromDay: 1 + (Math.floor(i / KILL_POINTS.length) * (days - 2) * KILL_POINTS.length) / kills,
    }))
    while (day() < days && !options.signal?.aborted) {
      const [next] = plan
      if (next && killer.armed === null && day() >= next.fromDay) {
        killer.arm(next.point)
        plan.shift()
      }
      const before = Math.floor(day())
      await town.step(STEP_MS)
      await hub.back()
      if (Math.floor(day()) === before) continue
      await releaseHolds(brand)
      onProgress?.(
        `day ${Math.floor(day())}: ${hub.kills} kills, ${ordersOf(town)} orders, ${secondsSince(startedMs)} s`,
      )
    }
    const missing = plan.length + (killer.armed === null ? 0 : 1)
    await killer.disarm()
    const settledBy = day() + SETTLE_DAYS_MAX
    while (day() < settledBy && (await waiting(killer.database)) > 0) await town.step(STEP_MS)

    const { failures, ...counts } = await compareBooks(killer.database, town)
    if (missing > 0) failures.push(`${missing} of ${kills} kills did not come about: the trial is too short for them`)
    if (counts.orders === 0) failures.push('no order came about: the trial shows nothing')
    return {
      homes,
      days: Math.round(day()),
      seconds: secondsSince(startedMs),
      readings: town.fleet.counts().readingsAcknowledged,
      kills: killer.done,
      ...counts,
      failures,
    }
  } finally {
    await killer.close()
    await town?.close()
  }
}

function ordersOf(town: Town): number {
  return town.partners.reduce((sum, { ledger }) => sum + ledger.orders.size, 0)
}

function secondsSince(startedMs: number): number {
  return Math.round((realClock.nowMs() - startedMs) / 1_000)
}

async function waiting(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `SELECT count(*) FROM deliveries WHERE destination_kind = 'partner' AND state IN ('pending', 'sending')`,
  )
  return Number(rows[0]!.count)
}

/** Every order, item and webhook id of the hub's tables against what the partners wrote down. */
export async function compareBooks(
  database: pg.Client,
  town: Pick<Town, 'partners'>,
): Promise<Pick<KillsResult, 'orders' | 'items' | 'deliveries' | 'repeats' | 'failures'>> {
  const failures = town.partners.flatMap(({ ledger }) => [...ledger.violations, ...ledger.neverCancelled()])
  const orders = await database.query<{ id: string; number: string; partner: string; packet: unknown }>(
    'SELECT work_order_id AS id, number, partner_key AS partner, packet FROM work_orders',
  )
  const items = await database.query<{ id: string; item: string; caseId: string; live: boolean }>(
    'SELECT work_order_id AS id, item_id AS item, case_id AS "caseId", live FROM order_items',
  )
  const sent = await database.query<{ id: string; type: string; subject: string; partner: string; state: string }>(
    `SELECT delivery_id AS id, type, subject, destination_id AS partner, state FROM deliveries
      WHERE destination_kind = 'partner'`,
  )
  const known = new Map(orders.rows.map((order) => [order.id, order]))
  for (const order of orders.rows)
    for (const { key, ledger } of town.partners) {
      const held = ledger.orders.get(order.id)
      if (key !== order.partner) {
        if (held) failures.push(`${order.number} is ${order.partner}'s and stands in the book of ${key}`)
      } else if (!held) failures.push(`${order.number} never reached ${key}`)
      else if (!isDeepStrictEqual(held.packet, order.packet)) failures.push(`${order.number} reads otherwise at ${key}`)
    }
  for (const { key, ledger } of town.partners)
    for (const order of ledger.orders.values()) {
      if (!known.has(order.id)) failures.push(`${key} has ${order.number}, of which the hub knows nothing`)
      const its = items.rows.filter((one) => one.id === order.id)
      const [mine, theirs] = [its, order.packet.items.map((one) => ({ item: one.id, caseId: one.caseId }))]
      if (
        mine.length !== theirs.length ||
        theirs.some((one) => !mine.some((it) => it.item === one.item && it.caseId === one.caseId))
      )
        failures.push(`${order.number} has other items at ${key}`)
    }
  const live = items.rows.filter((one) => one.live).map((one) => one.caseId)
  if (new Set(live).size !== live.length) failures.push('a case has two live items')

  const created = sent.rows.filter((one) => one.type === `${EVENT_TYPE_PREFIX}work_order.created`)
  if (new Set(created.map((one) => one.subject)).size !== created.length)
    failures.push('an order has two webhook ids for its creation')
  const ids = new Map(sent.rows.map((one) => [one.id, one]))
  let repeats = 0
  for (const { key, arrivals } of town.partners)
    for (const [id, { times, bodies, type }] of arrivals) {
      repeats += times - 1
      const delivery = ids.get(id)
      if (!delivery || delivery.type !== type) failures.push(`${key} got ${type} under an id the hub does not know`)
      if (bodies.size > 1) failures.push(`${key} got ${bodies.size} different bodies under one id`)
    }
  const arrived = new Set(town.partners.flatMap(({ arrivals }) => [...arrivals.keys()]))
  for (const one of sent.rows) {
    if (one.state === 'sent' && !arrived.has(one.id)) failures.push(`${one.type} was marked as sent and never arrived`)
    if (one.state === 'pending' || one.state === 'sending') failures.push(`${one.type} still waits to be sent`)
  }
  return { orders: orders.rows.length, items: items.rows.length, deliveries: sent.rows.length, repeats, failures }
}

export function killsRows(result: KillsResult): Row[] {
  return [
    ['homes, days', result.homes, result.days],
    ...KILL_POINTS.map((point): Row => [`kill -9 ${point.replaceAll('_', ' ')}`, result.kills[point]]),
    ['orders in the hub, each at its one partner', result.orders],
    ['items', result.items],
    ['events to partners', result.deliveries],
    ['… that came again, under the same id', result.repeats],
    ['readings acknowledged', result.readings],
    ['differences between the books', result.failures.length],
    ['real time, s', result.seconds],
  ]
}
