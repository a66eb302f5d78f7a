import type { JobTemplate } from '#contracts'
import type { Clock, Logger, Random, SecretBox } from '#platform'
import type { Database } from '#store'
import type { BridgeChange } from './views.ts'

/** What the bridge is made of and who it tells. */
export interface BridgeOptions {
  db: Database
  /** Opens partner secrets and addresses, makes link tokens. */
  box: SecretBox
  /** Hub time: timers, expiries, retries. */
  clock: Clock
  random: Random
  logger: Logger
  /** Base of the links in events and notices, without a slash at the end. */
  publicUrl: string
  /** Lets webhooks go to loopback, over plain http too: development, demo and tests only. */
  allowLoopback?: boolean
  /** The catalog's job texts; a job it does not know is described from its rule. */
  jobTemplateOf?: (code: string) => JobTemplate | undefined
  /** Called after a commit that queued a control change, so that it enters the log at once. */
  nudgeControl?: () => void
  /** Called after every commit that changed something others may show (live events). */
  onChanged?: (change: BridgeChange) => void
  policy?: Partial<BridgePolicy>
  /** Real time one delivery attempt may take; 15 s. */
  attemptTimeoutMs?: number
  /** Real time by which the loop looks around although nobody called it; a test that wants no such help hands in one that stands. */
  pollClock?: Clock
  /** Replaces DNS where a test needs a name to change its mind. */
  resolveHost?: (host: string) => Promise<readonly string[]>
}

/** Numbers a brand or operator may want otherwise; the defaults say why in `policy.ts`. */
export interface BridgePolicy {
  settleMs: number
  offerTtlMs: number
  coolDownMs: number
  snoozeMsMax: number
  offersPerHome: number
  offersPerHomeWindowMs: number
  noticesPerHome: number
  noticesPerHomeWindowMs: number
  verificationMs: number
  siteAfterCloseMs: number
}
