import { parentPort, workerData } from 'node:worker_threads'
import { createNights } from '#pipeline'
import { createLogger, systemClock } from '#platform'
import { openDatabase, remoteHistory } from '#store'
import type { NightlyWorkerData } from '../parts/nightly-part.ts'
import { serveCalls } from './thread-calls.ts'

/** One transaction at a time, and one to spare. */
const POOL_SIZE = 2

const { settings, history } = workerData as NightlyWorkerData
const logger = createLogger(settings.logLevel, settings.logTo)
const db = await openDatabase({ url: settings.databaseUrl, poolSize: POOL_SIZE, logger })
const stopping = new AbortController()

const main = serveCalls(parentPort!, {
  run: (nowMs: number) =>
    createNights({
      db,
      history: remoteHistory(history),
      clock: systemClock,
      logger,
      upToDate: async () => nowMs,
      nudgeControl: () => main.note('submitted', null),
      signal: stopping.signal,
    }).run(),
  stop: () => stopping.abort(),
  close: () => db.close(),
})
