import { expect, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket, type RawClient } from './testing/raw-client.ts'

const COMMANDS = 'v1/devices/me/rpc/request/+'

async function listening(
  port: number,
  credential: string,
  options: { clientId?: string; clean?: boolean; qos?: 0 | 1 } = {},
) {
  const { qos = 1, ...rest } = options
  const client = await connected(port, tokenOf(credential), rest)
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: COMMANDS, qos }] })
  await client.next('suback')
  return client
}

/** Answers the next command it is sent, and acknowledges it. */
async function answerNext(client: RawClient, payload = '{"done":true}') {
  const command = await client.next('publish')
  if (command.qos > 0) client.send({ cmd: 'puback', messageId: command.messageId! })
  client.send(publishPacket({ topic: command.topic.replace('request', 'response'), payload, messageId: 99 }))
  return command
}

test('a command reaches the device and is done when the device answers', async () => {
  const { broker, port } = await startBroker()
  const device = await listening(port, 'cred_a')
  const result = broker.sendCommand('dev_a', { method: 'selfTest', params: { fan: true }, timeoutMs: 5_000 })
  const command = await answerNext(device)
  expect(command).toMatchObject({ qos: 1, retain: false, dup: false })
  expect(JSON.parse(command.payload.toString())).toEqual({ method: 'selfTest', params: { fan: true } })
  expect(await result).toEqual({ outcome: 'response', response: { done: true } })
})

test.each([
  ['arrays', '['.repeat(50_000) + ']'.repeat(50_000)],
  ['objects', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
])('an answer nested deeper than can be handed on is none: %s', async (_what, payload) => {
  const { broker, port } = await startBroker()
  const device = await listening(port, 'cred_a')
  const result = broker.sendCommand('dev_a', { method: 'state', timeoutMs: 5_000 })
  await answerNext(device, payload)
  expect(await result).toEqual({ outcome: 'response', response: null })
})

test('brackets in a text, after an escaped quote too, are no nesting', async () => {
  const { broker, port } = await startBroker()
  const device = await listening(port, 'cred_a')
  const result = broker.sendCommand('dev_a', { method: 'state', timeoutMs: 5_000 })
  const text = `"\\${'['.repeat(200)}`
  await answerNext(device, JSON.stringify({ text }))
  expect(await result).toEqual({ outcome: 'response', response: { text } })
})

test('questions cost a device more than readings: it is read slower, and its neighbour is not', async () => {
  const { port } = await startBroker({ limits: { packetsPerSecond: 1_000, packetsPerQuestion: 60_000 } })
  const device = await connected(port, tokenOf('cred_a'))
  const topic = 'v1/devices/me/attributes/response/+'
  device.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] })
  await device.next('suback')
  const question = publishPacket({ topic: 'v1/devices/me/attributes/request/1', payload: '{"clientKeys":"a"}', qos: 0 })
  device.send(...Array.from({ length: 4 }, () => question), { cmd: 'pingreq' })
  await device.next('pingresp')
  const paid = publishPacket({ messageId: 7 })
  device.send(paid)
  const neighbour = await connected(port, tokenOf('cred_b'))
  neighbour.send(paid)
  await neighbour.next('puback')
  // Four cost four minutes' worth: the reading behind them waits for its turn.
  expect(device.heard.entries.filter(({ cmd }) => cmd === 'puback')).toEqual([])
  expect(device.heard.entries.filter(({ cmd }) => cmd === 'publish').length).toBe(4)
})

test('delivered but not answered is a time-out; the late answer changes nothing', async () => {
  const { broker, port } = await startBroker()
  const device = await listening(port, 'cred_a')
  const result = broker.sendCommand('dev_a', { method: 'selfTest', timeoutMs: 30 })
  const command = await device.next('publish')
  expect(await result).toEqual({ outcome: 'timeout' })
  device.send(publishPacket({ topic: command.topic.replace('request', 'response') }))
  await device.next('puback')
  expect(broker.stats().commandsPending).toBe(0)
})

test('a device that is not there, or has not subscribed, is offline', async () => {
  const { broker, port } = await startBroker()
  expect(await broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })).toEqual({ outcome: 'offline' })
  await connected(port, tokenOf('cred_a'))
  expect(await broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })).toEqual({ outcome: 'offline' })
})

test('"me" is only me: every command reaches its own device, whatever the neighbours subscribe to', async () => {
  const { broker, port } = await startBroker()
  // Same client id, same filter, other devices: as alike as they can be.
  const a = await listening(port, 'cred_a', { clientId: 'twin', clean: false })
  const b = await listening(port, 'cred_b', { clientId: 'twin', clean: false })
  const toA = Array.from({ length: 10 }, (_, i) => broker.sendCommand('dev_a', { method: `a${i}`, timeoutMs: 5_000 }))
  const toB = Array.from({ length: 10 }, (_, i) => broker.sendCommand('dev_b', { method: `b${i}`, timeoutMs: 5_000 }))
  for (let i = 0; i < 10; i++) {
    expect(JSON.parse((await answerNext(a)).payload.toString()).method).toBe(`a${i}`)
    expect(JSON.parse((await answerNext(b)).payload.toString()).method).toBe(`b${i}`)
  }
  for (const result of [...toA, ...toB]) expect((await result).outcome).toBe('response')
})

test('another device cannot answer in its place', async () => {
  const { broker, port } = await startBroker()
  const a = await listening(port, 'cred_a')
  const b = await listening(port, 'cred_b')
  const result = broker.sendCommand('dev_a', { method: 'open', timeoutMs: 5_000 })
  const command = await a.next('publish')
  const answer = command.topic.replace('request', 'response')
  b.send(publishPacket({ topic: answer, payload: '{"from":"b"}' }))
  await b.next('puback')
  a.send(publishPacket({ topic: answer, payload: '{"from":"a"}' }))
  expect(await result).toEqual({ outcome: 'response', response: { from: 'a' } })
})

test('a command to a sleeping device waits in its stored session', async () => {
  const { broker, port, presence } = await startBroker()
  const asleep = await listening(port, 'cred_a', { clean: false })
  const other = await listening(port, 'cred_b', { clean: false })
  asleep.destroy()
  await presence.find(({ state }) => state === 'disconnected')
  const results = [1, 2, 3].map((n) => broker.sendCommand('dev_a', { method: `m${n}`, timeoutMs: 5_000 }))
  const awake = await connected(port, tokenOf('cred_a'), { clean: false })
  expect(awake.heard.entries[0]).toMatchObject({ cmd: 'connack', sessionPresent: true })
  for (const n of [1, 2, 3]) expect(JSON.parse((await answerNext(awake)).payload.toString()).method).toBe(`m${n}`)
  for (const result of results) expect((await result).outcome).toBe('response')
  expect(other.heard.entries.some(({ cmd }) => cmd === 'publish')).toBe(false)
})

test('a command nobody took in time is taken back: a lock does not open hours later', async () => {
  const { broker, port, presence } = await startBroker()
  const asleep = await listening(port, 'cred_a', { clean: false })
  asleep.destroy()
  await presence.find(({ state }) => state === 'disconnected')
  expect(await broker.sendCommand('dev_a', { method: 'unlock', timeoutMs: 20 })).toEqual({ outcome: 'offline' })
  const awake = await connected(port, tokenOf('cred_a'), { clean: false })
  awake.send({ cmd: 'pingreq' })
  await awake.next('pingresp')
  expect(awake.heard.entries.some(({ cmd }) => cmd === 'publish')).toBe(false)
})

test('an unacknowledged command comes again after a reconnect, marked as a repeat [MQTT-3.3.1-1]', async () => {
  const { broker, port } = await startBroker()
  const first = await listening(port, 'cred_a', { clean: false })
  const result = broker.sendCommand('dev_a', { method: 'selfTest', timeoutMs: 5_000 })
  const sent = await first.next('publish')
  first.destroy()
  const second = await connected(port, tokenOf('cred_a'), { clean: false })
  const again = await answerNext(second)
  expect(again).toMatchObject({ dup: true, messageId: sent.messageId!, topic: sent.topic })
  expect((await result).outcome).toBe('response')
})

test('an acknowledged command does not come again', async () => {
  const { broker, port, presence } = await startBroker()
  const first = await listening(port, 'cred_a', { clean: false })
  const result = broker.sendCommand('dev_a', { method: 'selfTest', timeoutMs: 5_000 })
  await answerNext(first)
  await result
  first.send({ cmd: 'disconnect' })
  await presence.find(({ state }) => state === 'disconnected')
  const second = await connected(port, tokenOf('cred_a'), { clean: false })
  second.send({ cmd: 'pingreq' })
  await second.next('pingresp')
  expect(second.heard.entries.some(({ cmd }) => cmd === 'publish')).toBe(false)
})

test('mixed subscriptions lose nothing on the way: QoS 0 attributes between QoS 1 commands', async () => {
  const { broker, port } = await startBroker()
  const device = await listening(port, 'cred_a', { clean: false })
  device.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'v1/devices/me/attributes', qos: 0 }] })
  await device.next('suback')
  const results = []
  for (let i = 0; i < 20; i++) {
    if (i % 2 === 0) results.push(broker.sendCommand('dev_a', { method: `m${i}`, timeoutMs: 5_000 }))
    expect(broker.pushAttributes('dev_a', { interval: i })).toBe(true)
  }
  await device.heard.until(() => device.heard.entries.filter(({ cmd }) => cmd === 'publish').length === 30)
  for (const packet of device.heard.entries) {
    if (packet.cmd !== 'publish' || packet.qos === 0) continue
    device.send(publishPacket({ topic: packet.topic.replace('request', 'response'), payload: '1', messageId: 50 }))
  }
  for (const result of results) expect(await result).toEqual({ outcome: 'response', response: 1 })
})

test('commands to one device are bounded', async () => {
  const { broker, port } = await startBroker({ limits: { commandsPerDevice: 2 } })
  await listening(port, 'cred_a')
  const results = [1, 2].map(() => broker.sendCommand('dev_a', { method: 'slow', timeoutMs: 50 }))
  await expect(broker.sendCommand('dev_a', { method: 'slow', timeoutMs: 50 })).rejects.toMatchObject({
    code: 'RATE_LIMITED',
  })
  for (const result of results) expect((await result).outcome).toBe('timeout')
  await expect(
    broker.sendCommand('dev_a', { method: 'big', params: 'x'.repeat(70_000), timeoutMs: 50 }),
  ).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
})

test('removing a device ends its commands and empties its queue', async () => {
  const { broker, port, presence } = await startBroker()
  const asleep = await listening(port, 'cred_a', { clean: false })
  asleep.destroy()
  await presence.find(({ state }) => state === 'disconnected')
  const result = broker.sendCommand('dev_a', { method: 'open', timeoutMs: 60_000 })
  expect(broker.stats().storedSessions).toBe(1)
  await broker.dropSessions({ deviceId: 'dev_a' })
  expect(await result).toEqual({ outcome: 'offline' })
  expect(broker.stats()).toMatchObject({ storedSessions: 0, commandsPending: 0 })
})

test('a device asks for its attributes and gets them on the number it asked with', async () => {
  const asked: unknown[] = []
  const { port } = await startBroker({
    onAttributesRequest: (request) => {
      asked.push(request)
      return { client: { firmware: '1.4.2' }, shared: { interval: 60 } }
    },
  })
  const device = await connected(port, tokenOf('cred_a'))
  device.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: 'v1/devices/me/attributes/response/+', qos: 1 }],
  })
  await device.next('suback')
  const topic = 'v1/devices/me/attributes/request/42'
  device.send(publishPacket({ topic, payload: '{"clientKeys":"firmware, model","sharedKeys":"interval"}' }))
  const answer = await device.next('publish')
  expect(answer.topic).toBe('v1/devices/me/attributes/response/42')
  expect(JSON.parse(answer.payload.toString())).toEqual({ client: { firmware: '1.4.2' }, shared: { interval: 60 } })
  expect(asked).toEqual([
    {
      brandId: 'brand_one',
      deviceId: 'dev_a',
      credentialId: 'cred_a',
      clientKeys: ['firmware', 'model'],
      sharedKeys: ['interval'],
    },
  ])
})

test.each([
  ['unknown', '{"method":"makeCoffee"}'],
  ['unreadable', 'time please'],
])('a request of the device itself is answered: %s', async (_what, payload) => {
  const { port } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'))
  device.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'v1/devices/me/rpc/response/+', qos: 0 }] })
  await device.next('suback')
  device.send(publishPacket({ topic: 'v1/devices/me/rpc/request/5', payload, qos: 0 }))
  const answer = await device.next('publish')
  expect(answer.topic).toBe('v1/devices/me/rpc/response/5')
  expect(JSON.parse(answer.payload.toString())).toEqual({ error: 'METHOD_UNKNOWN' })
})
