import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { openLogReader } from '#ingest'
import { createRecorder, type RecorderStatus } from '#pipeline'
import type { Logger } from '#platform'
import {
  type Database,
  type HistoryStore,
  openDuckHistory,
  openInfluxHistory,
  type RemoteHistory,
  remoteHistory,
  serveHistory,
} from '#store'
import { startOwnThread } from '../workers/own-thread.ts'
import type { RecordSettings } from './settings.ts'

/** The telemetry history and what fills it, wherever they run. */
export interface RecordPart {
  history: RemoteHistory
  caughtUp(seq: number): Promise<void>
  status(): Promise<RecorderStatus>
  /** Lets another thread ask the history through this port. */
  serveTo(port: MessagePort): Promise<void>
  stop(): Promise<void>
}

export interface RecordEvents {
  onFatal(error: Error): void
}

export interface RecordWorkerData {
  settings: RecordSettings
  /** Where the main thread asks the history. */
  queries: MessagePort
}

/** In this thread: tests, the stepped clock, and the inside of the recording thread. */
export async function startRecordHere(
  settings: RecordSettings,
  parts: { db: Database; logger: Logger },
  events: RecordEvents,
): Promise<RecordPart & { history: HistoryStore }> {
  const { db, logger } = parts
  const reader = openLogReader({ dir: settings.logDir })
  const history = await openHistory(settings, logger)
  const recorder = createRecorder({
    reader,
    history,
    db,
    logger,
    onFatal: events.onFatal,
    ...(settings.eager ? { restMs: 0 } : {}),
  })
  await recorder.start()
  return {
    history,
    caughtUp: (seq) => recorder.caughtUp(seq),
    status: async () => recorder.status(),
    serveTo: async (port) => serveHistory(port, history),
    async stop() {
      await recorder.stop()
      await history.close()
      reader.close()
    },
  }
}

function openHistory({ history }: RecordSettings, logger: Logger): Promise<HistoryStore> {
  if (history.kind === 'duckdb') return openDuckHistory({ dir: history.dir, logger })
  const { url, token, org, bucket } = history
  return openInfluxHistory({
    url,
    bucket,
    logger,
    ...(token === null ? {} : { token }),
    ...(org === null ? {} : { org }),
  })
}

/** In a thread of its own: decoding, sorting and DuckDB's own work leave the main thread to the devices. */
export async function startRecordThread(settings: RecordSettings, events: RecordEvents): Promise<RecordPart> {
  // Queries go their own way: a long answer holds up no call about positions.
  const { port1: queries, port2 } = new MessageChannel()
  const worker = new Worker(new URL('../workers/record-worker.ts', import.meta.url), {
    workerData: { settings, queries: port2 } satisfies RecordWorkerData,
    transferList: [port2],
    name: 'record',
  })
  const { calls, stop } = await startOwnThread(worker, 'the recording', events)
  return {
    history: remoteHistory(queries),
    caughtUp: (seq) => calls.call('caughtUp', seq),
    status: () => calls.call('status'),
    serveTo: (port) => calls.hand('serveTo', port),
    async stop() {
      await stop()
      queries.close()
    },
  }
}
