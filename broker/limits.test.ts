import { connect as connectTcp } from 'node:net'
import { generate } from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { Journal } from './testing/journal.ts'
import { connected, connectPacket, publishPacket, type RawClient, rawClient, rawTcp } from './testing/raw-client.ts'

/** CONNECT whose remaining length says 256 MiB less one: the largest there is. */
const HUGE_CONNECT = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])

/** Sends one byte each time the system has taken the last. */
function drip(client: RawClient, first: Buffer): void {
  const next = (): void => {
    if (!client.stream.destroyed) client.stream.write(Buffer.alloc(1), () => setImmediate(next))
  }
  client.stream.write(first, next)
}

test('case 31: 100 sockets dripping a CONNECT of 256 MiB are cut by its header; memory stays', async () => {
  const { broker, port } = await startBroker()
  const before = process.memoryUsage().rss
  const clients = Array.from({ length: 100 }, () => rawTcp(port))
  for (const client of clients) drip(client, HUGE_CONNECT)
  await Promise.all(clients.map(({ closed }) => closed))
  expect(broker.stats().cut).toEqual({ frame_too_large: 100 })
  expect(broker.stats().bytesIn).toBeLessThan(100 * 16 * 1_024)
  expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1_024 * 1_024)
})

test('case 31: a CONNECT just small enough, dripped, is cut at the CONNECT deadline', async () => {
  const { broker, port } = await startBroker({ limits: { connectMs: 200 } })
  const clients = Array.from({ length: 50 }, () => rawTcp(port))
  // 16,383 bytes in all: one below the limit.
  for (const client of clients) drip(client, Buffer.from([0x10, 0xfc, 0x7f, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0]))
  await Promise.all(clients.map(({ closed }) => closed))
  expect(broker.stats().cut).toEqual({ connect_timeout: 50 })
})

test('a remaining length of five bytes is no MQTT', async () => {
  const { broker, port } = await startBroker()
  const client = rawTcp(port)
  client.send(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01]))
  await client.closed
  expect(broker.stats().cut).toEqual({ malformed: 1 })
})

test('after authentication a packet may have 256 KiB and not one byte more', async () => {
  const { port, telemetry, audits } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  // Header of 4 bytes, topic of 2 + 23, packet id of 2.
  const payload = Buffer.alloc(256 * 1_024 - 31, 0x20)
  client.send(publishPacket({ payload }))
  await client.next('puback')
  expect(telemetry.entries[0]!.payload.length).toBe(payload.length)
  client.send(publishPacket({ payload: Buffer.concat([payload, Buffer.from(' ')]) }))
  await client.closed
  expect(telemetry.length).toBe(1)
  expect(audits.entries).toMatchObject([{ action: 'protocol_violation', detail: expect.stringContaining('262145') }])
})

test('what is taken in of a flood of tiny readings stays near what is dealt with; the rest waits at the sender', async () => {
  const packet = generate(publishPacket({ payload: '{"rpm":1}', qos: 0 }))
  const total = 100_000
  let dealtWith = 0
  let aheadMost = 0
  const { broker, port, telemetry } = await startBroker({
    limits: { packetsPerSecond: 1e9 },
    onTelemetry: async (messages) => {
      aheadMost = Math.max(aheadMost, broker.stats().bytesIn - dealtWith)
      for (const message of messages) telemetry.push(message)
      dealtWith += messages.length * packet.length
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  const device = await connected(port, tokenOf('cred_a'))
  device.stream.write(Buffer.concat(Array<Buffer>(total).fill(packet)))
  await telemetry.reaches(total)
  expect(aheadMost).toBeLessThan(512 * 1_024)
})

test('the larger frame is only for who has proved who they are', async () => {
  const { port, broker } = await startBroker()
  const client = rawTcp(port)
  const password = Buffer.alloc(17 * 1_024, 0x20)
  client.send(connectPacket({ username: tokenOf('cred_a'), password }))
  await client.closed
  expect(broker.stats().cut).toEqual({ frame_too_large: 1 })
})

test('silence after accept is cut; a known device that then publishes is not', async () => {
  const { broker, port } = await startBroker({ limits: { connectMs: 100 } })
  const device = await connected(port, tokenOf('cred_a'))
  await rawTcp(port).closed
  expect(broker.stats().cut).toEqual({ connect_timeout: 1 })
  device.send(publishPacket())
  await device.next('puback')
})

test('more than so many new connections a second from one address are turned away', async () => {
  const { broker, port } = await startBroker({ limits: { connectionsPerSecond: 20 } })
  const clients = Array.from({ length: 60 }, () => rawTcp(port))
  const away = new Journal<RawClient>()
  for (const client of clients) void client.closed.then(() => away.push(client))
  await away.reaches(35)
  expect(broker.stats().cut.connection_rate).toBeGreaterThanOrEqual(35)
  for (const client of clients) client.destroy()
})

test('connections are bounded in number; the clients there are keep theirs', async () => {
  const { broker, port } = await startBroker({ limits: { connectionsMax: 3 } })
  const device = await connected(port, tokenOf('cred_a'))
  const waiting = [rawTcp(port), rawTcp(port)]
  await Promise.all(waiting.map(({ stream }) => new Promise((resolve) => stream.once('connect', resolve))))
  await rawTcp(port).closed
  expect(broker.stats().cut).toEqual({ connections_max: 1 })
  device.send(publishPacket())
  await device.next('puback')
  for (const client of waiting) client.destroy()
})

test('case 32: with the waiting room full of silent sockets, known devices connect and publish', async () => {
  const silent = 2_000
  const { broker, port, telemetry } = await startBroker({
    limits: { connectionsPerSecond: 100_000, unauthenticatedMax: 500 },
  })
  const known = await connected(port, tokenOf('cred_a'), { clientId: 'before' })
  const idle = Array.from({ length: silent }, () => rawClient(connectTcp({ port, host: '127.0.0.1' })))
  onTestFinished(() => {
    for (const client of idle) client.destroy()
  })
  // Every tenth is slow on purpose rather than silent.
  for (const client of idle.filter((_, i) => i % 10 === 0)) client.send(Buffer.from([0x10, 0xfc, 0x7f, 0, 4]))
  const cut = new Journal<void>()
  for (const client of idle) void client.closed.then(() => cut.push())
  await cut.reaches(silent - 500)
  expect(broker.stats().cut.unauthenticated_max).toBeGreaterThanOrEqual(silent - 500)
  const late = await connected(port, tokenOf('cred_b'), { clientId: 'after' })
  for (let i = 1; i <= 50; i++) {
    known.send(publishPacket({ messageId: i }))
    late.send(publishPacket({ messageId: i }))
    await Promise.all([known.next('puback'), late.next('puback')])
  }
  expect(telemetry.length).toBe(100)
})

test('a packet begun and not ended is cut, even with keep-alive off', async () => {
  const { broker, port } = await startBroker({ limits: { frameMs: 50 } })
  const client = await connected(port, tokenOf('cred_a'), { keepalive: 0 })
  client.send(Buffer.from([0x30, 0x7f, 0x00]))
  await client.closed
  expect(broker.stats().cut).toEqual({ frame_timeout: 1 })
})

test('a client that does not read what it is sent is cut, and its neighbours do not notice', async () => {
  const { broker, port } = await startBroker({ limits: { drainMs: 100, downlinkBytes: 1_000_000 } })
  const deaf = await connected(port, tokenOf('cred_a'))
  deaf.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'v1/devices/me/attributes', qos: 0 }] })
  await deaf.next('suback')
  const neighbour = await connected(port, tokenOf('cred_b'))
  deaf.stream.pause()
  const big = { text: 'x'.repeat(500_000) }
  for (let i = 0; i < 40; i++) broker.pushAttributes('dev_a', big)
  for (let i = 1; broker.stats().clients > 1; i++) {
    neighbour.send(publishPacket({ messageId: (i % 60_000) + 1 }))
    await neighbour.next('puback')
  }
  deaf.stream.resume()
  await deaf.closed
})
