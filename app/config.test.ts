import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HubError } from '#platform'
import { environmentOf, readConfig } from './config.ts'

function refused(env: Record<string, string>): HubError {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

test('with nothing set everything is local and embedded', () => {
  const config = readConfig({}, '/srv/hub')
  expect(config).toMatchObject({
    dataDir: '/srv/hub/data',
    http: { port: 8080, host: '127.0.0.1', publicUrl: null },
    mqtt: { port: 1883, host: '127.0.0.1' },
    mqtts: null,
    mqttWebSocket: null,
    databaseUrl: null,
    influx: null,
    timeScale: 1,
    logDir: '/srv/hub/data/log',
    diskReserveBytes: 512 * 2 ** 20,
    loopbackOnly: true,
    warnings: [],
  })
  expect([...config.roles]).toEqual(['edge', 'record', 'rules', 'bridge', 'api'])
})

test('every problem is reported at once, each with its variable', () => {
  const error = refused({
    HUB_HTTP_PORT: '99999',
    HUB_MQTTS_PORT: '8883',
    HUB_ROLES: 'edge,cook',
    HUB_DISK_RESERVE: 'plenty',
    INFLUX_URL: 'http://localhost:8086',
    DATABASE_URL: 'mysql://localhost/hub',
  })
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.problems.map((problem) => problem.pointer).sort()).toEqual([
    'DATABASE_URL',
    'HUB_DISK_RESERVE',
    'HUB_HTTP_PORT',
    'HUB_MQTTS_PORT',
    'HUB_ROLES',
    'INFLUX_BUCKET',
  ])
  expect(error.message).toContain('HUB_HTTP_PORT must be a port number from 0 to 65535')
})

test('a feature that is not built is missing, not misspelt', () => {
  expect(refused({ NATS_URL: 'nats://localhost' }).code).toBe('MISSING_DEPENDENCY')
  expect(refused({ NATS_URL: 'nats://localhost', HUB_HTTP_PORT: 'x' }).code).toBe('CONFIG_INVALID')
})

test.each([
  ['HUB_TIME_SCALE', { HUB_TIME_SCALE: '3600', HUB_MQTT_HOST: '0.0.0.0' }],
  ['HUB_ADMIN_KEY', { HUB_ADMIN_KEY: 'eighteen-letters-k', HUB_HTTP_HOST: '0.0.0.0' }],
  ['HUB_ADMIN_KEY', { HUB_ADMIN_KEY: 'changeme-changeme-changeme', HUB_HTTP_HOST: '::' }],
  ['HUB_ADMIN_KEY', { HUB_ADMIN_KEY: ' ', HUB_HTTP_HOST: '0.0.0.0' }],
  ['HUB_ROLES', { HUB_ROLES: 'api,bridge' }],
  ['HUB_TLS_CERT', { HUB_MQTTS_PORT: '8883', HUB_TLS_CERT: '/nowhere/cert.pem', HUB_TLS_KEY: '/nowhere/key.pem' }],
])('what is safe only on the loopback, or only together, is refused: %s in %o', (variable, env) => {
  expect(refused(env).problems.map((problem) => problem.pointer)).toContain(variable)
})

test('the same is fine on the loopback', () => {
  const env = { HUB_TIME_SCALE: '3600', HUB_ADMIN_KEY: 'eighteen-letters-k', HUB_MQTT_HOST: 'localhost' }
  expect(readConfig(env).timeScale).toBe(3600)
})

test('a key that no request could carry is refused everywhere', () => {
  expect(refused({ HUB_ADMIN_KEY: 'short' }).problems.map((problem) => problem.pointer)).toEqual(['HUB_ADMIN_KEY'])
})

test('misspelt and idle variables are said, not refused', () => {
  expect(readConfig({ HUB_HTP_PORT: '1', INFLUX_TOKEN: 't' }).warnings).toEqual([
    'HUB_HTP_PORT is not a variable of the hub',
    'INFLUX_TOKEN has no effect without INFLUX_URL',
  ])
})

test('the configuration cannot be changed afterwards', () => {
  const config = readConfig({}) as unknown as { http: { port: number } }
  expect(() => {
    config.http.port = 1
  }).toThrow(TypeError)
})

test('.env adds what the environment does not say', () => {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-env-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, '.env'), 'HUB_HTTP_PORT=9000\nHUB_MQTT_PORT=9001\n')
  const config = readConfig(environmentOf(dir, { HUB_MQTT_PORT: '9002' }), dir)
  expect([config.http.port, config.mqtt.port]).toEqual([9000, 9002])
})

test('sizes take a unit', () => {
  const reserve = (text: string) => readConfig({ HUB_DISK_RESERVE: text }).diskReserveBytes
  expect([reserve('1024'), reserve('2GiB'), reserve('3 MB')]).toEqual([1024, 2 ** 31, 3e6])
})
