import { createServer, type Socket } from 'node:net'
import { HubError, toError } from '#platform'
import type { ListenAddress } from './options.ts'

export interface BoundAddress {
  host: string
  port: number
}

/** A listening TCP socket; what runs on its connections is decided by whoever gets them. */
export interface Listener {
  /** Throws `PORT_IN_USE`, or what the system says. */
  listen(): Promise<void>
  /** The port the system chose, too. */
  address(): BoundAddress
  /** Accepts no more; connections go on. */
  close(): Promise<void>
}

/** The system's queue of connections not accepted yet; a site coming back from a power cut is a crowd. */
const BACKLOG = 1_024

export function createListener({ port, host, variable }: ListenAddress, accept: (socket: Socket) => void): Listener {
  const server = createServer({ noDelay: true }, accept)
  let bound: BoundAddress | null = null
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error) => reject(explain(error, { port, host, variable: variable ?? 'the port' })))
        server.listen({ port, host, backlog: BACKLOG }, () => {
          const actual = server.address()
          bound = typeof actual === 'object' && actual ? { host: actual.address, port: actual.port } : { host, port }
          server.removeAllListeners('error')
          // What is not accepted (too many open files) is the client's to try again.
          server.on('error', () => {})
          resolve()
        })
      }),
    address: () => bound ?? { host, port },
    close: () => new Promise((resolve) => (bound ? server.close(() => resolve()) : resolve())),
  }
}

function explain(error: unknown, { port, host, variable }: Required<ListenAddress>): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new HubError(
      'PORT_IN_USE',
      `MQTT cannot listen on ${host}:${port}: another program does. Stop it, or set ${variable} to a free port.`,
      { cause: error },
    )
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    const why = code === 'EACCES' ? 'this user may not' : 'this machine has no such address'
    return new HubError('CONFIG_INVALID', `MQTT cannot listen on ${host}:${port}: ${why}. See ${variable}.`, {
      cause: error,
    })
  }
  return toError(error)
}
