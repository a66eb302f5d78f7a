import { Aedes, type AedesOptions } from 'aedes'

type Done = (error?: Error | null) => void

/** Carries nothing: there is no way from one client to another, so none can be found. */
const SILENT_EMITTER = {
  emit: (_message: unknown, done?: Done) => done?.(),
  on: (_topic: string, _listener: unknown, done?: Done) => done?.(),
  removeListener: (_topic: string, _listener: unknown, done?: Done) => done?.(),
  close: (done?: Done) => done?.(),
}

/**
 * aedes without its message routing. Clients talk to the hub, never to each other: what they
 * publish is dealt with before it is acknowledged, and what they are sent is handed to their
 * own connection. Leaving the router out keeps telemetry clear of its slots and of the
 * offline matching, and makes crossing from device to device impossible rather than forbidden.
 */
export class RoutelessAedes extends Aedes {
  constructor(options: AedesOptions) {
    super({ ...options, mq: SILENT_EMITTER })
  }

  /** Called after the acknowledgement, and for `$SYS` notices: there is nothing left to do. */
  override publish(_packet: unknown, clientOrDone?: unknown, done?: unknown): void {
    const callback = typeof clientOrDone === 'function' ? clientOrDone : done
    if (typeof callback === 'function') (callback as Done)()
  }

  override subscribe(_topic: string, _deliver: unknown, done: () => void): void {
    done()
  }

  override unsubscribe(_topic: string, _deliver: unknown, done?: () => void): void {
    done?.()
  }
}
