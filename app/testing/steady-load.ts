import mqtt, { type MqttClient } from 'mqtt'
import { realClock, realSleep } from '#platform'

export interface LoadDevice {
  id: string
  token: string
}

export interface SteadyLoad {
  /** What the hub acknowledged, by device: `ts` → value. */
  readonly acknowledged: ReadonlyMap<string, ReadonlyMap<number, number>>
  acknowledgedCount(): number
  /** Publishes one value out of the row; resolves when it is acknowledged. */
  publish(deviceId: string, value: number): Promise<void>
  /** Resolves when so many more readings have been acknowledged. */
  more(count: number): Promise<void>
  /** Ends once everything published is acknowledged. */
  stop(): Promise<void>
}

/** Messages in flight at once, per device, and the rest between bursts: some hundreds a second. */
const BURST = 10
const REST_MS = 40
/** Every so many bursts one message is sent twice, as devices do after a lost acknowledgement. */
const REPEAT_EVERY = 7

/** Appliances that report harmless values without a pause, QoS 1, and a ledger of what was acknowledged. */
export async function startLoad(mqttUrl: string, devices: readonly LoadDevice[]): Promise<SteadyLoad> {
  const clients = new Map<string, MqttClient>()
  const acknowledged = new Map(devices.map(({ id }) => [id, new Map<number, number>()]))
  const stopping = new AbortController()
  let count = 0
  let waiting: { atCount: number; resolve: () => void }[] = []
  const lastTs = new Map<string, number>()

  async function send(deviceId: string, ts: number, value: number): Promise<void> {
    const payload = JSON.stringify({ ts, values: { filter_dp_pa: value } })
    await clients.get(deviceId)!.publishAsync('v1/devices/me/telemetry', payload, { qos: 1 })
    acknowledged.get(deviceId)!.set(ts, value)
    count++
    waiting = waiting.filter(({ atCount, resolve }) => atCount > count || resolve())
  }

  /** Device time never repeats, so that a reading found twice is a duplicate and nothing else. */
  function nextTs(deviceId: string): number {
    const ts = Math.max(realClock.nowMs(), (lastTs.get(deviceId) ?? 0) + 1)
    lastTs.set(deviceId, ts)
    return ts
  }

  async function report(deviceId: string): Promise<void> {
    for (let burst = 1; !stopping.signal.aborted; burst++) {
      const readings = Array.from({ length: BURST }, (_, i) => [nextTs(deviceId), 120 + ((burst + i) % 80)] as const)
      if (burst % REPEAT_EVERY === 0) readings.push(readings[0]!)
      await Promise.all(readings.map(([ts, value]) => send(deviceId, ts, value)))
      await realSleep(REST_MS, stopping.signal)
    }
  }

  for (const { id, token } of devices)
    clients.set(id, await mqtt.connectAsync(mqttUrl, { username: token, reconnectPeriod: 0 }))
  const running = devices.map(({ id }) => report(id))

  return {
    acknowledged,
    acknowledgedCount: () => count,
    publish: (deviceId, value) => send(deviceId, nextTs(deviceId), value),
    more: (wanted) => new Promise((resolve) => waiting.push({ atCount: count + wanted, resolve: () => resolve() })),
    async stop() {
      stopping.abort()
      await Promise.all(running)
      for (const client of clients.values()) await client.endAsync(true)
    },
  }
}
