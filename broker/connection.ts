import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { realClock } from '#platform'
import { AckOrder } from './ack-order.ts'
import type { AedesClient } from './aedes-client.ts'
import { type ConnackCode, connackRefusing } from './connect-frame.ts'
import type { Credential, Identity } from './identity.ts'
import type { ReadGate } from './read-gate.ts'
import type { Counters, CutReason } from './stats.ts'

export type ListenerKind = 'tcp' | 'tls' | 'websocket'

/** Where a connection came from, known before it says anything. */
export interface Origin {
  listener: ListenerKind
  /** The device's address, behind a trusted balancer too. */
  address: string
  /** The TCP socket underneath, whatever runs on it. */
  socket: Socket
  /** A verified client certificate, as `CredentialKey` names it. */
  fingerprint: string | null
  /** A client certificate was shown that our authority did not sign. */
  untrustedCertificate: boolean
}

/** After a refusal is written, a peer that does not hang up is hung up on. */
const REFUSAL_LINGER_MS = 1_000

/** One client connection: who it is and what has happened to it. */
export class Connection {
  readonly origin: Origin
  /** What MQTT runs on: the socket, its TLS layer or its WebSocket. */
  readonly stream: Duplex
  readonly ackOrder = new AckOrder()
  readonly #counters: Counters

  gate!: ReadGate
  client!: AedesClient
  /** `null` until CONNECT was accepted. */
  identity: Identity | null = null
  /** As the device wrote it, or as the hub named it. */
  clientId = ''
  /** Name of the session inside the hub. */
  sessionKey = ''
  /** Stable name of the session for whoever looks for repeated deliveries. */
  deliverySession = ''
  connectedAtMs = 0
  /** The queue of stored messages has been sent; from here messages go straight out. */
  ready = false
  /** A DISCONNECT was read: the end is meant. */
  graceful = false
  /** Its end publishes no will: revoked, refused or the hub is stopping. */
  silenced = false
  closed = false
  /** Why the hub closed it; `null` when the client did. */
  cutReason: CutReason | null = null
  /** Refused subscriptions so far. */
  refusals = 0
  /** Children a gateway has announced: the name it uses → device. */
  readonly children = new Map<string, string>()

  constructor(origin: Origin, stream: Duplex, counters: Counters) {
    this.origin = origin
    this.stream = stream
    this.#counters = counters
  }

  /** The device behind it; `null` before CONNECT and for provisioning. */
  get device(): Credential | null {
    return this.identity === null || this.identity.kind === 'provision' ? null : this.identity
  }

  /** Closes at once, counting why. The first reason stays. */
  cut(reason: CutReason): void {
    if (this.closed) return
    this.#countCut(reason)
    this.stream.destroy()
    this.origin.socket.destroy()
  }

  /** Answers CONNECT with a refusal and closes [MQTT-3.2.2-5]. */
  refuse(code: ConnackCode, reason: CutReason): void {
    if (this.closed) return
    this.#countCut(reason)
    this.silenced = true
    this.gate.stop()
    this.stream.end(connackRefusing(code))
    const linger = realClock.setTimeout(() => {
      this.stream.destroy()
      this.origin.socket.destroy()
    }, REFUSAL_LINGER_MS)
    this.stream.once('close', () => linger[Symbol.dispose]())
  }

  /** Resolves when it is closed. */
  whenClosed(): Promise<void> {
    return this.closed ? Promise.resolve() : new Promise((resolve) => this.stream.once('close', () => resolve()))
  }

  #countCut(reason: CutReason): void {
    if (this.cutReason !== null) return
    this.cutReason = reason
    this.#counters.countCut(reason)
  }
}
