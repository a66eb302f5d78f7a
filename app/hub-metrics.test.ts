import { expect, test } from 'vitest'
import { testEnvironment, testHub } from './testing/test-hub.ts'

async function metricsOf(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

test('the hub measures what waits in its outbox and on its disk', async () => {
  const hub = await testHub(await testEnvironment())
  await metricsOf(hub.addresses.httpUrl)
  const metrics = await metricsOf(hub.addresses.httpUrl)
  expect(metrics.get('beforehand_deliveries{state="dead"}')).toBe(0)
  expect(metrics.get('beforehand_deliveries{state="pending"}')).toBe(0)
  expect(metrics.get('beforehand_log_disk_free_bytes')).toBeGreaterThan(0)
  expect([...metrics.values()].filter(Number.isNaN)).toEqual([])
}, 60_000)

test('behind a trusted balancer the limits count by the caller’s own address', async () => {
  const hub = await testHub(await testEnvironment({ HUB_PROXY_PROTOCOL: '127.0.0.1' }))
  const statusFor = async (address: string): Promise<number> =>
    (await fetch(`${hub.addresses.httpUrl}/healthz`, { headers: { 'x-forwarded-for': address } })).status
  let status = 200
  while (status === 200)
    status = Math.max(...(await Promise.all(Array.from({ length: 200 }, () => statusFor('192.0.2.1')))))
  expect(status).toBe(429)
  expect(await statusFor('192.0.2.2')).toBe(200)
}, 60_000)
