import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { LogReader, TelemetryLog } from '#contracts'
import {
  type BacktestOptions,
  type BacktestProgress,
  type BacktestRequest,
  type Backtests,
  createBacktests,
  type DiffRequest,
  type ExpectedVolumeRequest,
} from '#pipeline'
import { type Logger, newId } from '#platform'
import { servicePolicy } from '#service-bridge'
import { type Database, KEEP_RAW_MS, type RemoteHistory } from '#store'
import { remoteCalls } from '../workers/thread-calls.ts'
import type { RecordPart } from './record-part.ts'
import type { RulesPart } from './rules-part.ts'
import type { PartSettings } from './settings.ts'

/** The log as far as everything in it is recorded and decided. */
export interface UpToDate {
  logId: string
  nowMs: number
}

export type BacktestJob =
  | { kind: 'run'; request: BacktestRequest }
  | { kind: 'diff'; request: DiffRequest }
  | { kind: 'expect'; request: ExpectedVolumeRequest }

export interface BacktestWorkerData {
  settings: PartSettings
  history: MessagePort
}

export interface BacktestPart extends Backtests {
  stop(): Promise<void>
}

interface Follows {
  log: TelemetryLog
  reader: LogReader
  rules: RulesPart | null
  record: RecordPart
}

export async function upToDate({ log, reader, rules, record }: Follows): Promise<UpToDate> {
  // Time is decided up to a record: without one, whatever came due since the last is still to come.
  const { lastSeq, receivedAtMs } = await log.append([{ kind: 'tick' }])
  await Promise.all([record.caughtUp(lastSeq), rules?.caughtUp(lastSeq)])
  return { logId: reader.logId, nowMs: receivedAtMs }
}

/** In this thread: tests and the stepped clock, and the inside of the thread. */
export function backtestsHere(parts: {
  db: Database
  history: Pick<RemoteHistory, 'scanColumns' | 'scanFleet'>
  logger: Logger
  upToDate: () => Promise<UpToDate>
}): Backtests {
  return createBacktests({ ...parts, policy: servicePolicy, keepMs: KEEP_RAW_MS })
}

/**
 * In a thread of its own, which asks the history directly: millions of readings an evaluation goes
 * over hold up neither devices nor rules.
 */
export async function startBacktestThread(settings: PartSettings, follows: Follows): Promise<BacktestPart> {
  const { port1, port2 } = new MessageChannel()
  await follows.record.serveTo(port1)
  const worker = new Worker(new URL('../workers/backtest-worker.ts', import.meta.url), {
    workerData: { settings, history: port2 } satisfies BacktestWorkerData,
    transferList: [port2],
    name: 'backtest',
  })
  const listeners = new Map<string, (progress: BacktestProgress) => void>()
  const calls = remoteCalls(worker, (name, value) => {
    if (name !== 'progress') return
    const { id, progress } = value as { id: string; progress: BacktestProgress }
    listeners.get(id)?.(progress)
  })
  const perform = async (job: BacktestJob, { signal, onProgress }: BacktestOptions = {}): Promise<never> => {
    const id = newId('bt')
    if (onProgress) listeners.set(id, onProgress)
    const cancel = (): void => void calls.call('cancel', id).catch(() => undefined)
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      // An estimate of a month waits for nobody.
      const { log, reader } = follows
      const at = job.kind === 'expect' ? { logId: reader.logId, nowMs: log.nowMs() } : await upToDate(follows)
      return await calls.call<never>('perform', id, job, at)
    } finally {
      listeners.delete(id)
      signal?.removeEventListener('abort', cancel)
    }
  }
  return {
    run: (request, options) => perform({ kind: 'run', request }, options),
    diff: (request, options) => perform({ kind: 'diff', request }, options),
    expect: (request, options) => perform({ kind: 'expect', request }, options),
    async stop() {
      await calls.call('stop').catch(() => undefined)
      await worker.terminate()
    },
  }
}
