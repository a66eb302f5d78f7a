import { expect, test } from 'vitest'
import { HubApi } from '#simulators'
import { runCommand } from './run-command.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

async function simulate(args: string[], env: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand({
    args: ['simulate', ...args, '--json'],
    env,
    cwd: '/',
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    signal: new AbortController().signal,
  })
  return { code, answer: out[0] === undefined ? null : JSON.parse(out[0]), err: err.join('') }
}

test('a fleet is made known to a running hub, publishes, and may come back', async () => {
  const hub = await testHub(await testEnvironment())
  const { httpUrl, mqttUrl } = hub.addresses
  const fleet = ['--register', '--url', mqttUrl, '--devices', '3', '--rate', '60', '--for', '1s']
  const env = { HUB_URL: httpUrl, HUB_KEY: ADMIN_KEY }
  for (let time = 1; time <= 2; time++) {
    const { code, answer, err } = await simulate(fleet, env)
    expect([code, err]).toEqual([0, ''])
    expect(answer.readingsAcknowledged).toBeGreaterThanOrEqual(3)
  }
  const operator = new HubApi(httpUrl, ADMIN_KEY)
  const { key } = await operator.post<{ key: string }>('/api/keys', { role: 'viewer', brand: 'simulated' })
  const brand = operator.as(key)
  expect((await brand.get<{ items: unknown[] }>('/api/devices')).items).toHaveLength(3)
  const rules = await brand.get<{ items: { status: string }[] }>('/api/rules')
  expect(new Set(rules.items.map((rule) => rule.status))).toEqual(new Set(['shadow']))
}, 60_000)

test.each([
  ['no hub', ['--register'], {}],
  ['a file', ['--register', '--devices', import.meta.filename], { HUB_URL: 'http://127.0.0.1:1', HUB_KEY: ADMIN_KEY }],
])('what cannot be registered is said at once: %s', async (_what, args, env) => {
  const { code, err } = await simulate(args, env)
  expect([code, err]).toEqual([2, expect.stringContaining('--register')])
})

test('a broker that is not there is one sentence and exit code 3', async () => {
  const { code, err } = await simulate(['--url', 'mqtt://127.0.0.1:1', '--devices', '3', '--for', '3s'])
  expect(code).toBe(3)
  expect(err).toMatch(/^MISSING_DEPENDENCY: No MQTT broker answers at mqtt:\/\/127\.0\.0\.1:1 .*\n$/)
}, 20_000)
