import { expect, test } from 'vitest'
import { newSecret, tokenHash } from '#platform'
import type { ProvisionAnswer, ProvisionRequest } from './options.ts'
import { startBroker } from './testing/broker-fixture.ts'
import { connected, connectPacket, publishPacket, type RawClient, rawTcp } from './testing/raw-client.ts'

const REQUEST = { deviceName: 'SN-9', provisionDeviceKey: 'key', provisionDeviceSecret: 'secret' }

async function asking(port: number): Promise<RawClient> {
  const client = await connected(port, 'provision')
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '/provision/response', qos: 1 }] })
  expect((await client.next('suback')).granted).toEqual([1])
  return client
}

const ask = async (client: RawClient, body: unknown): Promise<ProvisionAnswer> => {
  client.send(publishPacket({ topic: '/provision/request', payload: JSON.stringify(body) }))
  return JSON.parse((await client.next('publish')).payload.toString())
}

test('a new device gets its token and connects with it', async () => {
  const token = newSecret()
  const requests: [ProvisionRequest, string][] = []
  const fixture = await startBroker({
    provision: (request, address) => {
      requests.push([request, address])
      return { status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN', credentialsValue: token }
    },
  })
  const answer = await ask(await asking(fixture.port), REQUEST)
  expect(answer).toEqual({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN', credentialsValue: token })
  expect(requests).toEqual([[REQUEST, '127.0.0.1']])
  const device = { credentialId: 'cred_9', brandId: 'brand_one', deviceId: 'dev_9', kind: 'device' as const }
  fixture.credentials.set(tokenHash(token), device)
  await connected(fixture.port, token)
  expect(fixture.presence.entries.map(({ deviceId }) => deviceId)).toEqual(['dev_9'])
})

test('the session can do nothing else', async () => {
  const { port, telemetry } = await startBroker()
  const client = await asking(port)
  client.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'v1/devices/me/rpc/request/+', qos: 1 }] })
  expect((await client.next('suback')).granted).toEqual([128])
  client.send(publishPacket())
  await client.closed
  expect(telemetry.length).toBe(0)
  const withWill = rawTcp(port)
  const will = { topic: 'v1/devices/me/telemetry', payload: Buffer.from('{}'), qos: 0 as const, retain: false }
  withWill.send(connectPacket({ username: 'provision', will }))
  expect((await withWill.next('connack')).returnCode).toBe(5)
})

test.each([[{}], [{ ...REQUEST, deviceName: 7 }], [{ ...REQUEST, provisionDeviceSecret: '' }], [[REQUEST]]])(
  'a request that lacks something fails with what it lacks: %j',
  async (body) => {
    const { port } = await startBroker({ provision: () => Promise.reject(new Error('must not be asked')) })
    expect(await ask(await asking(port), body)).toMatchObject({
      status: 'FAILURE',
      errorMsg: expect.stringContaining('provisionDeviceKey'),
    })
  },
)

test('a failure inside stays inside', async () => {
  const { port } = await startBroker({ provision: () => Promise.reject(new Error('password of the database')) })
  const answer = await ask(await asking(port), REQUEST)
  expect(answer).toEqual({ status: 'FAILURE', errorMsg: 'The hub cannot provision now; try again later.' })
})

test('requests of one address are limited, over all its sessions', async () => {
  const { port } = await startBroker({ limits: { provisionsPerMinute: 2 } })
  const answers = []
  for (let i = 0; i < 3; i++) answers.push(await ask(await asking(port), REQUEST))
  const limited = answers.map((answer) => answer.status === 'FAILURE' && answer.errorMsg.startsWith('Too many'))
  expect(limited).toEqual([false, false, true])
})

test('who asks for provisioning has proved nothing: small packets only, and counted among strangers', async () => {
  const { broker, port } = await startBroker({ limits: { unauthenticatedMax: 2 } })
  const large = await asking(port)
  large.send(publishPacket({ topic: '/provision/request', payload: 'x'.repeat(16 * 1_024) }))
  await large.closed
  expect(broker.stats().cut).toEqual({ frame_too_large: 1 })
  const first = await asking(port)
  await asking(port)
  await asking(port)
  await first.closed
  expect(broker.stats().cut).toEqual({ frame_too_large: 1, unauthenticated_max: 1 })
})

test('the session ends after its time', async () => {
  const { broker, port } = await startBroker({ limits: { provisionSessionMs: 20 } })
  await (await connected(port, 'provision')).closed
  expect(broker.stats().cut.provision_over).toBe(1)
})

test('sessions of different devices under one client id do not disturb each other', async () => {
  const { port } = await startBroker()
  const first = await asking(port)
  await asking(port)
  expect((await ask(first, REQUEST)).status).toBe('FAILURE')
})
