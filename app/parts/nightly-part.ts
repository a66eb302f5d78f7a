import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { createNights, isNightDue, type NightReport, tickNights } from '#pipeline'
import { type Clock, type Logger, systemClock, toError } from '#platform'
import type { Database } from '#store'
import { remoteCalls } from '../workers/thread-calls.ts'
import { upToDate } from './backtest-part.ts'
import type { PartSettings } from './settings.ts'

export interface NightlyWorkerData {
  settings: PartSettings
  history: MessagePort
}

/** The nightly work on models, wherever it runs. */
export interface NightlyPart {
  /** A night's work, if one is due. */
  run(): Promise<NightReport | null>
  stop(): Promise<void>
}

type Follows = Parameters<typeof upToDate>[0]

/** In this thread: tests and the stepped clock, by hub time. */
export function startNightlyHere(
  parts: { db: Database; clock: Clock; logger: Logger; nudgeControl: () => void },
  follows: Follows,
): NightlyPart {
  const stopping = new AbortController()
  const nights = createNights({
    ...parts,
    history: follows.record.history,
    upToDate: async () => (await upToDate(follows)).nowMs,
    signal: stopping.signal,
  })
  const ticking = tickNights({ tick: 'hub-time', clock: parts.clock, run: nights.run })
  return {
    run: nights.run,
    async stop() {
      await ticking.stop()
      stopping.abort()
      await nights.run()
    },
  }
}

/**
 * In a thread that lives for the night: reading a fleet and fitting it hold up neither devices nor rules, and by day it
 * costs nothing.
 */
export function startNightlyThread(
  settings: PartSettings,
  parts: { db: Database; logger: Logger; nudgeControl: () => void },
  follows: Follows,
): NightlyPart {
  const { db, logger, nudgeControl } = parts
  let stopped = false
  let stopNow: (() => Promise<unknown>) | null = null
  let running: Promise<NightReport | null> = Promise.resolve(null)

  const aNight = async (): Promise<NightReport | null> => {
    if (stopped || !(await isNightDue(db, systemClock.nowMs()))) return null
    const { nowMs } = await upToDate(follows)
    const { port1, port2 } = new MessageChannel()
    await follows.record.serveTo(port1)
    const worker = new Worker(new URL('../workers/nightly-worker.ts', import.meta.url), {
      workerData: { settings, history: port2 } satisfies NightlyWorkerData,
      transferList: [port2],
      name: 'nightly',
    })
    const calls = remoteCalls(worker, (name) => {
      if (name === 'submitted') nudgeControl()
    })
    stopNow = () => calls.call('stop').catch(() => undefined)
    try {
      return await calls.call<NightReport | null>('run', nowMs)
    } finally {
      stopNow = null
      await calls.call('close').catch(() => undefined)
      await worker.terminate()
    }
  }
  const run = (): Promise<NightReport | null> => {
    // Models grow old without it; nothing else does.
    const attempt = (): Promise<NightReport | null> =>
      aNight().catch((thrown) => {
        logger.warn({ err: toError(thrown) }, 'a night of fitting models broke off; the next tick tries again')
        return null
      })
    running = running.then(attempt)
    return running
  }
  const ticking = tickNights({ tick: 'cron', clock: systemClock, run })
  return {
    run,
    async stop() {
      stopped = true
      await ticking.stop()
      await stopNow?.()
      await running
    },
  }
}
