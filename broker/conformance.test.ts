import { describe, expect, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, connectPacket, publishPacket, type RawClient, rawTcp } from './testing/raw-client.ts'

/**
 * The ten areas that interoperability suites for MQTT 3.1.1 brokers try, as far as our topics
 * allow them: there are no retained messages, no wildcards of the client's choosing and no
 * messages between clients, so "a message for a subscriber" is a command of the hub.
 */
const COMMANDS = 'v1/devices/me/rpc/request/+'
const ATTRIBUTES = 'v1/devices/me/attributes'

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2 = 1, messageId = 1) {
  client.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] })
  const answer = await client.next('suback')
  expect(answer.messageId).toBe(messageId)
  return answer.granted
}

/** A round trip: whatever the hub had to say before has been heard after it. */
async function quiet(client: RawClient): Promise<void> {
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
}

const publishesHeard = (client: RawClient): number => client.heard.entries.filter(({ cmd }) => cmd === 'publish').length

describe('1 basic', () => {
  test('connect, subscribe, publish in each QoS, be sent to, disconnect', async () => {
    const { broker, port, telemetry, presence } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'), { keepalive: 60 })
    expect(client.heard.entries[0]).toMatchObject({ cmd: 'connack', sessionPresent: false })
    expect(await subscribe(client, COMMANDS, 2)).toEqual([2])
    client.send(
      publishPacket({ qos: 0 }),
      publishPacket({ qos: 1, messageId: 10 }),
      publishPacket({ qos: 2, messageId: 11 }),
    )
    expect((await client.next('puback')).messageId).toBe(10)
    expect((await client.next('pubrec')).messageId).toBe(11)
    client.send({ cmd: 'pubrel', messageId: 11 })
    expect((await client.next('pubcomp')).messageId).toBe(11)
    const result = broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })
    const command = await client.next('publish')
    client.send({ cmd: 'puback', messageId: command.messageId! })
    client.send(publishPacket({ topic: command.topic.replace('request', 'response'), payload: '{}', messageId: 12 }))
    expect((await result).outcome).toBe('response')
    client.send({ cmd: 'disconnect' })
    await client.closed
    await presence.find(({ state, graceful }) => state === 'disconnected' && graceful)
    expect(telemetry.length).toBe(3)
  })

  test('a packet larger than one TCP segment, and many packets in one', async () => {
    const { port, telemetry } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    client.send(publishPacket({ payload: 'x'.repeat(200_000) }))
    await client.next('puback')
    client.send(...Array.from({ length: 200 }, (_, i) => publishPacket({ messageId: i + 2, payload: '' })))
    await telemetry.reaches(201)
  })
})

describe('2 retained messages', () => {
  test('are taken as readings and never sent to a later subscriber', async () => {
    const { port, attributes } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    client.send(publishPacket({ topic: ATTRIBUTES, payload: '{"firmware":"1"}', retain: true }))
    await client.next('puback')
    expect(await subscribe(client, ATTRIBUTES)).toEqual([1])
    await quiet(client)
    expect(publishesHeard(client)).toBe(0)
    expect(attributes.length).toBe(1)
  })
})

describe('3 zero-length client id', () => {
  test('is named by the hub with a clean session and refused without', async () => {
    const { port } = await startBroker()
    await connected(port, tokenOf('cred_a'), { clientId: '', clean: true })
    const refused = rawTcp(port)
    const username = Buffer.from(tokenOf('cred_a'))
    const body = Buffer.concat([
      Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0x80, 0, 0, 0, 0, 0, username.length]),
      username,
    ])
    refused.send(Buffer.concat([Buffer.from([0x10, body.length]), body]))
    expect((await refused.next('connack')).returnCode).toBe(2)
  })
})

describe('4 offline queueing', () => {
  test('messages for an absent client with a stored session come in order when it is back', async () => {
    const { broker, port, presence } = await startBroker()
    const before = await connected(port, tokenOf('cred_a'), { clean: false })
    await subscribe(before, ATTRIBUTES)
    before.send({ cmd: 'disconnect' })
    await presence.find(({ state }) => state === 'disconnected')
    for (let i = 0; i < 5; i++) expect(broker.pushAttributes('dev_a', { i })).toBe(true)
    const after = await connected(port, tokenOf('cred_a'), { clean: false })
    expect(after.heard.entries[0]).toMatchObject({ sessionPresent: true })
    for (let i = 0; i < 5; i++) {
      const packet = await after.next('publish')
      expect(JSON.parse(packet.payload.toString())).toEqual({ i })
      expect(packet.qos).toBe(1)
    }
  })

  test('the queue is bounded, and QoS 0 is not kept', async () => {
    const { broker, port, presence } = await startBroker({ limits: { queuedPerSession: 3 } })
    const a = await connected(port, tokenOf('cred_a'), { clean: false })
    const b = await connected(port, tokenOf('cred_b'), { clean: false })
    await subscribe(a, ATTRIBUTES, 1)
    await subscribe(b, ATTRIBUTES, 0)
    for (const client of [a, b]) client.destroy()
    await presence.until(() => presence.entries.filter(({ state }) => state === 'disconnected').length === 2)
    expect([1, 2, 3, 4].map((i) => broker.pushAttributes('dev_a', { i }))).toEqual([true, true, true, false])
    expect(broker.pushAttributes('dev_b', { i: 1 })).toBe(false)
  })

  test('a clean session forgets what was stored [MQTT-3.1.2-6]', async () => {
    const { broker, port, presence } = await startBroker()
    const before = await connected(port, tokenOf('cred_a'), { clean: false })
    await subscribe(before, ATTRIBUTES)
    before.destroy()
    await presence.find(({ state }) => state === 'disconnected')
    broker.pushAttributes('dev_a', { i: 1 })
    const clean = await connected(port, tokenOf('cred_a'), { clean: true })
    await quiet(clean)
    expect(clean.heard.entries[0]).toMatchObject({ sessionPresent: false })
    expect(publishesHeard(clean)).toBe(0)
    clean.send({ cmd: 'disconnect' })
    await clean.closed
    const later = await connected(port, tokenOf('cred_a'), { clean: false })
    expect(later.heard.entries[0]).toMatchObject({ sessionPresent: false })
  })

  test('a stored session without subscriptions is present all the same [MQTT-3.2.2-2]', async () => {
    const { port } = await startBroker()
    const publisher = await connected(port, tokenOf('cred_a'), { clean: false })
    publisher.send({ cmd: 'disconnect' })
    await publisher.closed
    const again = await connected(port, tokenOf('cred_a'), { clean: false })
    expect(again.heard.entries[0]).toMatchObject({ sessionPresent: true })
    await quiet(again)
  })
})

describe('5 will', () => {
  const will = { topic: 'v1/devices/me/telemetry', payload: Buffer.from('{"last":1}'), qos: 2 as const, retain: false }

  test('is published when the client vanishes', async () => {
    const { port, telemetry } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'), { will })
    client.destroy()
    const [message] = await telemetry.reaches(1)
    expect(message).toMatchObject({ will: true, payload: will.payload, deviceId: 'dev_a' })
  })

  test('is published when the client breaks the protocol, or is taken over', async () => {
    const { port, telemetry } = await startBroker()
    const rude = await connected(port, tokenOf('cred_a'), { will })
    rude.send(Buffer.from([0xf0, 0]))
    await telemetry.reaches(1)
    await connected(port, tokenOf('cred_b'), { will })
    await connected(port, tokenOf('cred_b'))
    await telemetry.reaches(2)
  })

  test('is not published after DISCONNECT [MQTT-3.14.4-3], nor for who may not publish', async () => {
    const { port, telemetry, presence } = await startBroker()
    const polite = await connected(port, tokenOf('cred_a'), { will })
    polite.send({ cmd: 'disconnect' })
    await presence.find(({ state }) => state === 'disconnected')
    const foreign = await connected(port, tokenOf('cred_b'), { will })
    foreign.send(publishPacket({ topic: 'v1/devices/dev_a/telemetry' }))
    await presence.find(({ deviceId, state }) => deviceId === 'dev_b' && state === 'disconnected')
    expect(telemetry.length).toBe(0)
  })
})

describe('6 overlapping subscriptions', () => {
  test('a message that two filters cover comes once', async () => {
    const { broker, port } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    await subscribe(client, COMMANDS, 0)
    for (let id = 1; id <= 5; id++) await subscribe(client, `v1/devices/me/rpc/request/${id}`, 1, id + 1)
    const result = broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })
    const command = await client.next('publish')
    client.send(publishPacket({ topic: command.topic.replace('request', 'response'), payload: '{}' }))
    await result
    await quiet(client)
    expect(publishesHeard(client)).toBe(1)
  })

  test('subscribing again replaces the QoS [MQTT-3.8.4-3]', async () => {
    const { broker, port } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    for (const qos of [0, 1, 0] as const) {
      expect(await subscribe(client, ATTRIBUTES, qos, qos + 1)).toEqual([qos])
      broker.pushAttributes('dev_a', { qos })
      expect((await client.next('publish')).qos).toBe(qos)
    }
  })
})

describe('7 keep-alive', () => {
  test('a client that pings stays; one that does not is closed after one and a half', async () => {
    const { port } = await startBroker()
    const pinging = await connected(port, tokenOf('cred_a'), { keepalive: 1 })
    const silent = await connected(port, tokenOf('cred_b'), { keepalive: 1 })
    const sinceMs = performance.now()
    while (!silent.isClosed()) {
      await quiet(pinging)
      await new Promise((resolve) => setImmediate(resolve))
    }
    // A lower bound of the standard, not a measure of speed.
    expect(performance.now() - sinceMs).toBeGreaterThan(1_000)
    expect(pinging.isClosed()).toBe(false)
  })
})

describe('8 redelivery on reconnect', () => {
  test('what was not acknowledged comes again with DUP and the same packet id, in order', async () => {
    const { broker, port } = await startBroker()
    const first = await connected(port, tokenOf('cred_a'), { clean: false })
    await subscribe(first, ATTRIBUTES)
    for (let i = 0; i < 3; i++) broker.pushAttributes('dev_a', { i })
    const sent = [await first.next('publish'), await first.next('publish'), await first.next('publish')]
    first.send({ cmd: 'puback', messageId: sent[1]!.messageId! })
    await quiet(first)
    first.destroy()
    const second = await connected(port, tokenOf('cred_a'), { clean: false })
    for (const expected of [sent[0]!, sent[2]!]) {
      expect(await second.next('publish')).toMatchObject({
        dup: true,
        messageId: expected.messageId!,
        payload: expected.payload,
      })
    }
    await quiet(second)
    expect(publishesHeard(second)).toBe(2)
  })

  test('a client that lost PUBACK sends again and is acknowledged again', async () => {
    const { port, telemetry } = await startBroker()
    const first = await connected(port, tokenOf('cred_a'), { clean: false })
    first.send(publishPacket({ messageId: 4 }))
    await telemetry.reaches(1)
    first.destroy()
    const second = await connected(port, tokenOf('cred_a'), { clean: false })
    second.send(publishPacket({ messageId: 4, dup: true }))
    await second.next('puback')
    const [a, b] = telemetry.entries
    expect(b!.delivery).toEqual({ ...a!.delivery, dup: true })
  })
})

describe('9 dollar topics', () => {
  test('are neither to be read nor written', async () => {
    const { port } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    expect(await subscribe(client, '$SYS/#')).toEqual([128])
    await quiet(client)
    expect(publishesHeard(client)).toBe(0)
    client.send(publishPacket({ topic: '$SYS/hub/heartbeat', qos: 0 }))
    await client.closed
  })
})

describe('10 unsubscribe and failing subscriptions', () => {
  test('after UNSUBSCRIBE nothing more comes, live or stored', async () => {
    const { broker, port } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'), { clean: false })
    await subscribe(client, ATTRIBUTES)
    await subscribe(client, COMMANDS, 1, 2)
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [ATTRIBUTES, 'never/subscribed'] })
    expect((await client.next('unsuback')).messageId).toBe(3)
    expect(broker.pushAttributes('dev_a', { i: 1 })).toBe(false)
    client.destroy()
    const again = await connected(port, tokenOf('cred_a'), { clean: false })
    expect(broker.pushAttributes('dev_a', { i: 2 })).toBe(false)
    const result = broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })
    const command = await again.next('publish')
    again.send(publishPacket({ topic: command.topic.replace('request', 'response'), payload: '{}' }))
    expect((await result).outcome).toBe('response')
  })

  test('a refused filter gets 0x80 in its place', async () => {
    const { port } = await startBroker()
    const client = await connected(port, tokenOf('cred_a'))
    client.send({
      cmd: 'subscribe',
      messageId: 9,
      subscriptions: [
        { topic: 'test/nosubscribe', qos: 2 },
        { topic: ATTRIBUTES, qos: 0 },
      ],
    })
    expect((await client.next('suback')).granted).toEqual([128, 0])
  })

  test('a CONNECT after a refusal on a new connection is judged anew', async () => {
    const { port } = await startBroker()
    const refused = rawTcp(port)
    refused.send(connectPacket({ username: 'wrong' }))
    await refused.closed
    await connected(port, tokenOf('cred_a'))
  })
})
