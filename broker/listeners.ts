import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Arrivals } from './arrivals.ts'
import type { ListenerKind, Origin } from './connection.ts'
import type { BrokerLimits } from './limits.ts'
import { type BoundAddress, createListener, type Listener } from './listener.ts'
import type { BrokerListeners } from './options.ts'
import { createTlsLayer } from './tls-layer.ts'
import { TrustedProxies } from './trusted-proxies.ts'
import { createWebSocketLayer } from './websocket-layer.ts'

export interface ListenersContext {
  arrivals: Arrivals
  limits: BrokerLimits
  /** A socket has become a stream of MQTT bytes. */
  onStream(origin: Origin, stream: Duplex): void
}

export interface Listeners {
  open(): Promise<void>
  addresses(): Partial<Record<ListenerKind, BoundAddress>>
  close(): Promise<void>
}

/** Every connection takes the same steps: room, address, how many of that address, then what runs on it. */
export function createListeners(options: BrokerListeners, context: ListenersContext): Listeners {
  const { arrivals } = context
  const proxies = new TrustedProxies(options.proxyFrom ?? [])
  const addressOf = new WeakMap<Socket, string>()

  const acceptThen =
    (wrap: (socket: Socket) => void) =>
    (socket: Socket): void => {
      if (!arrivals.enter(socket)) return
      const located = (address: string | null): void => {
        if (address === null) {
          arrivals.turnAway(socket, 'proxy_header')
          return
        }
        if (!arrivals.allow(socket, address)) return
        addressOf.set(socket, address)
        wrap(socket)
      }
      const peer = socket.remoteAddress ?? ''
      if (proxies.trusts(peer)) proxies.readHeader(socket, located)
      else located(peer)
    }
  const origin = (listener: ListenerKind, socket: Socket): Origin => ({
    listener,
    address: addressOf.get(socket) ?? '',
    socket,
    fingerprint: null,
    untrustedCertificate: false,
  })

  const listeners: [ListenerKind, Listener][] = []
  if (options.tcp) {
    const accept = acceptThen((socket) => context.onStream(origin('tcp', socket), socket))
    listeners.push(['tcp', createListener(options.tcp, accept)])
  }
  if (options.tls) {
    const layer = createTlsLayer(options.tls, context.limits.connectMs, {
      secured: (socket, { stream, ...certificate }) =>
        context.onStream({ ...origin('tls', socket), ...certificate }, stream),
      failed: (socket) => arrivals.turnAway(socket, 'tls'),
    })
    listeners.push(['tls', createListener(options.tls, acceptThen(layer.wrap))])
  }
  if (options.websocket) {
    const layer = createWebSocketLayer(context.limits, {
      opened: (socket, stream) => context.onStream(origin('websocket', socket), stream),
      failed: (socket) => arrivals.turnAway(socket, 'websocket'),
      isClient: (socket) => arrivals.isClient(socket),
    })
    listeners.push(['websocket', createListener(options.websocket, acceptThen(layer.wrap))])
  }

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
