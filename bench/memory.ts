/**
 * What a device costs in memory: connected and silent, and heard under ten rules. Beside it, the
 * same connections to bare Aedes. Resident memory of the process, so figures are rough to some ten percent.
 *
 * Usage: node bench/memory.ts [--devices 2000]
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { realSleep } from '#platform'
import { MqttDevice } from '#simulators'
import { startHubProcess } from './hub-process.ts'
import { RULES, register } from './throughput/fixture.ts'

/** Below the hub's own limit of new connections a second for one address. */
const CONNECTIONS_PER_SECOND = 80
/** For collectors to give back what starting needed. */
const REST_MS = 3_000

export interface Memory {
  devices: number
  connectedBytes: number
  bareConnectedBytes: number
  deviceRuleBytes: number
}

export async function measureMemory({ devices }: { devices: number }): Promise<Memory> {
  const bareConnectedBytes = await bareConnected(devices)
  const hub = await startHubProcess()
  try {
    const { tokens } = await register(hub.api, devices, devices)
    const resident = async (): Promise<number> => {
      await realSleep(REST_MS)
      return hub.memoryBytes()
    }
    const idle = await resident()
    const connected = await connectAll(hub.mqttPort, tokens)
    const withConnections = await resident()
    for (const device of connected)
      await device.publish(
        'v1/devices/me/telemetry',
        JSON.stringify({ filter_dp_pa: 131, fan_rpm: 1240, airflow_m3h: 312.5, pm25_ugm3: 12 }),
      )
    while ((await hub.metric('beforehand_rules_lag_records')) > 0) await realSleep(50)
    const heard = await resident()
    await Promise.all(connected.map((device) => device.close()))
    return {
      devices,
      connectedBytes: (withConnections - idle) / devices,
      bareConnectedBytes,
      deviceRuleBytes: (heard - withConnections) / devices / RULES,
    }
  } finally {
    await hub.stop()
  }
}

async function connectAll(port: number, tokens: readonly string[]): Promise<MqttDevice[]> {
  const connected: MqttDevice[] = []
  for (const [i, token] of tokens.entries()) {
    const device = new MqttDevice({ url: `mqtt://127.0.0.1:${port}`, clientId: `m${i}`, token })
    await device.connect()
    connected.push(device)
    if (i % CONNECTIONS_PER_SECOND === CONNECTIONS_PER_SECOND - 1) await realSleep(1_000)
  }
  return connected
}

async function bareConnected(devices: number): Promise<number> {
  const peer = spawn(process.execPath, [join(import.meta.dirname, 'throughput', 'bare-aedes.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const port = await new Promise<number>((resolve) => {
      peer.stdout!.once('data', (line) => resolve((JSON.parse(String(line)) as { port: number }).port))
    })
    const resident = async (): Promise<number> => {
      await realSleep(REST_MS)
      const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${peer.pid}/status`, 'utf8'))
      return Number(kib![1]) * 1024
    }
    const idle = await resident()
    const connected = await connectAll(
      port,
      Array.from({ length: devices }, (_, i) => `t${i}`),
    )
    const held = (await resident()) - idle
    await Promise.all(connected.map((device) => device.close()))
    return held / devices
  } finally {
    peer.kill()
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { devices: { type: 'string', default: '2000' } } })
  console.log(JSON.stringify(await measureMemory({ devices: Number(values.devices) }), null, 2))
}
