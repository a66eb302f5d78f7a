import { Readable } from 'node:stream'
import { sha256Hex } from '#platform'
import type { OutboundPacket } from './aedes-client.ts'
import type { BrokerLimits } from './limits.ts'
import { deviceOfSession } from './session-key.ts'
import { covers } from './topics.ts'

/** A message to a client until the client has acknowledged it. */
export interface QueuedMessage extends OutboundPacket {
  /** Given when it is first written; redeliveries keep it. */
  messageId?: number
}

interface Session {
  /** Filter → granted QoS. */
  subscriptions: Map<string, number>
  outgoing: QueuedMessage[]
  /** Packet id → what it was, of QoS 2 publishes between PUBREC and PUBREL. */
  incoming: Map<number, string>
  /** Survives its connection (clean session = 0). */
  stored: boolean
  /** `null` while connected. */
  absentSinceMs: number | null
}

/** The part of an aedes client, or of its stand-ins, that names a session. */
interface Owner {
  id: string
  clean?: boolean
}

interface Numbered {
  messageId?: number
}

/**
 * Shown to aedes instead of no subscriptions: it tells "session present" by whether there
 * are any, and a publisher's stored session has none [MQTT-3.2.2-2]. Never granted.
 */
export const SESSION_MARKER = '$session'

type SessionStoreLimits = Pick<
  BrokerLimits,
  | 'queuedPerSession'
  | 'sessionsPerDevice'
  | 'storedSessionMs'
  | 'storedSessionsMax'
  | 'subscriptionsPerSession'
  | 'unreleasedPerSession'
>

/**
 * Sessions in memory, in the shape aedes asks of its persistence. Bounded in every direction,
 * and without retained messages, which no topic of ours has. A restart forgets it: clients see
 * "no session present" and start anew, and what they re-send is recognised from the log.
 */
export class SessionStore {
  readonly #limits: SessionStoreLimits
  readonly #now: () => number
  readonly #maySubscribe: (sessionKey: string, filter: string) => boolean
  /** In order of the last absence, for forgetting the longest absent first. */
  readonly #sessions = new Map<string, Session>()
  readonly #byDevice = new Map<string, Set<string>>()
  #storedCount = 0

  constructor(
    limits: SessionStoreLimits,
    nowMs: () => number,
    maySubscribe: (sessionKey: string, filter: string) => boolean,
  ) {
    this.#limits = limits
    this.#now = nowMs
    this.#maySubscribe = maySubscribe
  }

  /** Sessions kept beyond their connection. */
  get storedCount(): number {
    return this.#storedCount
  }

  // What the broker asks

  /** Whether this QoS 2 publish was taken before and its PUBREL is awaited. */
  knows(sessionKey: string, packet: { messageId?: number; topic: string; payload: Uint8Array | string }): boolean {
    const mark = this.#sessions.get(sessionKey)?.incoming.get(packet.messageId ?? 0)
    return mark !== undefined && mark === markOf(packet)
  }

  /** Keeps a message until it is acknowledged; false when its client has too many already, or no stored session. */
  enqueue(sessionKey: string, message: QueuedMessage): boolean {
    const session = this.#sessions.get(sessionKey)
    if (!session?.stored || session.outgoing.length >= this.#limits.queuedPerSession) return false
    session.outgoing.push(message)
    return true
  }

  /** Takes a message back that was not acknowledged in time. */
  withdraw(sessionKey: string, brokerCounter: number): void {
    const outgoing = this.#sessions.get(sessionKey)?.outgoing
    const at = outgoing?.findIndex((message) => message.brokerCounter === brokerCounter) ?? -1
    if (at >= 0) outgoing!.splice(at, 1)
  }

  /** Messages not yet written to any connection. */
  unsent(sessionKey: string): QueuedMessage[] {
    return this.#sessions.get(sessionKey)?.outgoing.filter((message) => message.messageId === undefined) ?? []
  }

  /** A stored session of an absent client of this device that would get this topic with QoS 1. */
  absentSubscriber(deviceId: string, topic: string): string | null {
    for (const key of this.#byDevice.get(deviceId) ?? []) {
      const session = this.#sessions.get(key)!
      if (session.absentSinceMs === null) continue
      for (const [filter, qos] of session.subscriptions) if (qos > 0 && covers(filter, topic)) return key
    }
    return null
  }

  /** The client is away from now on. */
  left(sessionKey: string): void {
    const session = this.#sessions.get(sessionKey)
    if (!session) return
    if (!session.stored) {
      this.#forget(sessionKey)
      return
    }
    session.absentSinceMs = this.#now()
    // Moved to the end: the front of the map is who has been away longest.
    this.#sessions.delete(sessionKey)
    this.#sessions.set(sessionKey, session)
  }

  /** The device is gone: so is everything kept for it. */
  forgetDevice(deviceId: string): void {
    for (const key of [...(this.#byDevice.get(deviceId) ?? [])]) this.#forget(key)
  }

  /** Drops what has been absent too long. */
  sweep(): void {
    const before = this.#now() - this.#limits.storedSessionMs
    for (const [key, session] of this.#sessions) {
      if (session.absentSinceMs !== null && session.absentSinceMs < before) this.#forget(key)
    }
  }

  // What aedes asks: its persistence interface

  // aedes looks at the constructor's name to see that this is an async function.
  async setup(): Promise<void> {}

  async subscriptionsByClient({ id }: Owner): Promise<{ topic: string; qos: number }[]> {
    const found = this.#sessions.get(id)
    if (found?.stored) {
      found.absentSinceMs = null
      const subscriptions = [...found.subscriptions].map(([topic, qos]) => ({ topic, qos }))
      return subscriptions.length > 0 ? subscriptions : [{ topic: SESSION_MARKER, qos: 0 }]
    }
    this.#open(id, true)
    return []
  }

  async cleanSubscriptions({ id }: Owner): Promise<void> {
    this.#forget(id) // [MQTT-3.1.2-6]
    this.#open(id, false)
  }

  async addSubscriptions({ id }: Owner, subscriptions: { topic: string; qos: number }[]): Promise<void> {
    const session = this.#sessions.get(id)
    for (const { topic, qos } of subscriptions) {
      // aedes passes the whole packet, refused filters included.
      if (session && this.#maySubscribe(id, topic)) session.subscriptions.set(topic, qos)
    }
  }

  async removeSubscriptions({ id }: Owner, filters: string[]): Promise<void> {
    for (const filter of filters) this.#sessions.get(id)?.subscriptions.delete(filter)
  }

  async subscriptionsByTopic(): Promise<never[]> {
    return []
  }

  async outgoingEnqueue({ clientId }: { clientId: string }, message: QueuedMessage): Promise<void> {
    this.enqueue(clientId, message)
  }

  async outgoingEnqueueCombi(): Promise<void> {}

  /** The packet is about to be written under its packet id. */
  async outgoingUpdate({ id }: Owner, packet: QueuedMessage): Promise<void> {
    const outgoing = this.#sessions.get(id)?.outgoing ?? []
    const kept = outgoing.find((message) => message.brokerCounter === packet.brokerCounter)
    if (!kept) throw new Error('no such message in this session')
    // A new connection counts its packet ids from a random start, which may be one still unanswered.
    while (outgoing.some((other) => other !== kept && other.messageId === packet.messageId)) {
      packet.messageId = ((packet.messageId ?? 0) % 65_535) + 1
    }
    packet.dup = kept.messageId !== undefined // [MQTT-3.3.1-1]
    kept.messageId = packet.messageId!
  }

  /** PUBACK: the client has it. */
  async outgoingClearMessageId({ id }: Owner, { messageId }: Numbered): Promise<QueuedMessage | undefined> {
    const outgoing = this.#sessions.get(id)?.outgoing
    const at = outgoing?.findIndex((message) => message.messageId === messageId) ?? -1
    return at >= 0 ? outgoing!.splice(at, 1)[0] : undefined
  }

  outgoingStream({ id }: Owner): Readable {
    return Readable.from([...(this.#sessions.get(id)?.outgoing ?? [])])
  }

  async incomingStorePacket(
    { id }: Owner,
    packet: { messageId: number; topic: string; payload: Buffer },
  ): Promise<void> {
    const incoming = this.#sessions.get(id)?.incoming
    if (!incoming) return
    // A client that never releases, over any number of connections, is stored once more at worst: the log knows repeats.
    if (incoming.size >= this.#limits.unreleasedPerSession) incoming.delete(incoming.keys().next().value!)
    incoming.set(packet.messageId, markOf(packet))
  }

  async incomingGetPacket({ id }: Owner, { messageId }: Numbered): Promise<Numbered> {
    if (!this.#sessions.get(id)?.incoming.has(messageId ?? 0)) throw new Error('no such packet')
    return { messageId: messageId! }
  }

  async incomingDelPacket({ id }: Owner, { messageId }: Numbered): Promise<void> {
    if (!this.#sessions.get(id)?.incoming.delete(messageId ?? 0)) throw new Error('no such packet')
  }

  async cleanIncoming({ id }: Owner): Promise<void> {
    this.#sessions.get(id)?.incoming.clear()
  }

  async storeRetained(): Promise<void> {}

  createRetainedStreamCombi(): Readable {
    return Readable.from([])
  }

  // Wills live with their connection: a hub that died publishes none, as it says no goodbye for any device.
  async putWill(): Promise<void> {}

  async getWill(): Promise<undefined> {}

  async delWill(): Promise<undefined> {}

  streamWill(): Readable {
    return Readable.from([])
  }

  // Bookkeeping

  #open(id: string, stored: boolean): void {
    this.#forget(id)
    const deviceId = deviceOfSession(id)
    const keys = this.#byDevice.get(deviceId) ?? new Set()
    if (stored) this.#makeRoom(keys)
    this.#byDevice.set(deviceId, keys.add(id))
    this.#sessions.set(id, {
      subscriptions: new Map(),
      outgoing: [],
      incoming: new Map(),
      stored,
      absentSinceMs: null,
    })
    if (stored) this.#storedCount++
  }

  #makeRoom(keysOfDevice: Set<string>): void {
    const longestAbsent = (keys: Iterable<string>): string | null => {
      for (const key of keys) if (this.#sessions.get(key)!.absentSinceMs !== null) return key
      return null
    }
    if (keysOfDevice.size >= this.#limits.sessionsPerDevice) {
      const key = longestAbsent(keysOfDevice)
      if (key !== null) this.#forget(key)
    }
    if (this.#storedCount >= this.#limits.storedSessionsMax) {
      const key = longestAbsent(this.#sessions.keys())
      if (key !== null) this.#forget(key)
    }
  }

  #forget(id: string): void {
    const session = this.#sessions.get(id)
    if (!session) return
    this.#sessions.delete(id)
    if (session.stored) this.#storedCount--
    const deviceId = deviceOfSession(id)
    const keys = this.#byDevice.get(deviceId)
    keys?.delete(id)
    if (keys?.size === 0) this.#byDevice.delete(deviceId)
  }
}

/** Tells a repeated QoS 2 publish from a new one under a packet id that a rebooted device reuses. */
function markOf(packet: { topic: string; payload: Uint8Array | string }): string {
  return `${packet.topic} ${sha256Hex(packet.payload)}`
}
