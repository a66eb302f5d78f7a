import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from '#platform'
import type { Arrivals } from './arrivals.ts'
import type { ListenerKind, Origin } from './connection.ts'
import type { BrokerLimits } from './limits.ts'
import { type BoundAddress, createListener, type Listener } from './listener.ts'
import type { BrokerListeners } from './options.ts'

export interface ListenersContext {
  arrivals: Arrivals
  limits: BrokerLimits
  logger: Logger
  /** A socket has become a stream of MQTT bytes. */
  onStream(origin: Origin, stream: Duplex): void
}

export interface Listeners {
  open(): Promise<void>
  addresses(): Partial<Record<ListenerKind, BoundAddress>>
  close(): Promise<void>
}

export function createListeners(options: BrokerListeners, context: ListenersContext): Listeners {
  const { arrivals } = context
  const accept = (socket: Socket): void => {
    if (!arrivals.enter(socket)) return
    const address = socket.remoteAddress ?? ''
    if (!arrivals.allow(socket, address)) return
    context.onStream({ listener: 'tcp', address, socket, fingerprint: null, untrustedCertificate: false }, socket)
  }
  const listeners: [ListenerKind, Listener][] = []
  if (options.tcp) listeners.push(['tcp', createListener(options.tcp, accept)])
  return {
    async open() {
      for (const [, listener] of listeners) await listener.listen()
    },
    addresses: () => Object.fromEntries(listeners.map(([kind, listener]) => [kind, listener.address()])),
    async close() {
      await Promise.all(listeners.map(([, listener]) => listener.close()))
    },
  }
}
