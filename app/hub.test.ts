import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { HubApi } from '#simulators'
import { findHub } from './data-dir.ts'
import { PRODUCT } from './testing/small-house.ts'
import { ADMIN_KEY, hubProcess, testEnvironment, testFolder, testHub } from './testing/test-hub.ts'

interface Made {
  brandKey: string
  device: { id: string; token: string }
}

async function addDevice(url: string): Promise<Made> {
  const hub = new HubApi(url, ADMIN_KEY)
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'acme',
    name: { en: 'A', 'zh-CN': 'A' },
  })
  const brand = hub.as(made.adminKey.key)
  await brand.post('/api/products', PRODUCT)
  const { device, credential } = await brand.post<{ device: { id: string }; credential: { accessToken: string } }>(
    '/api/devices',
    { serial: 'SN-1', product: 'ap-300' },
  )
  return { brandKey: made.adminKey.key, device: { id: device.id, token: credential.accessToken } }
}

async function publish(mqttUrl: string, token: string, values: readonly number[]): Promise<void> {
  const client = await mqtt.connectAsync(mqttUrl, { username: token, reconnectPeriod: 0 })
  for (const value of values)
    await client.publishAsync('v1/devices/me/telemetry', JSON.stringify({ filter_dp_pa: value }), { qos: 1 })
  await client.endAsync(true)
}

async function recorded(url: string, { brandKey, device }: Made, count: number): Promise<number[]> {
  const brand = new HubApi(url, brandKey)
  for (;;) {
    const { items } = await brand.get<{ items: { values: { filter_dp_pa: number } }[] }>(
      `/api/devices/${device.id}/telemetry?limit=100`,
    )
    if (items.length >= count) return items.map((item) => item.values.filter_dp_pa)
  }
}

test('a hub takes readings, stops without losing one, and goes on where it was', async () => {
  const env = await testEnvironment()
  const first = await testHub(env)
  const made = await addDevice(first.addresses.httpUrl)
  await publish(first.addresses.mqttUrl, made.device.token, [101, 102, 103])
  expect(findHub(env.HUB_DATA_DIR!)).toMatchObject({ pid: process.pid, httpUrl: first.addresses.httpUrl })
  const ready = await fetch(`${first.addresses.httpUrl}/readyz`)
  expect([ready.status, ((await ready.json()) as { ready: boolean }).ready]).toEqual([200, true])
  await first.stop()
  expect(findHub(env.HUB_DATA_DIR!)).toBeNull()

  const second = await testHub(env)
  await publish(second.addresses.mqttUrl, made.device.token, [104])
  expect(await recorded(second.addresses.httpUrl, made, 4)).toEqual([101, 102, 103, 104])
}, 60_000)

test('an appliance that was claimed is its new home’s alone: what its old token had open is closed', async () => {
  const hub = await testHub(await testEnvironment())
  const { brandKey, device } = await addDevice(hub.addresses.httpUrl)
  const client = await mqtt.connectAsync(hub.addresses.mqttUrl, { username: device.token, reconnectPeriod: 0 })
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  const brand = new HubApi(hub.addresses.httpUrl, brandKey)
  const home = await brand.post<{ id: string }>('/api/homes', {})
  const claim = { serial: 'SN-1', product: 'ap-300', home: home.id }
  const { token } = await brand.post<{ token: string }>('/api/claim-tokens', claim)
  const answer = await brand.post<{ status: string }>('/api/v1/provision', {
    deviceName: 'SN-1',
    provisionDeviceKey: 'claim',
    provisionDeviceSecret: token,
  })
  expect(answer.status).toBe('SUCCESS')
  await closed
}, 60_000)

test('a second hub on the same folder is refused and the first goes on (case 8)', async () => {
  const env = await testEnvironment()
  const hub = await testHub(env)
  await expect(testHub({ ...env, HUB_HTTP_PORT: '0' })).rejects.toMatchObject({
    code: 'DATA_DIR_LOCKED',
    message: expect.stringContaining(`Process ${process.pid}`),
  })
  expect((await fetch(`${hub.addresses.httpUrl}/healthz`)).status).toBe(200)
}, 60_000)

test('a port in use names the variable to change, and nothing stays open', async () => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port))
  })
  onTestFinished(() => void taken.close())
  const env = await testEnvironment()
  await expect(testHub({ ...env, HUB_HTTP_PORT: String(port) })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining('HUB_HTTP_PORT'),
  })
  await expect(testHub({ ...env, HUB_MQTT_PORT: String(port) })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining('HUB_MQTT_PORT'),
  })
  const hub = await testHub(env)
  expect((await fetch(`${hub.addresses.httpUrl}/healthz`)).status).toBe(200)
}, 60_000)

test('a hub that only receives keeps everything for the one that decides and records', async () => {
  const env = await testEnvironment()
  const whole = await testHub(env)
  const made = await addDevice(whole.addresses.httpUrl)
  await whole.stop()
  const edge = await testHub({ ...env, HUB_ROLES: 'edge' })
  expect(edge.addresses.httpUrl).toBe('')
  await publish(edge.addresses.mqttUrl, made.device.token, [201, 202])
  await edge.stop()
  const again = await testHub(env)
  expect(await recorded(again.addresses.httpUrl, made, 2)).toEqual([201, 202])
}, 60_000)

test('a disk that refuses to sync ends the hub with one clear line (case 4)', async ({ skip }) => {
  if (spawnSync('strace', ['-f', 'true']).status !== 0) {
    if (process.env.CI) throw new Error('strace is needed in CI')
    skip('strace is not there, or may not trace')
  }
  const env = await testEnvironment()
  const prepared = await testHub(env)
  const made = await addDevice(prepared.addresses.httpUrl)
  await prepared.stop()
  // Some syncs belong to the start; the readings outnumber them.
  const file = join(env.HUB_DATA_DIR!, 'log', 'telemetry.db-wal')
  const fault = ['-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:error=EIO:when=40']
  const hub = await hubProcess(env, ['strace', '-f', '-qqq', '-o', '/dev/null', '-P', file, ...fault])
  const ended = once(hub.child, 'exit')
  const client = await mqtt.connectAsync(hub.mqttUrl, { username: made.device.token, reconnectPeriod: 0 })
  client.setMaxListeners(0)
  const acknowledged: number[] = []
  for (let value = 1; value <= 200 && client.connected; value++) {
    const gone = new Promise<boolean>((resolve) => client.once('close', () => resolve(false)))
    const sent = client.publishAsync('v1/devices/me/telemetry', JSON.stringify({ filter_dp_pa: value }), { qos: 1 })
    if (!(await Promise.race([sent.then(() => true), gone]))) break
    acknowledged.push(value)
  }
  const [code] = (await ended) as [number | null]
  expect(code).toBe(1)
  expect(
    hub
      .errors()
      .split('\n')
      .filter((line) => line.startsWith('STORAGE_SYNC_FAILED:')),
  ).toHaveLength(1)
  expect(hub.errors()).toContain('telemetry.db')
  const after = await testHub(env)
  const stored = await recorded(after.addresses.httpUrl, made, acknowledged.length)
  expect(stored.slice(0, acknowledged.length)).toEqual(acknowledged)
  expect(acknowledged.length).toBeGreaterThan(0)
}, 120_000)

test('killed with its own PostgreSQL running, the next start takes it over and has everything', async () => {
  const env = {
    HUB_DATA_DIR: join(testFolder(), 'data'),
    HUB_HTTP_PORT: '0',
    HUB_MQTT_PORT: '0',
    HUB_ADMIN_KEY: ADMIN_KEY,
    HUB_LOG_LEVEL: 'warn',
  }
  const first = await hubProcess(env)
  const made = await addDevice(first.httpUrl)
  await publish(first.mqttUrl, made.device.token, [101, 102, 103])
  await first.kill('SIGKILL')

  const second = await hubProcess(env)
  await publish(second.mqttUrl, made.device.token, [104])
  expect(await recorded(second.httpUrl, made, 4)).toEqual([101, 102, 103, 104])
  const { code } = await second.kill('SIGTERM')
  expect(code).toBe(0)
  expect(existsSync(join(env.HUB_DATA_DIR, 'postgres', 'data', 'postmaster.pid'))).toBe(false)
}, 120_000)

test('a log folder that cannot be made is named with its variable', async () => {
  const env = await testEnvironment()
  await expect(testHub({ ...env, HUB_LOG_DIR: join(import.meta.filename, 'log') })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('HUB_LOG_DIR'),
  })
})
