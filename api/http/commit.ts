import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ControlChange } from '#contracts'
import { HubError, isHubError } from '#platform'
import { submitChange, submitChanges, type Tx, writeAudit } from '#store'
import { HUB } from '../keys.ts'
import type { RouteServices } from '../services.ts'
import type { Principal } from './access.ts'
import { type Done, idempotencyKey, oncePerKey } from './idempotency.ts'

/** Longest a call waits for its change to stand in the log; its socket waits meanwhile. */
const APPENDED_WITHIN_MS = 5_000

export interface Answer<Body> {
  status: number
  body: Body
}

export interface CommitOptions {
  /** `hub` where the work needs the operator's tables too: every query in it then names the brand itself. */
  scope?: 'hub'
}

/** One change under way: the transaction, who asked, and what goes with it. */
export interface Work {
  tx: Tx
  /** The brand whose rows these are; `hub` for the operator's. */
  brandId: string
  principal: Principal
  /** Hub time. */
  nowMs: number
  /** Queues what changes a decision; the call answers once it stands in the log. */
  change(change: ControlChange, changeId?: string): Promise<string>
  /** The same for many, in their order. */
  changeAll(changes: readonly ControlChange[]): Promise<void>
  /** A change that another folder queued in this transaction: the call answers once it stands in the log. */
  changed(changeId: string): void
  /** What the trail will say. Written at the end: it locks the brand's trail until the commit. */
  audit(action: string, subject: string, detail?: Record<string, unknown>): void
}

/**
 * Everything that changes something goes through here: one transaction holds the rows, the
 * control changes, the audit entries and the kept answer of the Idempotency-Key, so that a
 * crash leaves all or nothing. After the commit it waits until the log has taken the changes.
 */
export async function commit<Body>(
  services: RouteServices,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (work: Work) => Promise<Answer<Body>>,
  { scope }: CommitOptions = {},
): Promise<FastifyReply> {
  const principal = request.principal!
  const brandId = principal.brandId ?? HUB
  const nowMs = services.clock.nowMs()
  const key = idempotencyKey(request)
  const done = await inScope(services, scope === 'hub' ? HUB : brandId, async (tx) => {
    const once = (): Promise<Done> => perform(tx, { brandId, principal, nowMs }, work)
    return key === null ? once() : oncePerKey(tx, { request, brandId, key, box: services.box, nowMs }, once)
  })
  await inForce(services, done.changeIds)
  return reply.code(done.status).send(done.body)
}

async function perform(
  tx: Tx,
  { brandId, principal, nowMs }: { brandId: string; principal: Principal; nowMs: number },
  work: (work: Work) => Promise<Answer<unknown>>,
): Promise<Done> {
  // Made inside, because a transaction that met another is run again from its start.
  const changeIds: string[] = []
  const entries: { action: string; subject: string; detail: Record<string, unknown> }[] = []
  const { status, body } = await work({
    tx,
    brandId,
    principal,
    nowMs,
    async change(change, changeId) {
      const id = await submitChange(tx, { brandId, change, nowMs, ...(changeId === undefined ? {} : { changeId }) })
      changeIds.push(id)
      return id
    },
    changed: (changeId) => void changeIds.push(changeId),
    async changeAll(changes) {
      changeIds.push(...(await submitChanges(tx, { brandId, changes, nowMs })))
    },
    audit: (action, subject, detail = {}) => void entries.push({ action, subject, detail }),
  })
  for (const entry of entries) await writeAudit(tx, { brandId, atMs: nowMs, actor: principal.keyId, ...entry })
  return { status, body, changeIds }
}

function inScope<T>({ db }: RouteServices, brandId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return brandId === HUB ? db.asHub(work) : db.asBrand(brandId, work)
}

/** Added for each change beyond the first: the log takes a bulk of ten thousand in a few seconds. */
const APPENDED_PER_CHANGE_MS = 2

/**
 * Waits until the changes of one transaction stand in the log, and says how to look when they
 * do not in time. They enter in their order, so the last one speaks for all.
 */
export async function inForce(services: RouteServices, changeIds: readonly string[]): Promise<void> {
  const last = changeIds.at(-1)
  if (last === undefined) return
  const { control, appendedWithinMs = APPENDED_WITHIN_MS } = services
  control.nudge()
  await control.appended(last, appendedWithinMs + changeIds.length * APPENDED_PER_CHANGE_MS).catch((error: unknown) => {
    if (!isHubError(error, 'CONTROL_LOG_BEHIND')) throw error
    throw new HubError(
      'CONTROL_LOG_BEHIND',
      `The change is stored and queued as ${last}; it takes effect when the log has taken it. ` +
        `GET /api/changes/${last} says when. Send it again only under the same Idempotency-Key.`,
      { cause: error },
    )
  })
}
