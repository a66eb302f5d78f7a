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
 * What we use of an aedes client beyond its published types. Both members are ordinary
 * fields of aedes 1.2 and are exercised by every test that sends a command.
 */
export type AedesClient = Client & {
  /** Granted filters; made without a prototype. */
  readonly subscriptions: Readonly<Record<string, { qos: number }>>
  /** Writes one message, with a packet id when its QoS asks for one. */
  deliverQoS(packet: OutboundPacket, written: () => void): void
}
