import type { JobTemplate } from '#contracts'
import type { Clock, Logger, Random, SecretBox } from '#platform'
import type { Database, Tx } from '#store'
import type { BridgePolicy } from './bridge-options.ts'
import type { Exchange, OutgoingMessage } from './delivery/send.ts'
import type { Actor, BridgeChange } from './views.ts'

/** What every part of the bridge works with; made once, by `createServiceBridge`. */
export interface Core {
  readonly db: Database
  readonly box: SecretBox
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly publicUrl: string
  readonly policy: BridgePolicy
  jobTemplateOf(code: string): JobTemplate | undefined
  /** A signed POST whose answer is read, through the address guard; never throws. */
  exchange(message: OutgoingMessage): Promise<Exchange>
  /** Tells those outside what was committed, and wakes the loop. */
  committed(work: Work): void
}

/** One transaction on behalf of one brand, with what has to be told once it is committed. */
export interface Work {
  readonly tx: Tx
  readonly brandId: string
  /** Hub time of the whole of it. */
  readonly atMs: number
  readonly changes: BridgeChange[]
  /** A control change was queued: the appender should look. */
  control: boolean
}

export const THE_HUB: Actor = { kind: 'hub', id: null }
/** Whoever holds the offer's link. */
export const THE_HOME: Actor = { kind: 'homeowner', id: null }

export function beginWork(tx: Tx, brandId: string, atMs: number): Work {
  return { tx, brandId, atMs, changes: [], control: false }
}

/** `body` in a transaction that sees this brand only; after the commit the rest of the hub is told. */
export async function inBrand<T>(core: Core, brandId: string, body: (work: Work) => Promise<T>): Promise<T> {
  let work: Work | undefined
  const result = await core.db.asBrand(brandId, (tx) => {
    work = beginWork(tx, brandId, core.clock.nowMs())
    return body(work)
  })
  if (work) core.committed(work)
  return result
}

/** The same in hub scope, where operator's tables are in reach: every query names its brand itself. */
export async function inHub<T>(core: Core, brandId: string, body: (work: Work) => Promise<T>): Promise<T> {
  let work: Work | undefined
  const result = await core.db.asHub((tx) => {
    work = beginWork(tx, brandId, core.clock.nowMs())
    return body(work)
  })
  if (work) core.committed(work)
  return result
}

export function note(work: Work, type: string, subject: string): void {
  work.changes.push({ brandId: work.brandId, type, subject, atMs: work.atMs })
}
