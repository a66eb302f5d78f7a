import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import mqtt, { type Packet } from 'mqtt-packet'
import { HubError, realClock, toError } from '#platform'

/** Long enough for a broker under load to sync a batch; then the publish counts as unacknowledged. */
const ACKNOWLEDGE_MS = 30_000
const CONNECT_MS = 10_000
/** A broker that does not hang up after DISCONNECT is hung up on. */
const GOODBYE_MS = 1_000
const KEEPALIVE_S = 120
const PACKET_ID_MAX = 65_535

export interface MqttDeviceOptions {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  url: string
  clientId: string
  /** The device's access token; the password stays empty. */
  token: string
  /** PEM of the authority that signed the broker's certificate, where it is a private one. */
  ca?: string
}

interface Pending {
  resolve: () => void
  reject: (error: Error) => void
  timer: Disposable
}

/**
 * A device's MQTT 3.1.1 connection, as small as firmware has it: connects, publishes at
 * QoS 1, waits for each PUBACK. One socket and no timers but the keepalive, so that
 * thousands fit into one process.
 */
export class MqttDevice {
  readonly #options: MqttDeviceOptions
  #socket: Socket | null = null
  #pending = new Map<number, Pending>()
  #packetId = 0
  #ping: Disposable | null = null

  constructor(options: MqttDeviceOptions) {
    this.#options = options
  }

  get connected(): boolean {
    return this.#socket !== null
  }

  /** @throws HubError `UNAUTHENTICATED` when the broker refuses the token. */
  async connect(): Promise<void> {
    if (this.#socket) return
    const url = new URL(this.#options.url)
    const secure = url.protocol === 'mqtts:' || url.protocol === 'ssl:'
    if (!secure && url.protocol !== 'mqtt:' && url.protocol !== 'tcp:')
      throw new HubError('USAGE', `"${this.#options.url}" is no mqtt:// or mqtts:// address.`)
    const where = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || (secure ? 8883 : 1883)) }
    const socket = secure
      ? connectTls({ ...where, servername: where.host, ...(this.#options.ca ? { ca: this.#options.ca } : {}) })
      : connectTcp(where)
    socket.setNoDelay(true)
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => {
        timer[Symbol.dispose]()
        socket.destroy()
        reject(error)
      }
      const timer = realClock.setTimeout(
        () => refuse(new Error(`${this.#options.url} did not answer within ${CONNECT_MS} ms`)),
        CONNECT_MS,
      )
      const parser = mqtt.parser({ protocolVersion: 4 })
      parser.on('error', refuse)
      parser.on('packet', (packet: Packet) => {
        if (packet.cmd !== 'connack') return this.#receive(packet)
        if (packet.returnCode !== 0) {
          const detail = `The broker refused device ${this.#options.clientId} (CONNACK ${packet.returnCode}).`
          return refuse(new HubError('UNAUTHENTICATED', detail))
        }
        timer[Symbol.dispose]()
        this.#socket = socket
        this.#armPing()
        resolve()
      })
      socket.on('data', (bytes) => parser.parse(bytes))
      socket.on('error', (error) => refuse(error))
      socket.on('close', () => {
        refuse(new Error('the broker closed the connection'))
        this.#lost(socket)
      })
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        socket.write(
          mqtt.generate({
            cmd: 'connect',
            protocolId: 'MQTT',
            protocolVersion: 4,
            clean: true,
            clientId: this.#options.clientId,
            keepalive: KEEPALIVE_S,
            username: this.#options.token,
          }),
        )
      })
    })
  }

  /** Resolves at the PUBACK; rejects when the connection ends or the broker stays silent. */
  publish(topic: string, payload: string, { dup = false } = {}): Promise<void> {
    const socket = this.#socket
    if (!socket) return Promise.reject(new Error('not connected'))
    const messageId = this.#freePacketId()
    return new Promise((resolve, reject) => {
      const timer = realClock.setTimeout(() => {
        this.#settle(messageId)?.reject(new Error(`no PUBACK within ${ACKNOWLEDGE_MS} ms`))
        socket.destroy()
      }, ACKNOWLEDGE_MS)
      this.#pending.set(messageId, { resolve, reject, timer })
      socket.write(mqtt.generate({ cmd: 'publish', topic, payload, qos: 1, messageId, dup, retain: false }))
    })
  }

  /** Says goodbye, so that the broker publishes no will. */
  async close(): Promise<void> {
    const socket = this.#socket
    if (!socket) return
    await new Promise<void>((resolve) => {
      const timer = realClock.setTimeout(() => socket.destroy(), GOODBYE_MS)
      socket.once('close', () => {
        timer[Symbol.dispose]()
        resolve()
      })
      socket.end(mqtt.generate({ cmd: 'disconnect' }))
    })
  }

  /** Cuts the line without a word, as a device that loses power does. */
  destroy(): void {
    this.#socket?.destroy()
  }

  #receive(packet: Packet): void {
    if (packet.cmd === 'puback' && packet.messageId !== undefined) this.#settle(packet.messageId)?.resolve()
  }

  #settle(messageId: number): Pending | undefined {
    const pending = this.#pending.get(messageId)
    this.#pending.delete(messageId)
    pending?.timer[Symbol.dispose]()
    return pending
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = null
    this.#ping?.[Symbol.dispose]()
    for (const messageId of [...this.#pending.keys()])
      this.#settle(messageId)?.reject(toError('the connection ended before the PUBACK'))
  }

  #armPing(): void {
    this.#ping = realClock.setTimeout(
      () => {
        this.#socket?.write(mqtt.generate({ cmd: 'pingreq' }))
        if (this.#socket) this.#armPing()
      },
      (KEEPALIVE_S * 1_000) / 2,
    )
  }

  #freePacketId(): number {
    do this.#packetId = (this.#packetId % PACKET_ID_MAX) + 1
    while (this.#pending.has(this.#packetId))
    return this.#packetId
  }
}
