import { createServer } from 'node:net'
import { join } from 'node:path'
import { createApi, createChangeFeed, createCommandKey, createFirstAdmin, createProvision, sealHomeRefs } from '#api'
import type { Broker, ListenerKind } from '#broker'
import { jobTemplate } from '#catalog'
import { createRetention } from '#pipeline'
import {
  type Clock,
  createLogger,
  HubError,
  type Logger,
  type LogStream,
  realSleep,
  SecretBox,
  systemClock,
  systemRandom,
  toError,
} from '#platform'
import {
  type BridgePolicy,
  createServiceBridge,
  forgetEffects,
  type ServiceBridge,
  sealReportRefs,
} from '#service-bridge'
import {
  type Database,
  forgetOldControlRecords,
  forgetOldDeliveries,
  forgetOldIdempotencyKeys,
  forgetOldReceipts,
  forgetOldSnapshots,
  readFact,
  writeFact,
} from '#store'
import type { HubConfig } from './config.ts'
import { openDataDir } from './data-dir.ts'
import { announceStart } from './hub-life.ts'
import { createMetrics, measureHub } from './hub-metrics.ts'
import { openDatabasePart } from './parts/database-part.ts'
import { createEdgeBroker, createEdgeIngest } from './parts/edge-part.ts'
import { type LogPart, openLogPart, ownsLog } from './parts/log-part.ts'
import { readinessOf } from './readiness.ts'
import { checkSecretKey } from './secret-key-check.ts'
import { settle } from './settle.ts'
import { SteppedClock } from './stepped-clock.ts'
import { version } from './version.ts'

export interface HubAddresses {
  /** Where the API answers on this machine. */
  httpUrl: string
  mqttUrl: string
  /** Every MQTT listener by kind. */
  listeners: Partial<Record<ListenerKind, string>>
}

export interface Hub {
  readonly addresses: HubAddresses
  /** The administrator's key when this start made it; never again. */
  readonly newAdminKey: string | null
  /** Resolves when the hub cannot go on: stop it and end with this error. Never rejects. */
  readonly failed: Promise<Error>
  /** A short-lived admin key of a brand, for a command that opened this hub; see `createCommandKey`. */
  brandKey(brand?: string): Promise<string>
  /** Everything at rest at the present hub time. */
  settle(): Promise<void>
  /** Stops taking, finishes what was taken, closes. Nothing acknowledged is lost; may be called twice. */
  stop(): Promise<void>
}

export interface HubOptions {
  logger?: Logger
  /** Where the log of the hub and its threads goes; standard output when absent. */
  logTo?: LogStream
  /** Other numbers for the service loop than its own; for tests and benchmarks. */
  policy?: Partial<BridgePolicy>
}

/** Consumers get this long to finish what is in the log when the hub stops; the rest waits for the next start. */
const DRAIN_MS = 10_000

/**
 * Starts the hub by its roles: data folder, database, log, what follows the log, then the ways in,
 * so that nothing is taken before it can be dealt with. A start that fails closes what it had opened.
 */
export async function startHub(config: HubConfig, options: HubOptions = {}): Promise<Hub> {
  const parts = new AsyncDisposableStack()
  try {
    return await open(config, options, parts)
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}

async function open(config: HubConfig, options: HubOptions, parts: AsyncDisposableStack): Promise<Hub> {
  const { roles } = config
  const { logTo = 'stdout', logger = createLogger(config.logLevel, logTo), policy = {} } = options
  for (const warning of config.warnings) logger.warn(warning)
  const failure = Promise.withResolvers<Error>()
  let stopping = false

  const dataDir = openDataDir(config.dataDir, config.secretKey)
  parts.defer(() => dataDir.release())
  const httpPort = await freePort(config.http)
  const httpUrl = `http://${reachable(config.http.host)}:${httpPort}`
  const publicUrl = config.http.publicUrl ?? httpUrl
  const box = new SecretBox(dataDir.secretKey)
  const stepped =
    config.timeScale > 1 ? new SteppedClock({ startMs: systemClock.nowMs(), scale: config.timeScale }) : null
  const clock: Clock = stepped ?? systemClock
  const database = await openDatabasePart(config, logger)
  parts.defer(() => database.stop())
  const { db } = database
  await checkSecretKey(db, dataDir.secretKey, systemClock.nowMs())
  await sealHomeRefs(db, box)
  await sealReportRefs(db, box)

  // Some of these are told of each other's doings before all of them exist.
  let logPart: LogPart | null = null
  let broker: Broker | null = null
  const dropSessions = (whose: Parameters<Broker['dropSessions']>[0]): void => {
    broker?.dropSessions(whose).catch((error) => logger.warn({ err: error, ...whose }, 'sessions stay open'))
  }
  const changes = createChangeFeed()
  const bridge = createServiceBridge({
    db,
    box,
    clock,
    random: systemRandom,
    logger,
    publicUrl,
    allowLoopback: config.allowLoopback,
    jobTemplateOf: jobTemplate,
    policy,
    nudgeControl: () => logPart?.appender.nudge(),
    onChanged: (change) => changes.publish(change),
  })
  if (ownsLog(config)) {
    logPart = await openLogPart(
      {
        config,
        database,
        clock,
        stepped: stepped !== null,
        secretKey: dataDir.secretKey,
        publicUrl,
        policy,
        logger,
        logTo,
        events: {
          onEffects: () => bridge.nudge(),
          onChanged: (change) => changes.publish(change),
          onRemoved: (deviceId) => dropSessions({ deviceId }),
          onRevoked: (credentialId) => dropSessions({ credentialId }),
          onFatal: (thrown) => failure.resolve(toError(thrown)),
        },
      },
      parts,
    )
    stepped?.startAt(logPart.log.nowMs())
    await announceStart({ db, ...logPart, clock, logger })
  }
  const settleAll = (): Promise<void> => settleHub(logPart, roles.has('bridge') ? bridge : null)
  stepped?.attach({
    tick: async () => void (await logPart?.log.append([{ kind: 'tick' }])),
    settle: settleAll,
    nextDueMs: async () => (roles.has('bridge') ? bridge.nextDueMs() : null),
  })
  const admin = await createFirstAdmin(db, { clock, ...(config.adminKey === null ? {} : { key: config.adminKey }) })

  // Closed in the opposite order: first the ways in, then the service loop; then whoever follows the log has
  // finished it, and only then the followers end.
  if (logPart) parts.defer(() => drain(logPart))
  if (roles.has('bridge')) {
    bridge.start()
    parts.defer(() => bridge.stop())
  }
  if (logPart) {
    const { log, directory, appender, liveTail, record, rules } = logPart
    const retention = createRetention({
      ...retentionOf(logPart, db),
      clock,
      logger,
      tick: stepped ? 'hub-time' : 'cron',
    })
    retention.start()
    parts.defer(() => retention.stop())

    const ingest = createEdgeIngest({ log, directory })
    const provision = createProvision({ db, clock, control: appender, bridge })
    const edge = createEdgeBroker({ config, log, directory, db, clock, logger, ingest, provision })
    if (roles.has('edge')) {
      broker = edge
      parts.defer(() => edge.close())
      await edge.start()
    }
    if (roles.has('api') && record) {
      const metrics = createMetrics()
      measureHub(metrics, { ...logPart, db, logDir: config.logDir, ingest, broker: edge })
      const api = await createApi({
        db,
        box,
        clock,
        logger,
        version: version(),
        publicUrl,
        control: appender,
        directory,
        ingest,
        history: record.history,
        backtests: logPart.backtests,
        conditions: rules ? (filter) => rules.views(filter) : null,
        broker: edge,
        bridge,
        liveTail,
        changes,
        readiness: () => readinessOf({ db, ...logPart, clock, stopping: () => stopping }),
        metrics,
        steppedClock: stepped,
        trustProxy: config.proxyProtocol.length > 0 ? [...config.proxyProtocol] : false,
        pagesDir: join(import.meta.dirname, '..', 'console', 'pages'),
      })
      parts.defer(() => api.close())
      await api.listen({ port: httpPort, host: config.http.host })
    }
  }

  const addresses = addressesOf(broker?.addresses() ?? {}, { httpUrl: roles.has('api') ? httpUrl : '' })
  dataDir.publish({ pid: process.pid, httpUrl: addresses.httpUrl, mqttUrl: addresses.mqttUrl })
  let stopped: Promise<void> | null = null
  return {
    addresses,
    newAdminKey: config.adminKey === null ? (admin?.key ?? null) : null,
    failed: failure.promise,
    brandKey: async (brand) => (await createCommandKey(db, { clock, brand })).key,
    settle: settleAll,
    stop() {
      stopping = true
      stopped ??= parts.disposeAsync()
      return stopped
    },
  }
}

function settleHub(logPart: LogPart | null, bridge: ServiceBridge | null): Promise<void> {
  if (!logPart) return bridge?.idle() ?? Promise.resolve()
  const { log, appender, rules, record } = logPart
  const consumers = [rules, record].filter((consumer) => consumer !== null)
  return settle({ headSeq: () => log.headSeq(), consumers, appender, bridge })
}

async function drain({ log, rules, record }: LogPart): Promise<void> {
  const head = log.headSeq()
  const done = Promise.all([rules?.caughtUp(head), record?.caughtUp(head)]).catch(() => undefined)
  const late = new AbortController()
  await Promise.race([done, realSleep(DRAIN_MS, late.signal)])
  late.abort()
}

function retentionOf({ log, rules, record }: LogPart, db: Database) {
  return {
    log,
    // What runs in no process now will want the log from where it stood.
    keptThrough: async () => [(await rules?.position())?.stateSeq ?? 0, (await record?.status())?.safeSeq ?? 0],
    daily: [
      async (nowMs: number) => record?.history.tidy(nowMs),
      (nowMs: number) => db.asHub((tx) => forgetOldControlRecords(tx, nowMs)),
      (nowMs: number) => db.asHub((tx) => forgetOldSnapshots(tx, nowMs)),
      (nowMs: number) => db.asHub((tx) => forgetOldIdempotencyKeys(tx, nowMs)),
      (nowMs: number) => db.asHub((tx) => forgetOldReceipts(tx, nowMs)),
      async (nowMs: number) => void (await forgetOldDeliveries(db, nowMs)),
      async () => {
        const stateSeq = (await rules?.position())?.stateSeq ?? 0
        await db.asHub((tx) => forgetEffects(tx, stateSeq))
      },
    ],
    lastDaily: {
      read: () => db.asHub((tx) => readFact<number>(tx, 'tidied_at')),
      write: (atMs: number) => db.asHub((tx) => writeFact(tx, 'tidied_at', atMs, atMs)),
    },
  }
}

const SCHEMES: Record<ListenerKind, string> = { tcp: 'mqtt', tls: 'mqtts', websocket: 'ws' }

function addressesOf(
  bound: Partial<Record<ListenerKind, { host: string; port: number }>>,
  { httpUrl }: { httpUrl: string },
): HubAddresses {
  const listeners: HubAddresses['listeners'] = {}
  for (const [kind, { host, port }] of Object.entries(bound) as [ListenerKind, { host: string; port: number }][])
    listeners[kind] = `${SCHEMES[kind]}://${reachable(host)}:${port}`
  return { httpUrl, mqttUrl: listeners.tcp ?? '', listeners }
}

/** An address to connect to, of one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** Links need the port before anything listens; and a taken one should be told before everything is started. */
function freePort({ port, host }: { port: number; host: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new HubError('PORT_IN_USE', `Port ${port} of ${host} is taken. Set HUB_HTTP_PORT to another.`, { cause })
          : new HubError('CONFIG_INVALID', `HUB_HTTP_HOST ${host} cannot be listened on: ${cause.message}.`, { cause }),
      ),
    )
    probe.listen(port, host, () => {
      const bound = probe.address()
      probe.close(() => resolve(typeof bound === 'object' && bound ? bound.port : port))
    })
  })
}
