import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connectAsync, type IClientOptions } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'

/** Clients that firmware authors really use. */
describe('MQTT.js', () => {
  async function client(url: string, options: IClientOptions) {
    const mqtt = await connectAsync(url, { reconnectPeriod: 0, ...options })
    onTestFinished(() => mqtt.endAsync())
    return mqtt
  }

  test.each(['mqtt', 'ws'])('publishes and answers commands over %s', async (scheme) => {
    const host = '127.0.0.1'
    const { broker, telemetry } = await startBroker({
      listeners: { tcp: { port: 0, host }, websocket: { port: 0, host } },
    })
    const { port } = scheme === 'ws' ? broker.addresses().websocket! : broker.addresses().tcp!
    const device = await client(`${scheme}://${host}:${port}`, { username: tokenOf('cred_a'), protocolVersion: 4 })
    for (const qos of [0, 1, 2] as const) {
      await device.publishAsync('v1/devices/me/telemetry', `{"qos":${qos}}`, { qos })
    }
    await telemetry.reaches(3)
    device.on('message', (topic, payload) => {
      const { method } = JSON.parse(payload.toString())
      void device.publishAsync(topic.replace('request', 'response'), JSON.stringify({ method }), { qos: 1 })
    })
    await device.subscribeAsync('v1/devices/me/rpc/request/+', { qos: 1 })
    expect(await broker.sendCommand('dev_a', { method: 'selfTest', timeoutMs: 5_000 })).toEqual({
      outcome: 'response',
      response: { method: 'selfTest' },
    })
  })

  test('of MQTT 5 is told that its protocol is not spoken here', async () => {
    const { port } = await startBroker()
    const attempt = connectAsync(`mqtt://127.0.0.1:${port}`, {
      username: tokenOf('cred_a'),
      protocolVersion: 5,
      reconnectPeriod: 0,
    })
    await expect(attempt).rejects.toThrow(/protocol/i)
  })
})

const hasMosquitto = existsSync('/usr/bin/mosquitto_pub') || process.env.CI === 'true'

describe('mosquitto clients', { skip: !hasMosquitto }, () => {
  const run = (command: string, port: number, ...args: string[]): ChildProcess => {
    const child = spawn(command, ['-h', '127.0.0.1', '-p', String(port), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill())
    return child
  }

  test.each(['0', '1', '2'])('mosquitto_pub with QoS %s', async (qos) => {
    const { port, telemetry } = await startBroker()
    const topic = 'v1/devices/me/telemetry'
    const args = ['-V', '311', '-u', tokenOf('cred_a'), '-q', qos, '-t', topic, '-m', '{"a":1}', '--repeat', '20']
    const [code] = await once(run('mosquitto_pub', port, ...args), 'exit')
    expect(code).toBe(0)
    await telemetry.reaches(20)
  })

  test('mosquitto_pub with a wrong token says why and fails', async () => {
    const { port } = await startBroker()
    const child = run('mosquitto_pub', port, '-V', '311', '-u', 'wrong', '-t', 'v1/devices/me/telemetry', '-m', '{}')
    let said = ''
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).not.toBe(0)
    expect(said).toMatch(/bad user name or password/i)
  })

  test('mosquitto_sub is sent its commands', async () => {
    const { broker, port } = await startBroker()
    const args = ['-V', '311', '-u', tokenOf('cred_a'), '-q', '1', '-t', 'v1/devices/me/rpc/request/+', '-C', '1']
    const child = run('mosquitto_sub', port, ...args)
    let said = ''
    child.stdout!.on('data', (chunk) => {
      said += chunk
    })
    const ended = once(child, 'close')
    const command = { method: 'selfTest', timeoutMs: 200 }
    let result = await broker.sendCommand('dev_a', command)
    while (result.outcome === 'offline') {
      await new Promise((resolve) => setImmediate(resolve))
      result = await broker.sendCommand('dev_a', command)
    }
    // It has no program to answer with.
    expect(result).toEqual({ outcome: 'timeout' })
    expect((await ended)[0]).toBe(0)
    expect(JSON.parse(said)).toEqual({ method: 'selfTest', params: {} })
  })
})
