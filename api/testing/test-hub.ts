import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import { Registry } from 'prom-client'
import type { LogReader, TelemetryLog } from '#contracts'
import { createIngest, openLogReader, openTelemetryLog } from '#ingest'
import {
  createBacktests,
  createControlAppender,
  createDirectory,
  createLiveTail,
  createRecorder,
  createRulesRunner,
  type LiveTail,
} from '#pipeline'
import { createLogger, HubError, ManualClock, newId, SecretBox, seededRandom, silentLogger } from '#platform'
import { createEvaluator } from '#rules'
import { createServiceBridge, type ServiceBridge, servicePolicy } from '#service-bridge'
import { type Database, type HistoryStore, KEEP_RAW_MS, openDuckHistory } from '#store'
import { makeDatabase } from '#store/testing'
import { createChangeFeed } from '../change-feed.ts'
import type { Principal } from '../http/access.ts'
import { HUB, insertKey } from '../keys.ts'
import { type Api, createApi } from '../server.ts'
import type { ApiServices } from '../services.ts'
import { holdToSchemas } from './answers.ts'

export interface Answer {
  status: number
  headers: LightMyRequestResponse['headers']
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers as a script would.
  body: any
  text: string
}

export interface Call {
  key?: string | null
  body?: unknown
  /** Sent as it is, under its own content type. */
  raw?: { type: string; text: string | Buffer }
  headers?: Record<string, string>
}

/** A whole hub but for sockets and threads: real database, log, appender, directory, ingest, rules, bridge and history. */
export interface TestHub {
  api: Api
  services: ApiServices
  db: Database
  clock: ManualClock
  log: TelemetryLog
  bridge: ServiceBridge
  history: HistoryStore
  liveTail: LiveTail
  box: SecretBox
  operatorKey: string
  /** What the broker was asked, in order. */
  dropped: ({ credentialId: string } | { deviceId: string })[]
  commands: { deviceId: string; method: string }[]
  call(method: string, url: string, call?: Call): Promise<Answer>
  /** A key of any role, made as the operator would. */
  keyOf(
    role: Principal['role'],
    owner: { brandId?: string; partnerKey?: string; expiresAtMs?: number },
  ): Promise<string>
  newBrand(key: string): Promise<TestBrand>
  /** Until history holds everything the log does. */
  recorded(): Promise<void>
  /** Until rules and bridge have done everything there is to do at the present hub time. */
  settled(): Promise<void>
  /** Moves hub time, stopping wherever the bridge has something due. */
  pass(byMs: number): Promise<void>
  /** Answers that did not fit the schema their route declares. */
  misfits: string[]
  /** Lines of the API's log at level error: what it could not foresee. */
  failures: string[]
  close(): Promise<void>
}

export interface TestBrand {
  id: string
  key: string
  admin: string
  author: string
  viewer: string
}

/** A Tuesday morning in Shanghai: nobody is asleep. */
export const MORNING_MS = Date.UTC(2026, 5, 2, 2, 0)

export async function makeHub(
  over: Partial<ApiServices> & { wrapDb?: (db: Database) => Database } = {},
): Promise<TestHub> {
  const { db: plainDb, drop } = await makeDatabase({ poolSize: 6 })
  const { wrapDb = (db) => db, ...services } = over
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-api-'))
  const clock = new ManualClock(MORNING_MS)
  const box = new SecretBox(randomBytes(32))
  const log = await openTelemetryLog({
    dir: join(dir, 'log'),
    clock,
    logger: silentLogger,
    diskReserveBytes: 0,
    idleTickMs: null,
  })
  const readers: LogReader[] = [0, 1, 2].map(() => openLogReader({ dir: join(dir, 'log') }))
  const directory = createDirectory({ db: plainDb })
  await directory.load()
  const control = createControlAppender({
    db: plainDb,
    log,
    clock,
    logger: silentLogger,
    onAppended: (records) => directory.learn(records),
  })
  await control.start()
  const ingest = createIngest({
    log,
    productOf: (deviceId) => directory.index.productOf(deviceId),
    submitAttributes: ({ brandId, deviceId }, values) =>
      log.append([
        { kind: 'control', changeId: newId('chg'), brandId, change: { type: 'attributes', deviceId, values } },
      ]),
  })
  const history = await openDuckHistory({ dir: join(dir, 'history'), logger: silentLogger, memoryMiB: 64 })
  const recorder = createRecorder({ reader: readers[0]!, history, db: plainDb, logger: silentLogger })
  await recorder.start()
  const liveTail = createLiveTail({ reader: readers[1]!, logger: silentLogger })
  const changes = createChangeFeed()
  const db = wrapDb(plainDb)
  const bridge = createServiceBridge({
    db,
    box,
    clock,
    random: seededRandom(7),
    logger: silentLogger,
    publicUrl: 'https://hub.example',
    allowLoopback: true,
    nudgeControl: () => control.nudge(),
    onChanged: (change) => changes.publish(change),
  })
  bridge.start()
  const rules = createRulesRunner({
    reader: readers[2]!,
    db: plainDb,
    evaluator: createEvaluator(),
    clock,
    logger: silentLogger,
    onEffects: (tx, effects) => bridge.onEffects(tx, effects),
    onCommitted: (effects) => liveTail.publish(effects),
    nudgeControl: () => control.nudge(),
  })
  await rules.start()
  const failures: string[] = []
  const dropped: TestHub['dropped'] = []
  const commands: TestHub['commands'] = []
  const all: ApiServices = {
    db,
    box,
    clock,
    logger: createLogger('error', { write: (line) => failures.push(line) }),
    version: '0.0.0',
    publicUrl: 'https://hub.example',
    control,
    directory,
    ingest,
    history,
    conditions: async (filter) => rules.views(filter),
    backtests: createBacktests({
      db: plainDb,
      history,
      logger: silentLogger,
      policy: servicePolicy,
      keepMs: KEEP_RAW_MS,
      upToDate: async () => {
        const nowMs = log.nowMs()
        await Promise.all([rules.caughtUp(log.headSeq()), recorder.caughtUp(log.headSeq())])
        return { logId: log.logId, nowMs }
      },
    }),
    broker: {
      sendCommand: async (deviceId, { method }) => {
        commands.push({ deviceId, method })
        return { outcome: 'response', response: { ok: true } }
      },
      dropSessions: async (which) => dropped.push(which),
    },
    bridge,
    liveTail,
    changes,
    readiness: async () => [{ part: 'database', ready: true }],
    metrics: new Registry(),
    steppedClock: null,
    pagesDir: join(import.meta.dirname, '..', '..', 'console', 'pages'),
    limits: { perAddress: { perSecond: 1e6, burst: 1e6 }, perKey: { perSecond: 1e6, burst: 1e6 } },
    ...services,
  }
  const api = await createApi(all)
  const misfits: string[] = []
  const answersFit = holdToSchemas(api)
  const { key: operatorKey } = await plainDb.asHub((tx) =>
    insertKey(tx, {
      brandId: HUB,
      role: 'platform',
      label: '',
      partnerKey: null,
      expiresAtMs: null,
      createdBy: HUB,
      atMs: 0,
    }),
  )

  const waitingChange = async (): Promise<string | undefined> =>
    plainDb.asHub(async (tx) => {
      const row = await tx.selectFrom('control_changes').select('change_id').where('seq', 'is', null).executeTakeFirst()
      return row?.change_id
    })

  const hub: TestHub = {
    api,
    services: all,
    db: plainDb,
    clock,
    log,
    bridge,
    history,
    liveTail,
    box,
    operatorKey,
    dropped,
    commands,
    misfits,
    failures,
    async call(method, url, { key = operatorKey, body, raw, headers = {} } = {}) {
      const answer = await api.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(raw ? { 'content-type': raw.type } : body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(raw ? { payload: raw.text } : body === undefined ? {} : { payload: JSON.stringify(body) }),
      })
      const text = answer.body
      // Lines of JSON are no JSON document.
      const isJson = /^application\/(problem\+)?json\b/.test(String(answer.headers['content-type'] ?? ''))
      const parsed = isJson && text !== '' ? JSON.parse(text) : null
      const misfit = answersFit(method, url, answer.statusCode, parsed)
      if (misfit) misfits.push(misfit)
      return { status: answer.statusCode, headers: answer.headers, body: parsed, text }
    },
    async keyOf(role, { brandId = HUB, partnerKey = null as string | null, expiresAtMs = null as number | null }) {
      const made = await plainDb.asHub((tx) =>
        insertKey(tx, { brandId, role, label: '', partnerKey, expiresAtMs, createdBy: 'test', atMs: 0 }),
      )
      return made.key
    },
    async newBrand(key) {
      const made = await hub.call('POST', '/api/brands', { body: { key, name: { en: key, 'zh-CN': key } } })
      if (made.status !== 201) throw new Error(made.text)
      const id = made.body.brand.id as string
      return {
        id,
        key,
        admin: made.body.adminKey.key,
        author: await hub.keyOf('author', { brandId: id }),
        viewer: await hub.keyOf('viewer', { brandId: id }),
      }
    },
    recorded: () => recorder.caughtUp(log.headSeq()),
    async settled() {
      // What the rules say makes work for the bridge, and what the bridge decides goes through the log.
      for (let before = -1; before !== log.headSeq(); ) {
        before = log.headSeq()
        await rules.caughtUp(before)
        await bridge.idle()
        while (!(await control.isIdle())) await control.appended((await waitingChange()) ?? '', 5_000).catch(() => 0)
      }
    },
    async pass(byMs) {
      const untilMs = clock.nowMs() + byMs
      for (;;) {
        await hub.settled()
        const dueMs = await bridge.nextDueMs()
        if (dueMs === null || dueMs > untilMs) break
        clock.advanceTo(Math.max(dueMs, clock.nowMs()))
      }
      clock.advanceTo(untilMs)
      await hub.settled()
    },
    async close() {
      await api.close()
      await bridge.stop()
      await liveTail.stop()
      await rules.stop()
      await recorder.stop()
      await control.stop()
      for (const reader of readers) reader.close()
      await history.close()
      await log.close()
      await drop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return hub
}

/** A log that never takes a change in time. */
export const LOG_BEHIND: ApiServices['control'] = {
  nudge: () => {},
  appended: async (changeId) => {
    throw new HubError('CONTROL_LOG_BEHIND', `The change ${changeId} waits.`)
  },
}
