import { sql } from 'kysely'
import { realClock } from '#platform'
import { HUB_BRAND, type Tx, writeAudit } from '#store'
import { HELD_BY_GATE } from '../cases/gate-calls.ts'
import { flagOrderReview } from '../cases/review.ts'
import type { Core } from '../core.ts'
import { beginWork, note } from '../core.ts'
import { admission, afterFailure, afterSuccess } from './breaker.ts'
import { heldByGate, heldByNight } from './delivery-gate.ts'
import { type Destination, destinationKey, disable, readDestination, writeBreaker } from './destination.ts'
import { cancelAll, change, type Delivery, type Place, readBreaker, wasCancelled } from './outbox.ts'
import { nextPauseMs } from './retry-schedule.ts'
import type { OutgoingMessage } from './send.ts'
import { type Answer, verdictOf } from './verdict.ts'

/** Attempts in flight to one endpoint: enough to keep up, few enough not to press a receiver. */
const PER_DESTINATION = 4
/**
 * A claim that was not settled by then belongs to a process that died: the same body goes out
 * again under the same id. Longer than any attempt can take.
 */
export const CLAIM_MS = 60_000
/** A held delivery is looked at again this often; opening the gate makes it due at once. */
const GATE_RECHECK_MS = 3_600_000

export interface DeliveryEngine {
  /** Starts every attempt that is due at these places and has room there; how many it started. */
  startDue(destinations: readonly Place[]): Promise<number>
  inFlight(): number
  /** Resolves when one of the attempts in flight has been settled. */
  settled(): Promise<void>
  /** Those in flight, by their ids. */
  flying(): readonly string[]
}

export type Send = (message: OutgoingMessage) => Promise<Answer>

/**
 * Takes events from the outbox to their endpoints. Each attempt is claimed, sent and settled
 * in transactions of its own, so that a crash at any point leads to the same `webhook-id` again.
 */
export function createDeliveryEngine(core: Core, send: Send): DeliveryEngine {
  const flying = new Map<string, Promise<void>>()
  const perDestination = new Map<string, number>()

  async function startDue(destinations: readonly Place[]): Promise<number> {
    const atMs = core.clock.nowMs()
    let started = 0
    for (const place of destinations) {
      const key = destinationKey(place.kind, place.id)
      const free = PER_DESTINATION - (perDestination.get(key) ?? 0)
      if (free <= 0) continue
      const claimed = await core.db.asHub((tx) => claim(tx, place, free, atMs))
      for (const { delivery, destination, probe } of claimed) {
        perDestination.set(key, (perDestination.get(key) ?? 0) + 1)
        started++
        const flight = attempt(delivery, destination, probe)
          .catch((error) =>
            core.logger.error(
              { err: error, delivery: delivery.delivery_id },
              'a delivery attempt could not be settled',
            ),
          )
          .finally(() => {
            flying.delete(delivery.delivery_id)
            perDestination.set(key, (perDestination.get(key) ?? 1) - 1)
          })
        flying.set(delivery.delivery_id, flight)
      }
    }
    return started
  }

  interface Claimed {
    delivery: Delivery
    destination: Destination
    probe: boolean
  }

  async function claim(tx: Tx, place: Place, free: number, atMs: number): Promise<Claimed[]> {
    const destination = await readDestination(tx, core.box, place, atMs)
    if (!destination || destination.url === null) {
      await cancelAll(tx, place, destination ? 'the partner polls' : 'the endpoint no longer exists')
      return []
    }
    if (destination.disabled) return []
    const admitted = admission(destination.breaker, atMs)
    if (admitted.admit === 'wait') return []
    const probe = admitted.admit === 'probe'
    // One attempt at a time finds out whether the endpoint is back.
    if (probe && (perDestination.get(destinationKey(place.kind, place.id)) ?? 0) > 0) return []
    let due = tx
      .selectFrom('deliveries')
      .selectAll()
      .where('state', 'in', ['pending', 'sending'])
      .where('destination_kind', '=', place.kind)
      .where('destination_id', '=', place.id)
      .where('next_at_ms', '<=', atMs)
    if (place.kind === 'brand') due = due.where('brand_id', '=', place.brandId)
    if (flying.size > 0) due = due.where('delivery_id', 'not in', [...flying.keys()])
    const rows = await due
      .orderBy('next_at_ms')
      .orderBy('created_at_ms')
      .orderBy('subject_sequence')
      .limit(probe ? 1 : free)
      .forUpdate()
      .skipLocked()
      .execute()
    const claimed: Claimed[] = []
    for (const delivery of rows) {
      if (await heldByGate(tx, delivery)) {
        await change(tx, delivery, { next_at_ms: atMs + GATE_RECHECK_MS, last_error: HELD_BY_GATE })
        continue
      }
      const nightOverMs = await heldByNight(tx, delivery, atMs)
      if (nightOverMs !== null) {
        await change(tx, delivery, { next_at_ms: nightOverMs, last_error: 'quiet hours of the home' })
        continue
      }
      await change(tx, delivery, {
        state: 'sending',
        next_at_ms: atMs + CLAIM_MS,
        first_tried_at_ms: delivery.first_tried_at_ms ?? atMs,
      })
      claimed.push({ delivery, destination, probe })
    }
    return claimed
  }

  async function attempt(delivery: Delivery, destination: Destination, probe: boolean): Promise<void> {
    const startedAtMs = core.clock.nowMs()
    const startedReal = realClock.nowMs()
    const answer = await send({
      url: destination.url!,
      id: delivery.delivery_id,
      body: delivery.body,
      secrets: destination.secrets,
    })
    const durationMs = Math.max(0, realClock.nowMs() - startedReal)
    const atMs = core.clock.nowMs()
    const work = await core.db.asHub(async (tx) => {
      const done = beginWork(tx, delivery.brand_id, atMs)
      await settle(tx, done, { delivery, destination, probe, answer, startedAtMs, durationMs, atMs })
      return done
    })
    core.committed(work)
  }

  async function settle(
    tx: Tx,
    work: ReturnType<typeof beginWork>,
    outcome: Claimed & { answer: Answer; startedAtMs: number; durationMs: number; atMs: number },
  ): Promise<void> {
    const { delivery, destination, answer, atMs } = outcome
    const verdict = verdictOf(answer, realClock.nowMs())
    const error = verdict.outcome === 'sent' ? null : verdict.reason
    const status = answer.kind === 'answered' ? answer.status : null
    const attempted = tx.insertInto('delivery_attempts').values({
      brand_id: delivery.brand_id,
      delivery_id: delivery.delivery_id,
      attempt: sql<number>`(SELECT coalesce(max(attempt), 0) + 1 FROM delivery_attempts
          WHERE brand_id = ${delivery.brand_id} AND delivery_id = ${delivery.delivery_id})`,
      started_at_ms: outcome.startedAtMs,
      duration_ms: outcome.durationMs,
      status,
      error,
    })
    if (verdict.outcome === 'sent') {
      // Nothing is locked for good news: attempts to one endpoint would wait for one another.
      const [, present] = await Promise.all([
        attempted.execute(),
        readBreaker(tx, destination),
        change(tx, delivery, {
          state: 'sent',
          sent_at_ms: atMs,
          attempts: delivery.attempts + 1,
          last_status: status,
          last_error: null,
        }),
      ])
      if (present.failures > 0 || present.openedAtMs !== null) await writeBreaker(tx, destination, afterSuccess())
      note(work, 'delivery.sent', delivery.delivery_id)
      return
    }
    // Read again under lock: other attempts to the same endpoint may have been settled meanwhile.
    const [, present] = await Promise.all([attempted.execute(), readBreaker(tx, destination, { lock: true })])
    await writeBreaker(tx, destination, afterFailure(present, atMs))
    if (verdict.outcome === 'disable') {
      await disable(tx, destination, atMs, verdict.reason)
      await bury(tx, work, delivery, { attempts: delivery.attempts + 1, status, error })
      note(work, 'endpoint.disabled', destination.id)
      core.logger.warn(
        { destination: destination.id, kind: destination.kind },
        'an endpoint answered 410 and was disabled',
      )
      return
    }
    // Called back while it was under way: it did not arrive, and is not tried again.
    if (await wasCancelled(tx, delivery)) return
    // A probe finds out about the endpoint; it is not one of the delivery's own attempts.
    const attempts = delivery.attempts + (outcome.probe ? 0 : 1)
    const pauseMs = outcome.probe ? 0 : nextPauseMs(attempts, core.random)
    if (pauseMs === null) return bury(tx, work, delivery, { attempts, status, error })
    await change(tx, delivery, {
      state: 'pending',
      attempts,
      // What the receiver asked for goes before our own schedule.
      next_at_ms: atMs + (verdict.afterMs ?? pauseMs),
      last_status: status,
      last_error: error,
    })
  }

  /** All attempts are used up: a dead letter, visible and never silent. */
  async function bury(
    tx: Tx,
    work: ReturnType<typeof beginWork>,
    delivery: Delivery,
    last: { attempts: number; status: number | null; error: string | null },
  ): Promise<void> {
    await change(tx, delivery, {
      state: 'dead',
      dead_at_ms: work.atMs,
      attempts: last.attempts,
      last_status: last.status,
      last_error: last.error,
    })
    note(work, 'delivery.dead', delivery.delivery_id)
    core.logger.warn(
      { delivery: delivery.delivery_id, type: delivery.type, error: last.error },
      'a delivery became a dead letter',
    )
    if (delivery.brand_id === HUB_BRAND) return
    if (delivery.destination_kind === 'partner' && delivery.subject.startsWith('wo_')) {
      await flagOrderReview(core, work, delivery.subject, 'the partner could not be reached')
    }
    await writeAudit(tx, {
      brandId: delivery.brand_id,
      atMs: work.atMs,
      actor: 'hub',
      action: 'delivery.died',
      subject: delivery.delivery_id,
      detail: { type: delivery.type, destination: delivery.destination_id, attempts: last.attempts, error: last.error },
    })
  }

  return {
    startDue,
    inFlight: () => flying.size,
    async settled() {
      if (flying.size > 0) await Promise.race(flying.values())
    },
    flying: () => [...flying.keys()],
  }
}
