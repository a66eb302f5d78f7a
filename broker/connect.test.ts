import { expect, test } from 'vitest'
import { tokenHash } from '#platform'
import type { Credential } from './identity.ts'
import { DEVICES, startBroker, tokenOf } from './testing/broker-fixture.ts'
import { Journal } from './testing/journal.ts'
import { connected, connectPacket, publishPacket, rawTcp } from './testing/raw-client.ts'

const will = (topic: string) => ({ topic, payload: Buffer.from('{"last":1}'), qos: 1 as const, retain: false })

test.each([
  ['an unknown token', { username: 'no-such-token' }, 4],
  ['no user name and no certificate', {}, 5],
  ['a client id of 65 characters', { username: tokenOf('cred_a'), clientId: 'x'.repeat(65) }, 2],
  ['a client id every object inherits', { username: tokenOf('cred_a'), clientId: '__proto__' }, 2],
  ['another', { username: tokenOf('cred_a'), clientId: 'constructor' }, 2],
  ['and another', { username: tokenOf('cred_a'), clientId: 'toString' }, 2],
  ['a client id with a control character', { username: tokenOf('cred_a'), clientId: 'a\u0000b' }, 2],
  ['a will on a foreign topic', { username: tokenOf('cred_a'), will: will('v1/devices/other/telemetry') }, 5],
  ['a will with a wildcard', { username: tokenOf('cred_a'), will: will('v1/devices/me/#') }, 5],
  ['a will that asks for something', { username: tokenOf('cred_a'), will: will('v1/devices/me/rpc/request/1') }, 5],
  ['a gateway will of a device', { username: tokenOf('cred_a'), will: will('v1/gateway/telemetry') }, 5],
])('%s is refused', async (_what, options, code) => {
  const { port, broker, presence } = await startBroker()
  const client = rawTcp(port)
  client.send(connectPacket(options))
  expect(await client.next('connack')).toMatchObject({ returnCode: code, sessionPresent: false })
  await client.closed
  expect(presence.length).toBe(0)
  expect(broker.stats().clients).toBe(0)
})

test('an empty client id without a clean session is refused [MQTT-3.1.3-8]', async () => {
  const { port } = await startBroker()
  const client = rawTcp(port)
  // By hand: packet libraries refuse to write it.
  client.send(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 0, 0, 0]))
  expect((await client.next('connack')).returnCode).toBe(2)
  await client.closed
})

test.each([
  ['64 characters', { clientId: 'x'.repeat(64) }],
  ['an empty client id with a clean session', { clientId: '', clean: true }],
  ['Chinese characters', { clientId: '净化器一号' }],
  ['MQTT 3.1', { protocolId: 'MQIsdp' as const, protocolVersion: 3 as const }],
])('%s is accepted', async (_what, options) => {
  const { port } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'), options)
  client.send(publishPacket())
  await client.next('puback')
})

test('two clients without an id are two clients', async () => {
  const { port, broker } = await startBroker()
  const first = await connected(port, tokenOf('cred_a'), { clientId: '' })
  await connected(port, tokenOf('cred_a'), { clientId: '' })
  expect(broker.stats().clients).toBe(2)
  expect(first.isClosed()).toBe(false)
})

test('case 33: an MQTT 5 CONNECT gets CONNACK 1, with or without properties', async () => {
  const { port } = await startBroker()
  for (const properties of [undefined, { sessionExpiryInterval: 60 }]) {
    const client = rawTcp(port)
    client.send(
      connectPacket({ protocolVersion: 5, username: tokenOf('cred_a'), ...(properties ? { properties } : {}) }),
    )
    const bytes = await new Promise<Buffer>((resolve) => client.stream.once('data', resolve))
    expect([...bytes]).toEqual([0x20, 2, 0, 1])
    await client.closed
  }
})

test.each([
  ['a level nobody knows', [0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2, 0, 0, 0, 0]],
  ['a bridge', [0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 0x84, 2, 0, 0, 0, 0]],
])('%s gets CONNACK 1 [MQTT-3.1.2-2]', async (_what, bytes) => {
  const { port } = await startBroker()
  const client = rawTcp(port)
  client.send(Buffer.from(bytes))
  expect((await client.next('connack')).returnCode).toBe(1)
})

test.each([
  ['PUBLISH before CONNECT', publishPacket()],
  ['SUBSCRIBE before CONNECT', Buffer.from([0x82, 6, 0, 1, 0, 1, 0x61, 0])],
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a protocol name of its own', Buffer.from([0x10, 12, 0, 4, 0x41, 0x4d, 0x51, 0x50, 4, 2, 0, 0, 0, 0])],
])('case 33: %s closes the connection without an answer', async (_what, packet) => {
  const { port, broker } = await startBroker()
  const client = rawTcp(port)
  client.send(packet)
  await client.closed
  expect(client.heard.entries).toEqual([])
  expect(broker.stats().connections).toBe(0)
})

test('case 33: a second CONNECT closes the connection [MQTT-3.1.0-2]', async () => {
  const { port } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  client.send(connectPacket({ username: tokenOf('cred_a') }))
  await client.closed
})

test.each([
  ['PUBLISH', Buffer.from([0x32, 7, 0, 1, 0x61, 0, 0, 0x7b, 0x7d])],
  ['SUBSCRIBE', Buffer.from([0x82, 6, 0, 0, 0, 1, 0x61, 0])],
  ['UNSUBSCRIBE', Buffer.from([0xa2, 5, 0, 0, 0, 1, 0x61])],
  ['PUBREL', Buffer.from([0x62, 2, 0, 0])],
])('case 33: packet id 0 in %s closes the connection [MQTT-2.3.1-1]', async (_what, bytes) => {
  const { port, audits, broker } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  client.send(bytes)
  await client.closed
  expect(broker.stats().cut.malformed).toBe(1)
  expect(audits.entries).toMatchObject([{ action: 'protocol_violation', deviceId: 'dev_a' }])
})

test('a lookup that fails is "come back later", not "unknown"', async () => {
  const { port } = await startBroker({ findCredential: () => Promise.reject(new Error('database')) })
  const client = rawTcp(port)
  client.send(connectPacket({ username: 'any' }))
  expect((await client.next('connack')).returnCode).toBe(3)
})

test('a lookup that never answers is given up', async () => {
  const { port } = await startBroker({ findCredential: () => new Promise(() => {}), limits: { authenticateMs: 20 } })
  const client = rawTcp(port)
  client.send(connectPacket({ username: 'any' }))
  expect((await client.next('connack')).returnCode).toBe(3)
})

test('the lookup sees a hash, never the token', async () => {
  const asked: unknown[] = []
  const { port } = await startBroker({
    findCredential: (key) => {
      asked.push(key)
      return null
    },
  })
  const client = rawTcp(port)
  client.send(connectPacket({ username: 'secret-token' }))
  await client.next('connack')
  expect(asked).toEqual([{ tokenHash: tokenHash('secret-token') }])
})

test('what a client sends behind its CONNECT in one breath is taken after the answer', async () => {
  const { port, telemetry } = await startBroker()
  const client = rawTcp(port)
  client.send(
    connectPacket({ username: tokenOf('cred_a') }),
    ...Array.from({ length: 300 }, (_, i) => publishPacket({ messageId: i + 1 })),
  )
  await telemetry.reaches(300)
  expect(client.heard.entries[0]).toMatchObject({ cmd: 'connack', returnCode: 0 })
})

test('case 34: one client id on two devices is two sessions; neither takes the other over', async () => {
  const { port, telemetry } = await startBroker()
  const a = await connected(port, tokenOf('cred_a'), { clientId: 'ESP32Client' })
  const b = await connected(port, tokenOf('cred_b'), { clientId: 'ESP32Client' })
  for (const client of [a, b]) client.send(publishPacket())
  await Promise.all([a.next('puback'), b.next('puback')])
  expect(telemetry.entries.map(({ deviceId }) => deviceId).sort()).toEqual(['dev_a', 'dev_b'])
  const [first, second] = telemetry.entries
  expect(first!.delivery!.session).not.toBe(second!.delivery!.session)
})

test('case 34: a live session is not taken over with another credential of the same device', async () => {
  const { port, audits, presence } = await startBroker()
  const holder = await connected(port, tokenOf('cred_a'), { clientId: 'purifier' })
  const other = rawTcp(port)
  other.send(connectPacket({ username: tokenOf('cred_a2'), clientId: 'purifier' }))
  expect((await other.next('connack')).returnCode).toBe(2)
  holder.send({ cmd: 'pingreq' })
  await holder.next('pingresp')
  expect(audits.entries).toMatchObject([{ action: 'session_refused', credentialId: 'cred_a2', detail: 'purifier' }])
  // Gone, the session is the device's again, whichever credential it comes with.
  holder.destroy()
  await holder.closed
  await presence.find(({ state }) => state === 'disconnected')
  await connected(port, tokenOf('cred_a2'), { clientId: 'purifier' })
})

test('case 34: the same credential takes its session over; the first is dropped and nothing is lost', async () => {
  const { port, telemetry, presence } = await startBroker()
  const options = { clientId: 'purifier', clean: false }
  const first = await connected(port, tokenOf('cred_a'), options)
  first.send(publishPacket({ messageId: 1 }))
  await first.next('puback')
  const second = await connected(port, tokenOf('cred_a'), options)
  await first.closed
  second.send(publishPacket({ messageId: 2 }))
  await second.next('puback')
  expect(telemetry.entries.map(({ delivery }) => delivery!.packetId)).toEqual([1, 2])
  // The device was there all the time.
  expect(presence.entries.map(({ state }) => state)).toEqual(['connected', 'connected'])
  expect(presence.entries[1]!.epoch).toBeGreaterThan(presence.entries[0]!.epoch)
})

test('case 34: the end of the connection that was taken over does not end the session', async () => {
  const { port, telemetry } = await startBroker()
  const first = await connected(port, tokenOf('cred_a'))
  const second = await connected(port, tokenOf('cred_a'))
  await first.closed
  // The hub sees the close of the first before this round trip is over.
  second.send({ cmd: 'pingreq' })
  await second.next('pingresp')
  for (const dup of [false, true]) {
    second.send(publishPacket({ qos: 2, messageId: 5, dup }))
    await second.next('pubrec')
  }
  expect(telemetry.length).toBe(1)
})

test('a device has a bounded number of clients at a time', async () => {
  const { port } = await startBroker({ limits: { sessionsPerDevice: 2 } })
  await connected(port, tokenOf('cred_a'), { clientId: 'one' })
  await connected(port, tokenOf('cred_a'), { clientId: 'two' })
  const third = rawTcp(port)
  third.send(connectPacket({ username: tokenOf('cred_a'), clientId: 'three' }))
  expect((await third.next('connack')).returnCode).toBe(3)
})

test('a revoked credential ends its live sessions, silently, and opens no more', async () => {
  const { broker, port, credentials, telemetry, presence } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'), { will: will('v1/devices/me/telemetry') })
  const bystander = await connected(port, tokenOf('cred_a2'), { clientId: 'other' })
  credentials.delete(tokenHash(tokenOf('cred_a')))
  expect(await broker.dropSessions({ credentialId: 'cred_a' })).toBe(1)
  await client.closed
  bystander.send({ cmd: 'pingreq' })
  await bystander.next('pingresp')
  expect(telemetry.length).toBe(0)
  const again = rawTcp(port)
  again.send(connectPacket({ username: tokenOf('cred_a') }))
  expect((await again.next('connack')).returnCode).toBe(4)
  expect(await broker.dropSessions({ deviceId: 'dev_a' })).toBe(1)
  await presence.find(({ state }) => state === 'disconnected')
})

test('a credential revoked while it is being looked up opens nothing', async () => {
  const asked = new Journal<(found: Credential | null) => void>()
  const { broker, port } = await startBroker({
    findCredential: () => new Promise((resolve) => asked.push(resolve)),
  })
  const client = rawTcp(port)
  client.send(connectPacket({ username: tokenOf('cred_a') }))
  const [answerOld] = await asked.reaches(1)
  expect(await broker.dropSessions({ credentialId: 'cred_a' })).toBe(0)
  answerOld!(DEVICES[0]!)
  const [, answerNew] = await asked.reaches(2)
  answerNew!(null)
  expect((await client.next('connack')).returnCode).toBe(4)
})
