import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { BrokerLimits } from './limits.ts'

const SUBPROTOCOL = 'mqtt' // [MQTT-6.0.0-3]
/** Request line and headers of an upgrade; cookies of the same site may come along. */
const HEADER_BYTES_MAX = 16 * 1_024

export interface WebSocketLayer {
  /** Serves HTTP on this connection until it is upgraded. */
  wrap(socket: Socket): void
}

export interface WebSocketEvents {
  opened(socket: Socket, stream: Duplex): void
  /** Not a WebSocket, not our subprotocol, or text instead of binary. */
  failed(socket: Socket): void
  /** Whether the client has proved who it is: until then its bytes are counted. */
  isClient(socket: Socket): boolean
}

/** MQTT in binary WebSocket messages, packets cut across messages as the sender likes [MQTT-6.0.0-2]. */
export function createWebSocketLayer(limits: BrokerLimits, events: WebSocketEvents): WebSocketLayer {
  const upgrader = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytesAfterAuth,
    handleProtocols: () => SUBPROTOCOL,
  })
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' })
    response.end('This port speaks MQTT over WebSocket, subprotocol "mqtt".\n')
  })
  server.on('clientError', (_error, socket) => {
    events.failed(socket as Socket)
  })
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
    if (!offered.includes(SUBPROTOCOL)) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
      return
    }
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket)
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary) events.failed(socket) // [MQTT-6.0.0-1]
      })
      countUntilClient(socket)
      events.opened(socket, stream)
    })
  })

  /** A WebSocket message gathers before MQTT sees it, so its bytes are bounded here. */
  function countUntilClient(socket: Socket): void {
    const bytesMax = socket.bytesRead + limits.frameBytesBeforeAuth
    const count = (): void => {
      if (events.isClient(socket)) socket.off('data', count)
      else if (socket.bytesRead > bytesMax) events.failed(socket)
    }
    socket.on('data', count)
  }

  return {
    wrap: (socket) => {
      server.emit('connection', socket)
    },
  }
}
