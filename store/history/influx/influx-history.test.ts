import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newId, silentLogger } from '#platform'
import type { HistoryStore } from '../history.ts'
import { describeHistoryContract } from '../testing/history-contract.ts'
import { row } from '../testing/history-place.ts'
import { influxAvailable, startTestInflux, type TestInflux } from '../testing/influx-server.ts'
import { openInfluxHistory } from './influx-history.ts'

const CI = process.env.CI === 'true'

/** An address where nothing answers until it is connected with the server. */
async function switchable(target: string) {
  const { hostname, port: targetPort } = new URL(target)
  let connected = false
  const proxy = createServer((socket) => {
    socket.on('error', () => undefined)
    if (!connected) return void socket.destroy()
    const server = connect(Number(targetPort), hostname).on('error', () => socket.destroy())
    socket.pipe(server).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `http://127.0.0.1:${(proxy.address() as { port: number }).port}`,
    connect: () => void (connected = true),
    close: () => void proxy.close(),
  }
}

describe.skipIf(!CI && !influxAvailable())('InfluxDB (needs influxd on the path, or INFLUX_URL)', () => {
  let server: TestInflux
  beforeAll(async () => {
    server = await startTestInflux()
  })
  afterAll(() => server.stop())

  const open = (bucket: string, url = server.url): Promise<HistoryStore> =>
    openInfluxHistory({
      url,
      bucket,
      logger: silentLogger,
      ...(process.env.INFLUX_TOKEN ? { token: process.env.INFLUX_TOKEN } : {}),
      ...(process.env.INFLUX_ORG ? { org: process.env.INFLUX_ORG } : {}),
    })

  describeHistoryContract('InfluxDB', async () => {
    const bucket = newId('log')
    return { open: () => open(bucket) }
  })

  test('readings of one millisecond whose positions differ by more than a page stay apart', async () => {
    const store = await open(newId('log'))
    const rows = [row({ seq: 999_999 }), row({ seq: 1_000_000 }), row({ seq: 1_500_000 })]
    await store.write(rows, { logId: 'log_a', seq: 1_500_000 })
    expect((await store.range({ deviceId: 'dev_a', fromMs: 0, toMs: 1e15 })).rows).toHaveLength(3)
  })

  test('a metric named like a tag or like time is kept apart from them', async () => {
    const store = await open(newId('log'))
    const values = { time: 12, device: 3.5, brand: 'x', ok: true }
    await store.write([row({ seq: 1, values })], { logId: 'log_a', seq: 1 })
    const { rows } = await store.range({ deviceId: 'dev_a', fromMs: 0, toMs: 1e15 })
    expect(rows[0]?.values).toEqual(values)
    expect(rows[0]?.brandId).toBe('brand_a')
  })

  test('a history of another log is refused', async () => {
    const bucket = newId('log')
    await (await open(bucket)).write([row({ seq: 1 })], { logId: 'log_a', seq: 1 })
    const again = await open(bucket)
    await expect(again.write([row({ seq: 2 })], { logId: 'log_b', seq: 2 })).rejects.toMatchObject({
      code: 'LOG_MISMATCH',
    })
  })

  test('a server that is away is said to be', async () => {
    const away = await open('any', 'http://127.0.0.1:9')
    const unavailable = { code: 'HISTORY_UNAVAILABLE' }
    await expect(away.position()).rejects.toMatchObject(unavailable)
    await expect(away.last('dev_a')).rejects.toMatchObject(unavailable)
    await expect(away.write([row({ seq: 1 })], { logId: 'log_a', seq: 1 })).rejects.toMatchObject(unavailable)
  })

  test('a server that comes later is used as if it had been there, deletions remembered', async () => {
    const bucket = newId('log')
    const before = await open(bucket)
    await before.write([row({ seq: 1 })], { logId: 'log_a', seq: 1 })
    await before.deleteDevice('dev_a')
    const proxy = await switchable(server.url)
    onTestFinished(() => proxy.close())
    const store = await open(bucket, proxy.url)
    await expect(store.position()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' })
    proxy.connect()
    expect(await store.position()).toMatchObject({ logId: 'log_a', seq: 1 })
    await store.write([row({ seq: 2 })], { logId: 'log_a', seq: 2 })
    expect((await store.range({ deviceId: 'dev_a', fromMs: 0, toMs: 1e15 })).rows).toEqual([])
  })
})
