import type { OutboundPacket } from './aedes-client.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { QueuedMessage, SessionStore } from './session-store.ts'
import type { Counters } from './stats.ts'
import { covers } from './topics.ts'

/** Where a message went, so that it can be taken back. */
export interface Sent {
  /** `stored`: the client is away and gets it when it comes back. */
  how: 'written' | 'stored'
  sessionKey: string
  brokerCounter: number
}

/** aedes' identity and counter, which every message carries. */
export interface MessageSource {
  readonly id: string
  counter: number
}

/**
 * Messages to devices. Each is handed to one connection, never published: the topics are
 * called the same for every device, and only this way "me" cannot be somebody else.
 */
export class Outbound {
  readonly #source: MessageSource
  readonly #connections: Connections
  readonly #store: SessionStore
  readonly #counters: Counters

  constructor(source: MessageSource, connections: Connections, store: SessionStore, counters: Counters) {
    this.#source = source
    this.#connections = connections
    this.#store = store
    this.#counters = counters
  }

  /** To this connection if it has subscribed; `null` when it has not, or has too much waiting. */
  toConnection(connection: Connection, topic: string, payload: Buffer): Sent | null {
    if (connection.closed) return null
    const granted = grantedQos(connection, topic)
    if (granted === null) return null
    const message = this.#message(topic, payload, granted > 0 ? 1 : 0)
    const sent: Sent = {
      how: 'written',
      sessionKey: connection.sessionKey,
      brokerCounter: message.brokerCounter,
    }
    const stored = message.qos === 1 && !connection.client.clean
    if (stored && !this.#store.enqueue(connection.sessionKey, message)) return null
    // The stored queue is being sent still: the message waits behind it (see `flush`), or is not taken.
    if (!connection.ready) return stored ? sent : null
    this.#write(connection, message)
    return sent
  }

  /** To one client of the device: the newest that has subscribed, else one that is away with a stored session. */
  toDevice(deviceId: string, topic: string, payload: Buffer): Sent | null {
    for (const connection of this.#connections.ofDevice(deviceId).reverse()) {
      if (!this.#connections.ownsSession(connection)) continue
      const sent = this.toConnection(connection, topic, payload)
      if (sent) return sent
    }
    const sessionKey = this.#store.absentSubscriber(deviceId, topic)
    if (sessionKey === null) return null
    const message = this.#message(topic, payload, 1)
    if (!this.#store.enqueue(sessionKey, message)) return null
    return { how: 'stored', sessionKey, brokerCounter: message.brokerCounter }
  }

  /** The stored queue has been sent: what was added meanwhile follows. */
  flush(connection: Connection): void {
    for (const message of this.#store.unsent(connection.sessionKey)) this.#write(connection, message)
  }

  /** Takes a message back; false when it had been written to its client before. */
  withdraw(sent: Sent): boolean {
    const unsent = this.#store.unsent(sent.sessionKey).some((message) => message.brokerCounter === sent.brokerCounter)
    this.#store.withdraw(sent.sessionKey, sent.brokerCounter)
    return unsent
  }

  #write(connection: Connection, message: OutboundPacket): void {
    this.#counters.sent++
    connection.client.deliverQoS(message, () => {})
  }

  #message(topic: string, payload: Buffer, qos: 0 | 1): QueuedMessage {
    this.#source.counter += 1
    const { id: brokerId, counter: brokerCounter } = this.#source
    return { cmd: 'publish', brokerId, brokerCounter, topic, payload, qos, retain: false, dup: false }
  }
}

function grantedQos(connection: Connection, topic: string): number | null {
  let granted: number | null = null
  for (const [filter, { qos }] of Object.entries(connection.client.subscriptions)) {
    if (covers(filter, topic)) granted = Math.max(granted ?? 0, qos)
  }
  return granted
}
