import { expect, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket, type RawClient } from './testing/raw-client.ts'

const subscribe = (client: RawClient, ...topics: string[]) => {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
  return client.next('suback')
}
const levels = (count: number): string => Array.from({ length: count }, () => 'a').join('/')

test.each([
  ['another device', 'v1/devices/dev_b/telemetry'],
  ['a topic nobody has', 'weather'],
  ['a name every object inherits', '__proto__'],
  ['another', 'constructor'],
  ['and another', 'toString'],
  ['the broker itself', '$SYS/hub/new/clients'],
  ['a device as a gateway', 'v1/gateway/telemetry'],
  ['provisioning as a known device', '/provision/request'],
  ['a wildcard #', 'v1/devices/me/#'],
  ['a wildcard +', 'v1/devices/+/telemetry'],
  ['101 levels', levels(101)],
  ['a number that is none', 'v1/devices/me/rpc/response/x'],
  ['a NUL in the topic', 'v1/devices/me/telemetry\u0000'],
])('cases 29, 30: a publish to %s closes the connection and is written down', async (_what, topic) => {
  const { port, audits, telemetry, attributes, gatewayTelemetry } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  client.send(publishPacket({ topic, messageId: 1 }))
  await client.closed
  expect(client.heard.entries.map(({ cmd }) => cmd)).toEqual(['connack'])
  const [entry] = await audits.reaches(1)
  expect(entry).toMatchObject({ brandId: 'brand_one', deviceId: 'dev_a', address: '127.0.0.1' })
  expect(['publish_refused', 'protocol_violation']).toContain(entry!.action)
  expect(telemetry.length + attributes.length + gatewayTelemetry.length).toBe(0)
})

test('the standard subscriptions are granted', async () => {
  const { port } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'))
  const own = [
    'v1/devices/me/attributes',
    'v1/devices/me/attributes/response/+',
    'v1/devices/me/rpc/request/+',
    'v1/devices/me/rpc/response/+',
    'v1/devices/me/rpc/response/17',
  ]
  expect((await subscribe(device, ...own)).granted).toEqual([1, 1, 1, 1, 1])
  const gateway = await connected(port, tokenOf('cred_g'))
  const ofGateways = ['v1/gateway/attributes', 'v1/gateway/attributes/response', 'v1/gateway/rpc', ...own]
  expect((await subscribe(gateway, ...ofGateways)).granted).toEqual(Array(8).fill(1))
})

test.each([
  'v1/devices/me/telemetry',
  'v1/devices/me/#',
  'v1/devices/me/+',
  'v1/devices/+/attributes',
  'v1/devices/dev_b/attributes',
  'v1/devices/me/rpc/+/+',
  'v1/gateway/rpc',
  '/provision/response',
  '$SYS/#',
  '$session',
  '#',
  '+',
  '__proto__',
  'constructor',
])('cases 29, 30: a subscription to %s gets 0x80 and an audit entry', async (topic) => {
  const { port, audits } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  expect((await subscribe(client, topic)).granted).toEqual([128])
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
  if (topic !== '$session') expect(audits.entries).toMatchObject([{ action: 'subscribe_refused', detail: topic }])
})

test('a mixed SUBSCRIBE is answered filter by filter, and only what was granted is kept for later', async () => {
  const { port, broker } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'), { clean: false })
  const answer = await subscribe(client, 'v1/devices/me/rpc/request/+', '#')
  expect(answer.granted).toEqual([1, 128])
  client.destroy()
  const again = await connected(port, tokenOf('cred_a'), { clean: false })
  const sent = broker.sendCommand('dev_a', { method: 'ping', timeoutMs: 5_000 })
  const command = await again.next('publish')
  again.send(publishPacket({ topic: command.topic.replace('request', 'response'), payload: '{}' }))
  expect((await sent).outcome).toBe('response')
})

test('who keeps asking for foreign topics is closed, and the audit book stays short', async () => {
  const { port, audits } = await startBroker({ limits: { refusalsPerConnection: 3 } })
  const client = await connected(port, tokenOf('cred_a'))
  const subscriptions = Array.from({ length: 200 }, (_, i) => ({ topic: `other/${i}`, qos: 0 as const }))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
  await client.closed
  expect(audits.length).toBe(4)
})

test.each([
  ['NUL', 'v1/devices/me/telemetry\u0000'],
  ['a character cut in half by the length of an entry', `${'x'.repeat(255)}😀 and more`],
])('what is written down of a topic can be stored: %s', async (_what, topic) => {
  const { port, audits } = await startBroker()
  const client = await connected(port, tokenOf('cred_a'))
  client.send(publishPacket({ topic }))
  await client.closed
  const detail = (await audits.reaches(1))[0]!.detail
  expect(detail.isWellFormed()).toBe(true)
  expect(detail).not.toContain('\0')
})

test('a device that is closed for the same again and again does not fill the audit book', async () => {
  const { broker, port, audits } = await startBroker()
  for (let i = 0; i < 60; i++) {
    const client = await connected(port, tokenOf('cred_a'))
    client.send(publishPacket({ topic: 'v1/devices/dev_b/telemetry' }))
    await client.closed
  }
  const neighbour = await connected(port, tokenOf('cred_b'))
  neighbour.send(publishPacket({ topic: 'v1/devices/dev_a/telemetry' }))
  await neighbour.closed
  expect(broker.stats().cut).toEqual({ foreign_topic: 61 })
  expect(audits.entries.map(({ deviceId }) => deviceId)).toEqual([...Array(20).fill('dev_a'), 'dev_b'])
})

test('subscriptions of a session are bounded', async () => {
  const { port } = await startBroker({ limits: { subscriptionsPerSession: 2 } })
  const client = await connected(port, tokenOf('cred_a'))
  const answer = await subscribe(client, ...[1, 2, 3].map((id) => `v1/devices/me/rpc/request/${id}`))
  expect(answer.granted).toEqual([1, 1, 128])
})

test('nothing one client publishes reaches another, not even of the same device', async () => {
  const { port } = await startBroker()
  const listeners = await Promise.all([
    connected(port, tokenOf('cred_b'), { clientId: 'listener' }),
    connected(port, tokenOf('cred_a'), { clientId: 'listener' }),
  ])
  for (const client of listeners) await subscribe(client, 'v1/devices/me/attributes', 'v1/devices/me/rpc/request/+')
  const talker = await connected(port, tokenOf('cred_a'), { clientId: 'talker' })
  talker.send(
    publishPacket({ topic: 'v1/devices/me/attributes', payload: '{"firmware":"1"}', messageId: 1 }),
    publishPacket({ topic: 'v1/devices/me/rpc/request/1', payload: '{"method":"open"}', messageId: 2 }),
  )
  await talker.next('puback')
  await talker.next('puback')
  for (const client of listeners) {
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(client.heard.entries.map(({ cmd }) => cmd)).not.toContain('publish')
  }
})
