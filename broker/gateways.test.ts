import { expect, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket, type RawClient } from './testing/raw-client.ts'

let lastId = 0
const say = async (client: RawClient, topic: string, payload: unknown): Promise<void> => {
  lastId = (lastId % 60_000) + 1
  client.send(publishPacket({ topic, payload: JSON.stringify(payload), messageId: lastId }))
  await client.next('puback')
}

async function gatewayOn(port: number) {
  const gateway = await connected(port, tokenOf('cred_g'), { clientId: 'gateway' })
  const topics = ['v1/gateway/rpc', 'v1/gateway/attributes', 'v1/gateway/attributes/response']
  gateway.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
  await gateway.next('suback')
  return gateway
}

test('a gateway announces its devices; they are present until it says otherwise or goes', async () => {
  const { broker, port, presence } = await startBroker()
  const gateway = await gatewayOn(port)
  await say(gateway, 'v1/gateway/connect', { device: 'SN-1' })
  await say(gateway, 'v1/gateway/connect', { device: 'SN-1' })
  await say(gateway, 'v1/gateway/connect', { device: 'SN-2' })
  await say(gateway, 'v1/gateway/connect', { device: 'not registered' })
  await say(gateway, 'v1/gateway/disconnect', { device: 'SN-1' })
  expect(broker.isPresent('dev_SN-1')).toBe(false)
  expect(broker.isPresent('dev_SN-2')).toBe(true)
  gateway.destroy()
  await presence.find(({ deviceId, state }) => deviceId === 'dev_g' && state === 'disconnected')
  expect(presence.entries.map(({ deviceId, state, graceful }) => [deviceId, state, graceful])).toEqual([
    ['dev_g', 'connected', true],
    ['dev_SN-1', 'connected', true],
    ['dev_SN-2', 'connected', true],
    ['dev_SN-1', 'disconnected', true],
    ['dev_SN-2', 'disconnected', false],
    ['dev_g', 'disconnected', false],
  ])
})

test('connect and disconnect in one breath end as they were said, however slow the look-up', async () => {
  const { broker, port } = await startBroker({
    findGatewayDevice: async ({ name }) => {
      await new Promise((resolve) => setImmediate(resolve))
      return { deviceId: `dev_${name}` }
    },
  })
  const gateway = await gatewayOn(port)
  gateway.send(
    publishPacket({ topic: 'v1/gateway/connect', payload: '{"device":"SN-1"}', messageId: 1 }),
    publishPacket({ topic: 'v1/gateway/disconnect', payload: '{"device":"SN-1"}', messageId: 2 }),
  )
  await gateway.next('puback')
  await gateway.next('puback')
  expect(broker.isPresent('dev_SN-1')).toBe(false)
})

test("telemetry of a gateway's devices goes to its receiver whole", async () => {
  const { port, gatewayTelemetry } = await startBroker()
  const gateway = await gatewayOn(port)
  await say(gateway, 'v1/gateway/telemetry', { 'SN-1': [{ ts: 1, values: { a: 1 } }] })
  expect(gatewayTelemetry.entries).toMatchObject([{ deviceId: 'dev_g', topic: 'v1/gateway/telemetry' }])
})

test('a command to a device behind a gateway goes through it and is answered for it', async () => {
  const { broker, port } = await startBroker()
  const gateway = await gatewayOn(port)
  await say(gateway, 'v1/gateway/connect', { device: 'SN-1' })
  const result = broker.sendCommand('dev_SN-1', { method: 'selfTest', params: { a: 1 }, timeoutMs: 5_000 })
  const command = await gateway.next('publish')
  expect(command.topic).toBe('v1/gateway/rpc')
  const { device, data } = JSON.parse(command.payload.toString())
  expect({ device, method: data.method, params: data.params }).toEqual({
    device: 'SN-1',
    method: 'selfTest',
    params: { a: 1 },
  })
  // An answer in another child's name is nobody's.
  await say(gateway, 'v1/gateway/rpc', { device: 'SN-2', id: data.id, data: { wrong: true } })
  await say(gateway, 'v1/gateway/rpc', { device: 'SN-1', id: data.id, data: { ok: true } })
  expect(await result).toEqual({ outcome: 'response', response: { ok: true } })
})

test("shared attributes of a gateway's device go through it", async () => {
  const { broker, port } = await startBroker()
  const gateway = await gatewayOn(port)
  expect(broker.pushAttributes('dev_SN-1', { interval: 5 })).toBe(false)
  await say(gateway, 'v1/gateway/connect', { device: 'SN-1' })
  expect(broker.pushAttributes('dev_SN-1', { interval: 5 })).toBe(true)
  const update = await gateway.next('publish')
  expect(update.topic).toBe('v1/gateway/attributes')
  expect(JSON.parse(update.payload.toString())).toEqual({ device: 'SN-1', data: { interval: 5 } })
})

test.each([
  [
    { id: 7, device: 'SN-1', client: true, key: 'firmware' },
    { id: 7, device: 'SN-1', value: '1.4.2' },
  ],
  [
    { id: 8, device: 'SN-1', client: false, keys: ['interval'] },
    { id: 8, device: 'SN-1', values: { interval: 60 } },
  ],
  [
    { id: 9, device: 'SN-1', client: true, key: '__proto__' },
    { id: 9, device: 'SN-1', value: null },
  ],
])('a gateway asks for attributes of its device: %j', async (question, expected) => {
  const { port } = await startBroker()
  const gateway = await gatewayOn(port)
  await say(gateway, 'v1/gateway/attributes/request', question)
  const answer = await gateway.next('publish')
  expect(answer.topic).toBe('v1/gateway/attributes/response')
  expect(JSON.parse(answer.payload.toString())).toEqual(expected)
})

test("a gateway that is removed takes its devices' presence along; a moved device is forgotten", async () => {
  const { broker, port, presence } = await startBroker()
  const gateway = await gatewayOn(port)
  await say(gateway, 'v1/gateway/connect', { device: 'SN-1' })
  await say(gateway, 'v1/gateway/connect', { device: 'SN-2' })
  expect(await broker.dropSessions({ deviceId: 'dev_SN-1' })).toBe(0)
  expect(broker.isPresent('dev_SN-1')).toBe(false)
  expect(await broker.dropSessions({ deviceId: 'dev_g' })).toBe(1)
  await presence.find(({ deviceId, state }) => deviceId === 'dev_SN-2' && state === 'disconnected')
})
