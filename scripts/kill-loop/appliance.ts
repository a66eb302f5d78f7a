import mqtt, { type MqttClient } from 'mqtt'
import { type Random, realClock, realSleep } from '#platform'
import type { Ledger } from './ledger.ts'

/** Between two readings of one appliance; twenty of them make some hundreds a second. */
const EVERY_MS = 40
const RECONNECT_MS = 100
/** Readings under way at once; more wait, as in a device with little memory. */
const WINDOW = 50

interface Reading {
  atMs: number
  value: number
}

/**
 * An appliance that must get every reading through: what is not acknowledged when the connection goes
 * is sent again on the next one, in whatever order it comes. Its filter clogs once, at a moment of its own.
 */
export class Appliance {
  readonly #options: { url: string; deviceId: string; token: string; ledger: Ledger }
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  readonly #underWay = new Set<Promise<void>>()
  #connection: Promise<MqttClient> | null = null

  constructor(options: {
    url: string
    deviceId: string
    token: string
    /** Real time at which the readings begin to be alarming. */
    clogsAtMs: number
    ledger: Ledger
    random: Random
  }) {
    this.#options = options
    this.#running = this.#run(options)
  }

  /** No more new readings; resolves when all are acknowledged. */
  async finish(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#underWay)
    const client = await this.#connection
    await client?.endAsync()
  }

  async #run({ clogsAtMs, random }: { clogsAtMs: number; random: Random }): Promise<void> {
    let lastMs = 0
    while (!this.#stop.signal.aborted) {
      lastMs = Math.max(lastMs + 1, realClock.nowMs())
      const level = lastMs >= clogsAtMs ? 262 : 180
      this.#send({ atMs: lastMs, value: Math.round((level + 8 * random.normal()) * 100) / 100 })
      if (this.#underWay.size >= WINDOW) await Promise.race(this.#underWay)
      await realSleep(EVERY_MS, this.#stop.signal)
    }
  }

  #send(reading: Reading): void {
    const { ledger, deviceId } = this.#options
    ledger.sent++
    const delivered = this.#deliver(reading).then(() => {
      ledger.acknowledge(deviceId, reading.atMs, reading.value)
      this.#underWay.delete(delivered)
    })
    this.#underWay.add(delivered)
  }

  async #deliver({ atMs, value }: Reading): Promise<void> {
    const payload = JSON.stringify({ ts: atMs, values: { filter_dp_pa: value } })
    for (;;) {
      const client = await this.#connected()
      const acknowledged = await new Promise<boolean>((resolve) => {
        client.once('close', () => resolve(false))
        client.publish('v1/devices/me/telemetry', payload, { qos: 1 }, (error) => resolve(!error))
      })
      if (acknowledged) return
    }
  }

  #connected(): Promise<MqttClient> {
    this.#connection ??= this.#connect()
    return this.#connection
  }

  /** Tries until the hub is there; whoever waits meanwhile waits for the same connection. */
  async #connect(): Promise<MqttClient> {
    const { url, deviceId, token } = this.#options
    for (;;) {
      try {
        const client = await mqtt.connectAsync(url, { username: token, clientId: deviceId, reconnectPeriod: 0 }, false)
        client.setMaxListeners(0)
        client.on('error', () => undefined)
        const gone = (): void => {
          this.#connection = null
        }
        if (!client.connected) gone()
        client.once('close', gone)
        return client
      } catch {
        await realSleep(RECONNECT_MS)
      }
    }
  }
}
