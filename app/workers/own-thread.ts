import type { Worker } from 'node:worker_threads'
import { toError } from '#platform'
import { type RemoteCalls, remoteCalls, revivedError } from './thread-calls.ts'

/** A part of the hub in a thread of its own, once it has started. */
export interface OwnThread {
  calls: RemoteCalls
  /** Lets the part end its work, then ends the thread. */
  stop(): Promise<void>
}

/**
 * Starts what a thread serves and watches over it: an error there, or an end nobody asked for, is fatal for the hub.
 * @param onNote what the thread says by itself, besides `fatal`
 */
export async function startOwnThread(
  worker: Worker,
  what: string,
  events: { onFatal(error: Error): void },
  onNote: (name: string, value: unknown) => void = () => {},
): Promise<OwnThread> {
  let stopping = false
  const calls = remoteCalls(worker, (name, value) => {
    if (name === 'fatal') events.onFatal(revivedError(value as Parameters<typeof revivedError>[0]))
    else onNote(name, value)
  })
  worker.on('error', (thrown) => events.onFatal(toError(thrown)))
  worker.on('exit', () => stopping || events.onFatal(new Error(`The thread of ${what} ended unexpectedly.`)))
  try {
    await calls.call('start')
  } catch (error) {
    stopping = true
    await worker.terminate()
    throw error
  }
  return {
    calls,
    async stop() {
      stopping = true
      await calls.call('stop').catch(() => undefined)
      await worker.terminate()
    },
  }
}
