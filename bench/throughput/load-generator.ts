/**
 * Publishes QoS 1 telemetry as fast as the broker acknowledges it: a window of unacknowledged
 * messages per connection, so that what is measured is the broker and not this program. Packets
 * are made once and only their time and packet id are patched, to leave the processor to the other side.
 *
 * Usage: node load-generator.ts '{"port":1883,"userNames":["…"],"seconds":10,"window":50,"startMs":…}'
 * Prints one JSON line: {"acknowledged":…,"seconds":…}.
 */
import { createConnection, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { generate } from 'mqtt-packet'

export interface Load {
  port: number
  /** One connection for each. */
  userNames: string[]
  seconds: number
  /** Messages each connection may have unacknowledged. */
  window: number
  /** Device time of the first message; each next one of a connection is a millisecond later. */
  startMs: number
}

export interface LoadResult {
  acknowledged: number
  seconds: number
}

const TOPIC = 'v1/devices/me/telemetry'
const PUBACK = 0x40

/** About 110 bytes: device time and four metrics; values move a little so that no two messages are alike. */
function payloadOf(atMs: number, step: number): string {
  const values = {
    filter_dp_pa: 131 + (step % 7) / 10,
    fan_rpm: 1240 + (step % 5),
    airflow_m3h: 312.5,
    pm25_ugm3: 12 + (step % 3) / 10,
  }
  return JSON.stringify({ ts: atMs, values })
}

class Publisher {
  acknowledged = 0
  readonly #socket: Socket
  readonly #load: Load
  #packetId = 0
  #step = 0
  #atMs: number
  #open = true

  constructor(load: Load, userName: string, index: number) {
    this.#load = load
    this.#atMs = load.startMs
    this.#socket = createConnection({ port: load.port, host: '127.0.0.1', noDelay: true })
    this.#socket.write(
      generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        clientId: `load-${index}`,
        username: userName,
        keepalive: 0,
      }),
    ) // prettier-ignore
  }

  /** Resolves when the broker has accepted the connection. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.once('close', () => reject(new Error('the broker closed the connection')))
      this.#socket.once('data', (connack) => {
        if (connack[3] !== 0) return reject(new Error(`CONNACK ${connack[3]}`))
        this.#socket.removeAllListeners('close')
        resolve()
      })
    })
  }

  start(): void {
    let rest = 0
    this.#socket.on('data', (bytes) => {
      // PUBACKs are four bytes each; one may be cut between two chunks.
      const whole = Math.floor((rest + bytes.length) / 4)
      rest = (rest + bytes.length) % 4
      if (rest === 0 && bytes.length >= 4 && bytes[0] !== PUBACK) throw new Error(`unexpected packet ${bytes[0]}`)
      this.acknowledged += whole
      if (this.#open) this.#send(whole)
    })
    this.#send(this.#load.window)
  }

  stop(): void {
    this.#open = false
    this.#socket.destroy()
  }

  #send(count: number): void {
    const packets: Buffer[] = []
    for (let i = 0; i < count; i++) {
      this.#packetId = (this.#packetId % 65_535) + 1
      packets.push(publishPacket(this.#packetId, payloadOf(this.#atMs++, this.#step++)))
    }
    this.#socket.write(Buffer.concat(packets))
  }
}

function publishPacket(packetId: number, payload: string): Buffer {
  const length = 2 + TOPIC.length + 2 + payload.length
  const header = length < 128 ? [0x32, length] : [0x32, (length & 127) | 128, length >> 7]
  const packet = Buffer.allocUnsafe(header.length + length)
  packet.set(header, 0)
  let at = packet.writeUInt16BE(TOPIC.length, header.length)
  at += packet.write(TOPIC, at, 'latin1')
  at = packet.writeUInt16BE(packetId, at)
  packet.write(payload, at, 'latin1')
  return packet
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const publishers = load.userNames.map((userName, index) => new Publisher(load, userName, index))
  await Promise.all(publishers.map((publisher) => publisher.connected()))
  const startedAt = performance.now()
  for (const publisher of publishers) publisher.start()
  await new Promise((resolve) => setTimeout(resolve, load.seconds * 1_000))
  const acknowledged = publishers.reduce((sum, publisher) => sum + publisher.acknowledged, 0)
  const seconds = (performance.now() - startedAt) / 1_000
  for (const publisher of publishers) publisher.stop()
  return { acknowledged, seconds }
}

if (import.meta.main) console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2]!) as Load)))
