import { type Logger, realSleep, toError } from '#platform'
import { hasExited, type Postmaster } from './postmaster.ts'

/** How long a dead server goes unnoticed; asking costs one signal to nobody. */
const LOOK_EVERY_MS = 500
/** Between attempts while it does not come up, as on a full disk: soon enough to be back with the space. */
const AGAIN_MS = 5_000

export interface KeptServer {
  /** The process that serves now. */
  pid(): number
  /** Looks after it no longer. Resolves with the last known process once no start is under way. */
  release(): Promise<Postmaster>
}

/**
 * Starts the server again whenever its process has ended without being asked: killed for want of memory, or by
 * somebody's hand. Sessions are lost with it, and their owners open new ones at the same address.
 */
export function keepRunning(
  first: Postmaster,
  { relaunch, logger }: { relaunch(): Promise<Postmaster>; logger: Logger },
): KeptServer {
  let server = first
  const released = new AbortController()

  async function look(): Promise<void> {
    let said: string | null = null
    while (!released.signal.aborted) {
      await realSleep(said === null ? LOOK_EVERY_MS : AGAIN_MS, released.signal)
      if (released.signal.aborted || !hasExited(server)) continue
      if (said === null) logger.error({ pid: server.pid }, 'the embedded PostgreSQL ended unasked; starting it again')
      try {
        server = await relaunch()
        said = null
        logger.warn({ pid: server.pid }, 'the embedded PostgreSQL runs again')
      } catch (thrown) {
        const reason = toError(thrown).message
        if (reason !== said) logger.error({ reason }, 'the embedded PostgreSQL does not start; trying on')
        said = reason
      }
    }
  }

  const looking = look()
  return {
    pid: () => server.pid,
    async release() {
      released.abort()
      await looking
      return server
    },
  }
}
