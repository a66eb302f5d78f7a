import type { Client } from 'aedes'

/** A message towards a client, as aedes' own delivery takes it. */
export interface OutboundPacket {
  cmd: 'publish'
  brokerId: string
  /** Strictly increasing per broker: aedes drops what seems to be older. */
  brokerCounter: number
  topic: string
  payload: Buffer
  qos: 0 | 1
  retain: false
  dup: boolean
}

/**
 * What we use of an aedes client beyond its published types. All members are ordinary
 * fields of aedes 1.2, and tests fail without any of them.
 */
export type AedesClient = Client & {
  /** Granted filters; made without a prototype. */
  readonly subscriptions: Readonly<Record<string, { qos: number }>>
  /** Runs out when nothing came for one and a half keep-alive intervals; `null` without keep-alive. */
  readonly _keepaliveTimer: { refresh(): void } | null
  /** Calls back when the socket has taken what was written; closes it when that takes too long. */
  waitForDrain(done: (error: Error | null) => void): void
  /** Writes one message, with a packet id when its QoS asks for one. */
  deliverQoS(packet: OutboundPacket, written: () => void): void
}
