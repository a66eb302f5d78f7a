import { createServer } from 'node:net'
import { join } from 'node:path'
import { createApi, createChangeFeed, createFirstAdmin, createProvision } from '#api'
import type { ListenerKind } from '#broker'
import { jobTemplate } from '#catalog'
import { openLogReader, openTelemetryLog } from '#ingest'
import { createControlAppender, createDirectory, createLiveTail, createRetention } from '#pipeline'
import {
  type Clock,
  createLogger,
  HubError,
  type Logger,
  realSleep,
  SecretBox,
  systemClock,
  systemRandom,
  toError,
} from '#platform'
import { type BridgePolicy, createServiceBridge } from '#service-bridge'
import { forgetOldIdempotencyKeys, forgetOldReceipts, readFact, writeFact } from '#store'
import type { HubConfig } from './config.ts'
import { openDataDir } from './data-dir.ts'
import { announceStart } from './hub-life.ts'
import { createMetrics, measureHub } from './hub-metrics.ts'
import { openDatabasePart } from './parts/database-part.ts'
import { createEdgeBroker, createEdgeIngest } from './parts/edge-part.ts'
import { startRecordHere, startRecordThread } from './parts/record-part.ts'
import { startRulesHere, startRulesThread } from './parts/rules-part.ts'
import type { RecordSettings, RulesSettings } from './parts/settings.ts'
import { readinessOf } from './readiness.ts'
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
  /** Everything at rest at the present hub time. */
  settle(): Promise<void>
  /** Stops taking, finishes what was taken, closes. Nothing acknowledged is lost; may be called twice. */
  stop(): Promise<void>
}

export interface HubOptions {
  logger?: Logger
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
  const { logger = createLogger(config.logLevel), policy = {} } = options
  for (const warning of config.warnings) logger.warn(warning)
  const failure = Promise.withResolvers<Error>()
  const onFatal = (thrown: unknown): void => failure.resolve(toError(thrown))
  let stopping = false

  const dataDir = openDataDir(config.dataDir, config.secretKey)
  parts.defer(() => dataDir.release())
  const httpPort = await freePort(config.http)
  const publicUrl = config.http.publicUrl ?? `http://${reachable(config.http.host)}:${httpPort}`
  const box = new SecretBox(dataDir.secretKey)
  const stepped =
    config.timeScale > 1 ? new SteppedClock({ startMs: systemClock.nowMs(), scale: config.timeScale }) : null
  const clock: Clock = stepped ?? systemClock

  const database = await openDatabasePart(config, logger)
  parts.defer(() => database.stop())
  const { db } = database

  const log = await openTelemetryLog({
    dir: config.logDir,
    clock,
    logger,
    diskReserveBytes: config.diskReserveBytes,
    // Stepped time puts its own ticks into the log.
    ...(stepped ? { idleTickMs: null } : {}),
    onFatal,
  })
  parts.defer(() =>
    log.close().catch((error) => logger.error({ err: toError(error) }, 'the log did not close cleanly')),
  )
  stepped?.startAt(log.nowMs())
  const reader = openLogReader({ dir: config.logDir })
  parts.defer(() => reader.close())

  const liveTail = createLiveTail({ reader, logger })
  parts.defer(() => liveTail.stop())
  const changes = createChangeFeed()
  const directory = createDirectory({ db, onRemoved: (deviceId) => void drop(deviceId) })
  const drop = (deviceId: string): Promise<unknown> =>
    broker
      .dropSessions({ deviceId })
      .catch((error) => logger.warn({ err: error, deviceId }, 'sessions were not dropped'))
  await directory.load()
  const appender = createControlAppender({
    db,
    log,
    clock,
    logger,
    onAppended: (records) => directory.learn(records),
  })

  const shared = { logDir: config.logDir, databaseUrl: database.appUrl, logLevel: config.logLevel }
  const recordSettings: RecordSettings = {
    ...shared,
    history: config.influx
      ? { kind: 'influx', ...config.influx }
      : { kind: 'duckdb', dir: join(config.dataDir, 'history') },
    eager: stepped !== null,
  }
  const rulesSettings: RulesSettings = {
    ...shared,
    secretKey: dataDir.secretKey,
    publicUrl,
    allowLoopback: config.allowLoopback,
    policy,
  }
  const record = stepped
    ? await startRecordHere(recordSettings, { db, logger }, { onFatal })
    : await startRecordThread(recordSettings, { onFatal })
  parts.defer(() => record.stop())

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
    nudgeControl: () => appender.nudge(),
    onChanged: (change) => changes.publish(change),
  })
  const events = {
    onCommitted: (effects: Parameters<typeof liveTail.publish>[0]) => {
      liveTail.publish(effects)
      bridge.nudge()
      appender.nudge()
    },
    onChanged: (change: Parameters<typeof changes.publish>[0]) => changes.publish(change),
    onFatal,
  }
  const rules = stepped
    ? await startRulesHere(rulesSettings, { db, clock, logger }, events)
    : await startRulesThread(rulesSettings, events)
  parts.defer(() => rules.stop())
  parts.defer(() => appender.stop())
  await appender.start()
  await announceStart({ db, reader, appender, clock, logger })

  const retention = createRetention({
    log,
    clock,
    logger,
    tick: stepped ? 'hub-time' : 'cron',
    keptThrough: async () => [(await rules.position()).stateSeq, (await record.status()).safeSeq],
    daily: [
      (nowMs) => record.history.tidy(nowMs),
      (nowMs) => db.asHub((tx) => forgetOldIdempotencyKeys(tx, nowMs)),
      (nowMs) => db.asHub((tx) => forgetOldReceipts(tx, nowMs)),
    ],
    lastDaily: {
      read: () => db.asHub((tx) => readFact<number>(tx, 'tidied_at')),
      write: (atMs) => db.asHub((tx) => writeFact(tx, 'tidied_at', atMs, atMs)),
    },
  })

  const settleAll = (): Promise<void> =>
    settle({
      headSeq: () => log.headSeq(),
      consumers: [rules, record],
      appender,
      bridge: roles.has('bridge') ? bridge : null,
    })
  stepped?.attach({
    tick: async () => void (await log.append([{ kind: 'tick' }])),
    settle: settleAll,
    nextDueMs: async () => (roles.has('bridge') ? bridge.nextDueMs() : null),
  })

  const ingest = createEdgeIngest({ log, directory })
  const provision = createProvision({ db, clock, control: appender })
  const broker = createEdgeBroker({ config, log, directory, db, clock, logger, ingest, provision })
  const metrics = createMetrics()
  measureHub(metrics, { log, ingest, broker, directory, liveTail, rules, record })
  const admin = await createFirstAdmin(db, { clock, ...(config.adminKey === null ? {} : { key: config.adminKey }) })

  // Closed in the opposite order: first the ways in, then the service loop, then whoever follows the log has
  // finished it, and only then the followers end.
  parts.defer(async () => {
    const head = log.headSeq()
    const done = Promise.all([rules.caughtUp(head), record.caughtUp(head)]).catch(() => undefined)
    const late = new AbortController()
    await Promise.race([done, realSleep(DRAIN_MS, late.signal)])
    late.abort()
  })
  if (roles.has('bridge')) {
    bridge.start()
    parts.defer(() => bridge.stop())
  }
  retention.start()
  parts.defer(() => retention.stop())
  if (roles.has('edge')) {
    parts.defer(() => broker.close())
    await broker.start()
  }
  if (roles.has('api')) {
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
      broker,
      bridge,
      liveTail,
      changes,
      readiness: () => readinessOf({ db, log, rules, record, stopping: () => stopping }),
      metrics,
      steppedClock: stepped,
      pagesDir: join(import.meta.dirname, '..', 'console', 'pages'),
    })
    parts.defer(() => api.close())
    await api.listen({ port: httpPort, host: config.http.host })
  }

  const addresses = addressesOf(broker.addresses(), { httpUrl: `http://${reachable(config.http.host)}:${httpPort}` })
  dataDir.publish({ pid: process.pid, httpUrl: addresses.httpUrl, mqttUrl: addresses.mqttUrl })
  let stopped: Promise<void> | null = null
  return {
    addresses,
    newAdminKey: config.adminKey === null ? (admin?.key ?? null) : null,
    failed: failure.promise,
    settle: settleAll,
    stop() {
      stopping = true
      stopped ??= parts.disposeAsync()
      return stopped
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
