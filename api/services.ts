import type { Registry } from 'prom-client'
import type { Broker } from '#broker'
import type { InstanceView } from '#contracts'
import type { Ingest } from '#ingest'
import type { Backtests, ControlAppender, DeviceDirectory, LiveTail } from '#pipeline'
import type { Clock, Logger, SecretBox } from '#platform'
import type { ViewFilter } from '#rules'
import type { ServiceBridge } from '#service-bridge'
import type { Database, HistoryStore } from '#store'
import type { ChangeFeed } from './change-feed.ts'
import type { KeyCheck } from './http/key-check.ts'
import type { RateLimit } from './http/rate-limit.ts'

/** One part of the hub and whether it does its work. */
export interface PartReadiness {
  part: string
  ready: boolean
  code?: string
  reason?: string
}

/** Moves hub time, where it is moved by hand (demo and tests). */
export interface SteppableClock {
  nowMs(): number
  /** Resolves with the hub time reached once everything due on the way has been done. */
  stepTo(toMs: number): Promise<number>
}

export interface ApiLimits {
  /** Before any lookup, valid key or not. A gateway of the brand's cloud has one address. */
  perAddress: RateLimit
  perKey: RateLimit
  /** Sockets open at once; beyond it new ones are closed. */
  connectionsMax: number
  /** Live event streams of one brand, and of all. */
  streamsPerBrand: number
  streams: number
}

export const DEFAULT_LIMITS: ApiLimits = {
  perAddress: { perSecond: 200, burst: 1_000 },
  perKey: { perSecond: 100, burst: 500 },
  connectionsMax: 5_000,
  streamsPerBrand: 50,
  streams: 400,
}

/** Everything the HTTP side needs of the hub, handed in by `app/`. */
export interface ApiServices {
  db: Database
  box: SecretBox
  /** Hub time. */
  clock: Clock
  logger: Logger
  /** Version of the package, for the API's description. */
  version: string
  /** Base of links, without a slash at the end. */
  publicUrl: string
  control: Pick<ControlAppender, 'nudge' | 'appended'>
  directory: DeviceDirectory
  ingest: Ingest
  /** How conditions stand now; `null` where rules run in another process. */
  conditions: ((filter: ViewFilter) => Promise<readonly InstanceView[]>) | null
  history: Pick<HistoryStore, 'range' | 'downsample' | 'last' | 'lastMessages'>
  /** Rules played over history; `null` where none is kept in this process. */
  backtests: Backtests | null
  broker: Pick<Broker, 'sendCommand' | 'dropSessions'>
  bridge: ServiceBridge
  liveTail: Pick<LiveTail, 'subscribe'>
  /** Fed by the bridge's `onChanged`. */
  changes: Pick<ChangeFeed, 'subscribe'>
  readiness(): Promise<readonly PartReadiness[]>
  metrics: Registry
  /** `null`: hub time is real time and nobody may move it. */
  steppedClock: SteppableClock | null
  /** Where the homeowner's and technician's pages lie; `null` serves none. */
  pagesDir: string | null
  /** Addresses of balancers whose X-Forwarded-For is believed. */
  trustProxy?: string[] | false
  /** Longest a call waits for its change to take its place in the log. */
  appendedWithinMs?: number
  limits?: Partial<ApiLimits>
}

/** What the routes get: the services and what the server made of them. */
export interface RouteServices extends ApiServices {
  keys: KeyCheck
}
