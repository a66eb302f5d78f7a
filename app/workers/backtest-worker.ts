import { parentPort, workerData } from 'node:worker_threads'
import { createLogger } from '#platform'
import { openDatabase, remoteHistory } from '#store'
import { type BacktestJob, type BacktestWorkerData, backtestsHere, type UpToDate } from '../parts/backtest-part.ts'
import { serveCalls } from './thread-calls.ts'

/** One session a backtest; so many run at a time at most. */
const POOL_SIZE = 2

const { settings, history } = workerData as BacktestWorkerData
const logger = createLogger(settings.logLevel, settings.logTo)
const db = await openDatabase({ url: settings.databaseUrl, poolSize: POOL_SIZE, logger })
const remote = remoteHistory(history)
const running = new Map<string, AbortController>()

const main = serveCalls(parentPort!, {
  async perform(id: string, job: BacktestJob, upToDate: UpToDate) {
    const controller = new AbortController()
    running.set(id, controller)
    const backtests = backtestsHere({ db, history: remote, logger, upToDate: async () => upToDate })
    const options = {
      signal: controller.signal,
      onProgress: (progress: unknown) => main.note('progress', { id, progress }),
    }
    try {
      if (job.kind === 'run') return await backtests.run(job.request, options)
      if (job.kind === 'diff') return await backtests.diff(job.request, options)
      return await backtests.expect(job.request, options)
    } finally {
      running.delete(id)
    }
  },
  cancel: (id: string) => running.get(id)?.abort(new Error('The backtest was cancelled.')),
  async stop() {
    for (const controller of running.values()) controller.abort(new Error('The hub stops.'))
    await db.close()
  },
})
