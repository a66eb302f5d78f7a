import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aProduct, aRule } from '../testing/scenario.ts'
import { makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
let url: string
let device: string
let token: string

beforeAll(async () => {
  hub = await makeHub({
    limits: { streamsPerBrand: 3, perAddress: { perSecond: 1e6, burst: 1e6 }, perKey: { perSecond: 1e6, burst: 1e6 } },
  })
  brand = await hub.newBrand('acme')
  await hub.call('POST', '/api/products', { key: brand.admin, body: aProduct() })
  await hub.call('POST', '/api/rules', { key: brand.admin, body: { ...aRule(), dispatch: 'notify', latch: 'none' } })
  await hub.call('POST', '/api/rules/hepa-clogged/activate', { key: brand.admin, body: {} })
  const made = await hub.call('POST', '/api/devices', { key: brand.admin, body: { serial: 'SN-1', product: 'ap-300' } })
  device = made.body.device.id
  token = made.body.credential.accessToken
  await hub.api.listen({ port: 0, host: '127.0.0.1' })
  url = `http://127.0.0.1:${(hub.api.server.address() as AddressInfo).port}/api/events`
})
afterAll(() => hub?.close())

/** Reads one stream event by event; ends it with the test. */
async function listen(query = '', headers: Record<string, string> = {}, key = brand.viewer) {
  const stop = new AbortController()
  const response = await fetch(url + query, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal: stop.signal,
  })
  const end = (): void => stop.abort()
  onTestFinished(end)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    status: response.status,
    headers: response.headers,
    end,
    /** The next event whose name is this. */
    async next(event: string): Promise<{ id: string | undefined; data: Record<string, unknown> }> {
      for (;;) {
        const blocks = text.split('\n\n')
        text = blocks.pop()!
        const found = blocks.find((block) => block.includes(`event: ${event}\n`))
        if (found) {
          text = `${blocks
            .slice(blocks.indexOf(found) + 1)
            .map((block) => `${block}\n\n`)
            .join('')}${text}`
          return { id: /^id: (.*)$/m.exec(found)?.[1], data: JSON.parse(/^data: (.*)$/m.exec(found)![1]!) }
        }
        const { value, done } = await reader.read()
        if (done) throw new Error(`the stream ended before ${event}`)
        text += value
      }
    },
    async ended(): Promise<boolean> {
      for (;;) if ((await reader.read()).done) return true
    },
  }
}

const send = (value: number) =>
  hub.call('POST', `/api/v1/${token}/telemetry`, {
    key: null,
    body: { ts: hub.clock.nowMs(), values: { filter_dp_pa: value } },
  })

test('readings of a device and alerts of the brand arrive as they happen, with ids to go on from', async () => {
  const stream = await listen(`?device=${device}`)
  expect(stream.headers.get('content-type')).toContain('text/event-stream')
  await send(100)
  expect((await stream.next('reading')).data).toMatchObject({ device, values: { filter_dp_pa: 100 } })
  hub.clock.advance(60_000)
  await send(300)
  const firing = await stream.next('alert.firing')
  expect(firing.data).toMatchObject({ device, rule: 'hepa-clogged', severity: 'warning' })
  stream.end()
  // Away while it resolves, it is told so on coming again.
  hub.clock.advance(60_000)
  await send(100)
  await hub.settled()
  const again = await listen('', { 'last-event-id': firing.id! })
  expect((await again.next('alert.resolved')).data.id).toBe(firing.data.id)
})

test('another brand hears nothing of it', async () => {
  const other = await hub.newBrand('bravo')
  const [mine, theirs] = [await listen(`?device=${device}`), await listen('', { 'last-event-id': '0-x' }, other.viewer)]
  const foreign = await hub.call('GET', `/api/events?device=${device}`, { key: other.viewer })
  expect(foreign.status).toBe(404)
  hub.clock.advance(60_000)
  await send(120)
  await mine.next('reading')
  // Its own first event is also the first it gets: nothing of the other brand stood before it.
  await hub.call('POST', '/api/products', { key: other.admin, body: aProduct() })
  await hub.call('POST', '/api/rules', { key: other.admin, body: { ...aRule(), dispatch: 'notify' } })
  await hub.call('POST', '/api/rules/hepa-clogged/activate', { key: other.admin, body: {} })
  const made = await hub.call('POST', '/api/devices', { key: other.admin, body: { serial: 'SN-1', product: 'ap-300' } })
  await hub.call('POST', `/api/v1/${made.body.credential.accessToken}/telemetry`, {
    key: null,
    body: { filter_dp_pa: 400 },
  })
  expect((await theirs.next('alert.firing')).data.device).toBe(made.body.device.id)
})

test('streams are counted per brand, and end with the server', async () => {
  const streams = [await listen(), await listen(), await listen()]
  expect((await listen()).status).toBe(429)
  streams[0]!.end()
  // The place is free once the socket is seen closed.
  await expect.poll(async () => (await listen()).status).toBe(200)
  const closing = hub.api.close()
  expect(await streams[1]!.ended()).toBe(true)
  await closing
})
