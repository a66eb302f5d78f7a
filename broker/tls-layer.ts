import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { HubError } from '#platform'
import type { TlsListenAddress } from './options.ts'

/** What a TLS handshake came to. */
export interface Secured {
  stream: TLSSocket
  fingerprint: string | null
  untrustedCertificate: boolean
}

export interface TlsLayer {
  /** Begins a handshake as the server of this connection. */
  wrap(socket: Socket): void
}

export interface TlsEvents {
  secured(socket: Socket, secured: Secured): void
  failed(socket: Socket): void
}

/**
 * TLS on sockets that were accepted elsewhere, so that limits and the PROXY header come before
 * the costly handshake. A client certificate is asked for when there is an authority to check
 * it against, and never required: tokens work over TLS too.
 */
export function createTlsLayer(
  { cert, key, clientCa, variable }: TlsListenAddress,
  handshakeMs: number,
  events: TlsEvents,
): TlsLayer {
  /** node hands back another object than it was given: the peer's port tells which it is. */
  const byPeer = new Map<string, Socket>()
  const server = tlsServer()
  server.on('secureConnection', (stream) => {
    const socket = byPeer.get(peerOf(stream))
    if (!socket) {
      stream.destroy()
      return
    }
    const shown = stream.getPeerCertificate()
    // node types an absent certificate as one, and gives an object without members.
    const fingerprint = shown?.fingerprint256 ? shown.fingerprint256.replaceAll(':', '').toLowerCase() : null
    events.secured(socket, {
      stream,
      fingerprint: stream.authorized ? fingerprint : null,
      untrustedCertificate: fingerprint !== null && !stream.authorized,
    })
  })
  server.on('tlsClientError', (_error, stream) => {
    stream.destroy()
    const socket = byPeer.get(peerOf(stream))
    if (socket) events.failed(socket)
  })
  return {
    wrap(socket) {
      const peer = peerOf(socket)
      byPeer.set(peer, socket)
      socket.once('close', () => {
        if (byPeer.get(peer) === socket) byPeer.delete(peer)
      })
      server.emit('connection', socket)
    },
  }

  function tlsServer() {
    try {
      return createServer({
        cert,
        key,
        ...(clientCa ? { ca: clientCa, requestCert: true } : {}),
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        handshakeTimeout: handshakeMs,
      })
    } catch (error) {
      const what = `The certificate, its key or the client authority for ${variable ?? 'MQTT over TLS'} cannot be used`
      throw new HubError('CONFIG_INVALID', `${what}: ${(error as Error).message}. PEM texts are expected.`, {
        cause: error,
      })
    }
  }
}

function peerOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}
