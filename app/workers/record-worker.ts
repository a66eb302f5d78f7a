import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { createLogger } from '#platform'
import { openDatabase, serveHistory } from '#store'
import { type RecordWorkerData, startRecordHere } from '../parts/record-part.ts'
import { carryError, serveCalls } from './thread-calls.ts'

/** The recorder writes one batch at a time. */
const POOL_SIZE = 1

const { settings, queries } = workerData as RecordWorkerData
const logger = createLogger(settings.logLevel, settings.logTo)
const db = await openDatabase({ url: settings.databaseUrl, poolSize: POOL_SIZE, logger })
let record: Awaited<ReturnType<typeof startRecordHere>> | null = null

const main = serveCalls(parentPort!, {
  async start() {
    record = await startRecordHere(
      settings,
      { db, logger },
      { onFatal: (error) => main.note('fatal', carryError(error)) },
    )
    serveHistory(queries, record.history)
  },
  caughtUp: (seq: number) => record!.caughtUp(seq),
  status: () => record!.status(),
  serveTo: (port: MessagePort) => record!.serveTo(port),
  async stop() {
    await record?.stop()
    await db.close()
  },
})
