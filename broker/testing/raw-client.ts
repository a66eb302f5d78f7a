import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import mqtt, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { Journal } from './journal.ts'

/** A client without manners of its own: sends exactly what a test says and keeps all it hears. */
export interface RawClient {
  stream: Duplex
  heard: Journal<Packet>
  send(...packets: (Packet | Buffer)[]): void
  /** The next packet of that kind not yet asked for; fails when the connection closes first. */
  next<C extends Packet['cmd']>(cmd: C): Promise<Extract<Packet, { cmd: C }>>
  /** Resolves when the connection is closed from either side. */
  closed: Promise<void>
  isClosed(): boolean
  /** Goes away without a word. */
  destroy(): void
}

export function rawClient(stream: Duplex): RawClient {
  const heard = new Journal<Packet>()
  const asked = new Map<string, number>()
  const parser = mqtt.parser()
  let isClosed = false
  let markClosed = (): void => {}
  const closed = new Promise<void>((resolve) => {
    markClosed = resolve
  })
  parser.on('packet', (packet) => heard.push(packet))
  stream.on('data', (chunk: Buffer) => parser.parse(chunk))
  stream.on('error', () => {})
  // A WebSocket stream stays half open otherwise.
  stream.on('end', () => stream.destroy())
  stream.on('close', () => {
    isClosed = true
    markClosed()
  })
  return {
    stream,
    heard,
    closed,
    isClosed: () => isClosed,
    send(...packets) {
      stream.write(Buffer.concat(packets.map((packet) => (Buffer.isBuffer(packet) ? packet : mqtt.generate(packet)))))
    },
    async next(cmd) {
      const nth = asked.get(cmd) ?? 0
      asked.set(cmd, nth + 1)
      const ofKind = (): Packet[] => heard.entries.filter((packet) => packet.cmd === cmd)
      await Promise.race([heard.until(() => ofKind().length > nth), closed])
      const packet = ofKind()[nth]
      if (!packet) throw new Error(`the connection closed before ${cmd} number ${nth + 1}`)
      return packet as never
    },
    destroy: () => stream.destroy(),
  }
}

export function rawTcp(port: number, host = '127.0.0.1'): RawClient {
  return rawClient(connectTcp({ port, host, noDelay: true }))
}

export function connectPacket(options: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
    clientId: 'client-1',
    ...options,
  }
}

/** Connects with a token and waits for CONNACK 0. */
export async function connected(
  port: number,
  username: string,
  options: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  const client = rawTcp(port)
  client.send(connectPacket({ username, ...options }))
  const { returnCode } = await client.next('connack')
  if (returnCode !== 0) throw new Error(`CONNACK ${returnCode}`)
  return client
}

export interface PublishOptions {
  topic?: string
  payload?: string | Buffer
  qos?: 0 | 1 | 2
  messageId?: number
  dup?: boolean
  retain?: boolean
}

/** A telemetry publish unless told otherwise. */
export function publishPacket({
  topic = 'v1/devices/me/telemetry',
  payload = '{"filter_dp_pa":131.2}',
  qos = 1,
  messageId = 1,
  dup = false,
  retain = false,
}: PublishOptions = {}): Packet {
  return { cmd: 'publish', topic, payload, qos, dup, retain, ...(qos > 0 ? { messageId } : {}) }
}
