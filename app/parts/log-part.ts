import { join } from 'node:path'
import type { AlertEffect, LogReader, TelemetryLog } from '#contracts'
import { makeDurableFolder, openLogReader, openTelemetryLog } from '#ingest'
import {
  type Backtests,
  type ControlAppender,
  createControlAppender,
  createDirectory,
  createLiveTail,
  type DeviceDirectory,
  type LiveTail,
} from '#pipeline'
import { type Clock, HubError, type Logger, type LogStream, toError } from '#platform'
import type { BridgeChange, BridgePolicy } from '#service-bridge'
import type { HubConfig } from '../config.ts'
import { checkLogOrigin } from '../log-origin.ts'
import { backtestsHere, startBacktestThread, upToDate } from './backtest-part.ts'
import type { DatabasePart } from './database-part.ts'
import { type NightlyPart, startNightlyHere, startNightlyThread } from './nightly-part.ts'
import { type RecordPart, startRecordHere, startRecordThread } from './record-part.ts'
import { type RulesPart, startRulesHere, startRulesThread } from './rules-part.ts'
import type { RecordSettings, RulesSettings } from './settings.ts'

/** The log and whoever feeds or follows it in this process. */
export interface LogPart {
  log: TelemetryLog
  reader: LogReader
  directory: DeviceDirectory
  appender: ControlAppender
  liveTail: LiveTail
  /** `null` without the role. */
  rules: RulesPart | null
  record: RecordPart | null
  /** `null` where there is no history to play. */
  backtests: Backtests | null
  /** `null` where there are no rules to learn for, or no history to learn from. */
  nightly: NightlyPart | null
}

export interface LogPartOptions {
  config: HubConfig
  database: DatabasePart
  clock: Clock
  /** Hub time is stepped: everything in one thread, every consumer at once, ticks by the steps. */
  stepped: boolean
  secretKey: Uint8Array
  publicUrl: string
  policy: Partial<BridgePolicy>
  logger: Logger
  /** Where threads with a log of their own write it. */
  logTo: LogStream
  events: {
    onEffects(effects: readonly AlertEffect[]): void
    onChanged(change: BridgeChange): void
    onRemoved(deviceId: string): void
    onRevoked(credentialId: string): void
    onFatal(error: unknown): void
  }
}

/** Only the process that owns the embedded log may feed or follow it. */
export function ownsLog({ roles }: Pick<HubConfig, 'roles'>): boolean {
  return roles.has('edge') || roles.has('record') || roles.has('rules')
}

/** Opens log, directory and consumers; what is opened is handed to `parts`, to be closed in the opposite order. */
export async function openLogPart(options: LogPartOptions, parts: AsyncDisposableStack): Promise<LogPart> {
  const { config, database, clock, stepped, logger, events } = options
  const { db } = database
  const { logDir } = config
  makeLogFolder(logDir)
  const log = await openTelemetryLog({
    dir: logDir,
    clock,
    logger,
    diskReserveBytes: config.diskReserveBytes,
    ...(stepped ? { idleTickMs: null } : {}),
    onFatal: events.onFatal,
  })
  parts.defer(() =>
    log.close().catch((error) => logger.error({ err: toError(error) }, 'the log did not close cleanly')),
  )
  const reader = openLogReader({ dir: logDir })
  parts.defer(() => reader.close())
  await checkLogOrigin(db, reader)
  const liveTail = createLiveTail({ reader, logger })
  parts.defer(() => liveTail.stop())
  const directory = createDirectory({ db, onRemoved: events.onRemoved, onRevoked: events.onRevoked })
  await directory.load()
  const appender = createControlAppender({
    db,
    log,
    clock,
    logger,
    onAppended: (records) => directory.learn(records),
  })
  const record = config.roles.has('record') ? await openRecord(options) : null
  if (record) parts.defer(() => record.stop())
  const rules = config.roles.has('rules')
    ? await openRules(options, {
        onCommitted: (effects) => {
          liveTail.publish(effects)
          appender.nudge()
          events.onEffects(effects)
        },
        onChanged: events.onChanged,
        onFatal: events.onFatal,
      })
    : null
  if (rules) parts.defer(() => rules.stop())
  const backtests = record ? await openBacktests(options, { log, reader, rules, record }, parts) : null
  parts.defer(() => appender.stop())
  await appender.start()
  const nightly =
    record && rules ? openNightly(options, { log, reader, rules, record }, () => appender.nudge(), parts) : null
  return { log, reader, directory, appender, liveTail, rules, record, backtests, nightly }
}

function makeLogFolder(path: string): void {
  try {
    makeDurableFolder(path)
  } catch (cause) {
    const detail = `HUB_LOG_DIR: the folder ${path} cannot be made (${toError(cause).message}). Choose another.`
    throw new HubError('CONFIG_INVALID', detail, { cause })
  }
}

async function openBacktests(
  { config, database, stepped, logger, logTo }: LogPartOptions,
  follows: Parameters<typeof upToDate>[0],
  parts: AsyncDisposableStack,
): Promise<Backtests> {
  const { history } = follows.record
  if (stepped) return backtestsHere({ db: database.db, history, logger, upToDate: () => upToDate(follows) })
  const settings = { logDir: config.logDir, databaseUrl: database.appUrl, logLevel: config.logLevel, logTo }
  const backtests = await startBacktestThread(settings, follows)
  parts.defer(() => backtests.stop())
  return backtests
}

function openNightly(
  { config, database, clock, stepped, logger, logTo }: LogPartOptions,
  follows: Parameters<typeof upToDate>[0],
  nudgeControl: () => void,
  parts: AsyncDisposableStack,
): NightlyPart {
  const settings = { logDir: config.logDir, databaseUrl: database.appUrl, logLevel: config.logLevel, logTo }
  const nightly = stepped
    ? startNightlyHere({ db: database.db, clock, logger, nudgeControl }, follows)
    : startNightlyThread(settings, { db: database.db, logger, nudgeControl }, follows)
  parts.defer(() => nightly.stop())
  return nightly
}

function openRecord({ config, database, stepped, logger, logTo, events }: LogPartOptions): Promise<RecordPart> {
  const settings: RecordSettings = {
    logDir: config.logDir,
    databaseUrl: database.appUrl,
    logLevel: config.logLevel,
    logTo,
    history: config.influx
      ? { kind: 'influx', ...config.influx }
      : { kind: 'duckdb', dir: join(config.dataDir, 'history') },
    eager: stepped,
  }
  return stepped ? startRecordHere(settings, { db: database.db, logger }, events) : startRecordThread(settings, events)
}

function openRules(
  { config, database, clock, stepped, secretKey, publicUrl, policy, logger, logTo }: LogPartOptions,
  events: Parameters<typeof startRulesThread>[1],
): Promise<RulesPart> {
  const settings: RulesSettings = {
    logDir: config.logDir,
    databaseUrl: database.appUrl,
    logLevel: config.logLevel,
    logTo,
    secretKey,
    publicUrl,
    allowLoopback: config.allowLoopback,
    policy,
  }
  return stepped
    ? startRulesHere(settings, { db: database.db, clock, logger }, events)
    : startRulesThread(settings, events)
}
