import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import mqtt from 'mqtt-packet'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import type { Credential } from './identity.ts'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { fingerprintOf, type Pair, testAuthority } from './testing/certificates.ts'
import { connectPacket, publishPacket, type RawClient, rawClient } from './testing/raw-client.ts'

const LOOPBACK = { port: 0, host: '127.0.0.1' }
const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return process.env.CI === 'true'
  }
})()

async function publishes(client: RawClient, username?: string): Promise<void> {
  client.send(connectPacket(username === undefined ? {} : { username }))
  expect(await client.next('connack')).toMatchObject({ returnCode: 0 })
  client.send(publishPacket())
  await client.next('puback')
}

const refusal = async (client: RawClient, username?: string): Promise<number | undefined> => {
  client.send(connectPacket(username === undefined ? {} : { username }))
  const { returnCode } = await client.next('connack')
  await client.closed
  return returnCode
}

describe('TLS', { skip: !hasOpenssl }, () => {
  const authority = hasOpenssl ? testAuthority('Test clients') : (null as never)
  const serverPair = hasOpenssl ? testAuthority('Test server').issue('localhost') : (null as never)
  const device: Credential = { credentialId: 'cred_c', brandId: 'brand_one', deviceId: 'dev_c', kind: 'device' }

  async function secureBroker(clientCa?: Buffer) {
    const tls = { ...LOOPBACK, ...serverPair, ...(clientCa ? { clientCa } : {}) }
    const fixture = await startBroker({ listeners: { tls } })
    const port = fixture.broker.addresses().tls!.port
    const client = (pair?: Pair, more = {}): RawClient => {
      const stream = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...pair, ...more })
      return rawClient(stream)
    }
    return { ...fixture, client, port }
  }

  test('a token works over TLS, with and without a client authority', async () => {
    for (const clientCa of [undefined, authority.cert]) {
      const { client } = await secureBroker(clientCa)
      await publishes(client(), tokenOf('cred_a'))
    }
  })

  test('a certificate of our authority that is bound to a device speaks for it', async () => {
    const pair = authority.issue('SN-1')
    const { client, credentials, telemetry } = await secureBroker(authority.cert)
    credentials.set(fingerprintOf(pair.cert), device)
    await publishes(client(pair))
    expect(telemetry.entries[0]).toMatchObject({ deviceId: 'dev_c', credentialId: 'cred_c' })
    // Resumed sessions of TLS 1.2 and full ones of 1.3 alike.
    await publishes(client(pair, { maxVersion: 'TLSv1.2' }))
  })

  test.each([
    ['bound to nothing', () => authority.issue('SN-2')],
    ['signed by another authority', () => testAuthority('Another').issue('SN-1')],
    ['signed by nobody', () => testAuthority('Alone')],
  ])('a certificate %s is refused with CONNACK 5', async (_what, make) => {
    const pair = make()
    const { client, credentials } = await secureBroker(authority.cert)
    if (_what !== 'bound to nothing') credentials.set(fingerprintOf(pair.cert), device)
    expect(await refusal(client(pair))).toBe(5)
  })

  test('without a client authority a certificate proves nothing', async () => {
    const pair = authority.issue('SN-1')
    const { client, credentials } = await secureBroker()
    credentials.set(fingerprintOf(pair.cert), device)
    expect(await refusal(client(pair))).toBe(5)
  })

  test('plain bytes, old TLS and silence are cut; neighbours go on', async () => {
    const { broker, client, port } = await secureBroker()
    const neighbour = client()
    await publishes(neighbour, tokenOf('cred_a'))
    const plain = rawClient(connectTcp({ port, host: '127.0.0.1' }))
    plain.send(connectPacket({ username: tokenOf('cred_a') }))
    await plain.closed
    await client(undefined, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).closed
    expect(broker.stats().cut.tls).toBe(2)
    neighbour.send({ cmd: 'pingreq' })
    await neighbour.next('pingresp')
  })

  test('a handshake that does not end is cut at the CONNECT deadline', async () => {
    const tls = { ...LOOPBACK, ...serverPair }
    const { broker } = await startBroker({ listeners: { tls }, limits: { connectMs: 50 } })
    const silent = rawClient(connectTcp({ port: broker.addresses().tls!.port, host: '127.0.0.1' }))
    await silent.closed
    expect(broker.stats().cut.connect_timeout).toBe(1)
  })

  test('a certificate that is none is a clear error', async () => {
    const tls = { ...LOOPBACK, cert: 'no PEM', key: 'no PEM', variable: 'HUB_MQTTS_PORT' }
    await expect(startBroker({ listeners: { tls } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('HUB_MQTTS_PORT'),
    })
  })
})

describe('WebSocket', () => {
  async function webSocketBroker(limits = {}) {
    const fixture = await startBroker({ listeners: { websocket: LOOPBACK }, limits })
    const { port } = fixture.broker.addresses().websocket!
    const open = (protocol: string | string[] = 'mqtt'): WebSocket => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, protocol)
      onTestFinished(() => socket.terminate())
      return socket
    }
    return { ...fixture, port, open }
  }

  test('MQTT in binary messages, cut where the sender likes', async () => {
    const { open, telemetry } = await webSocketBroker()
    const socket = open(['mqttv3.1', 'mqtt'])
    const client = rawClient(createWebSocketStream(socket))
    await once(socket, 'open')
    expect(socket.protocol).toBe('mqtt')
    await publishes(client, tokenOf('cred_a'))
    const bytes = Buffer.concat(
      [2, 3].map((messageId) => mqtt.generate(publishPacket({ messageId, payload: 'x'.repeat(1_000) }))),
    )
    for (let at = 0; at < bytes.length; at += 333) socket.send(bytes.subarray(at, at + 333))
    await client.next('puback')
    await client.next('puback')
    expect(telemetry.length).toBe(3)
  })

  test('another subprotocol, or none, is no MQTT', async () => {
    const { open } = await webSocketBroker()
    for (const protocol of ['chat', []]) {
      const [error] = (await once(open(protocol), 'error')) as [Error]
      expect(error.message).toContain('400')
    }
  })

  test('a browser that looks in is told what this is', async () => {
    const { port } = await webSocketBroker()
    const answer = await fetch(`http://127.0.0.1:${port}/`)
    expect(answer.status).toBe(426)
    expect(await answer.text()).toContain('MQTT over WebSocket')
  })

  test('text messages close the connection [MQTT-6.0.0-1]', async () => {
    const { broker, open } = await webSocketBroker()
    const socket = open()
    await once(socket, 'open')
    socket.send('CONNECT please')
    await once(socket, 'close')
    expect(broker.stats().cut.websocket).toBe(1)
  })

  test('a message of more than 16 KiB before CONNECT is cut while it comes in', async () => {
    const { broker, open } = await webSocketBroker()
    const socket = open()
    socket.on('error', () => {})
    await once(socket, 'open')
    socket.send(Buffer.alloc(200 * 1_024))
    await once(socket, 'close')
    expect(broker.stats().bytesIn).toBeLessThan(150 * 1_024)
    expect(broker.stats().cut.websocket).toBe(1)
  })

  test('who opens a WebSocket and says nothing is cut at the CONNECT deadline', async () => {
    const { broker, open } = await webSocketBroker({ connectMs: 100 })
    await once(open(), 'close')
    expect(broker.stats().cut.connect_timeout).toBe(1)
  })

  test('after CONNECT a client may send as much as it likes', async () => {
    const { open, telemetry } = await webSocketBroker()
    const client = rawClient(createWebSocketStream(open()))
    await publishes(client, tokenOf('cred_a'))
    for (let i = 0; i < 20; i++) client.send(publishPacket({ messageId: i + 2, payload: 'x'.repeat(100_000) }))
    await telemetry.reaches(21)
  })
})

describe('PROXY protocol', () => {
  const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000c' + 'cb007109' + '7f000001' + 'c0de075b', 'hex')

  test.each([
    ['version 1', Buffer.from('PROXY TCP4 203.0.113.9 127.0.0.1 49374 1883\r\n'), '203.0.113.9'],
    ['version 1 over IPv6', Buffer.from('PROXY TCP6 2001:db8::9 ::1 49374 1883\r\n'), '2001:db8::9'],
    ['version 2', V2, '203.0.113.9'],
    ['a health check', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
  ])("%s of a trusted balancer gives the device's address", async (_what, header, address) => {
    const { port, audits } = await startBroker({ listeners: { tcp: LOOPBACK, proxyFrom: ['127.0.0.0/8'] } })
    const client = rawClient(connectTcp({ port, host: '127.0.0.1', noDelay: true }))
    // In two pieces, the second with the CONNECT glued to it.
    client.stream.write(header.subarray(0, 7))
    await new Promise((resolve) => setImmediate(resolve))
    client.send(header.subarray(7), connectPacket({ username: tokenOf('cred_a') }))
    await client.next('connack')
    client.send(publishPacket({ topic: 'foreign' }))
    await client.closed
    expect(audits.entries[0]!.address).toBe(address)
  })

  test('a trusted balancer that sends none is cut; an untrusted address cannot send one', async () => {
    const trusting = await startBroker({ listeners: { tcp: LOOPBACK, proxyFrom: ['127.0.0.1'] } })
    const without = rawClient(connectTcp({ port: trusting.port, host: '127.0.0.1' }))
    without.send(connectPacket({ username: tokenOf('cred_a') }))
    await without.closed
    expect(trusting.broker.stats().cut.proxy_header).toBe(1)
    const plain = await startBroker({ listeners: { tcp: LOOPBACK, proxyFrom: ['10.0.0.0/8'] } })
    const forged = rawClient(connectTcp({ port: plain.port, host: '127.0.0.1' }))
    forged.send(V2, connectPacket({ username: tokenOf('cred_a') }))
    await forged.closed
    expect(plain.broker.stats().cut.not_mqtt).toBe(1)
  })

  test('limits see the device, not the balancer', async () => {
    const { broker, port } = await startBroker({
      listeners: { tcp: LOOPBACK, proxyFrom: ['127.0.0.1'] },
      limits: { connectionsPerSecond: 1 },
    })
    const from = (address: string): RawClient => {
      const client = rawClient(connectTcp({ port, host: '127.0.0.1' }))
      client.send(
        Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 1 2\r\n`),
        connectPacket({ username: tokenOf('cred_a'), clientId: '' }),
      )
      return client
    }
    await from('203.0.113.1').next('connack')
    await from('203.0.113.2').next('connack')
    await from('203.0.113.2').closed
    expect(broker.stats().cut.connection_rate).toBe(1)
  })

  test.each([
    ['tls', () => ({ ...LOOPBACK, ...testAuthority('Server').issue('localhost') })],
    ['websocket', () => LOOPBACK],
  ] as const)('before %s too', async (kind, options) => {
    const { broker, audits } = await startBroker({
      listeners: { [kind]: options(), proxyFrom: ['127.0.0.1'] },
    })
    const { port } = broker.addresses()[kind]!
    const socket = connectTcp({ port, host: '127.0.0.1' })
    socket.write('PROXY TCP4 203.0.113.9 127.0.0.1 49374 1883\r\n')
    const stream =
      kind === 'tls'
        ? (connectTls({ socket, rejectUnauthorized: false }) as TLSSocket)
        : createWebSocketStream(
            new WebSocket(`ws://127.0.0.1:${port}`, 'mqtt', { createConnection: () => socket as never }),
          )
    const client = rawClient(stream)
    await publishes(client, tokenOf('cred_a'))
    client.send(publishPacket({ topic: 'foreign' }))
    await client.closed
    expect(audits.entries[0]!.address).toBe('203.0.113.9')
  })

  test('an address that is none is a configuration error', async () => {
    await expect(startBroker({ listeners: { tcp: LOOPBACK, proxyFrom: ['balancer.example'] } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('balancer.example'),
    })
  })
})

test('a port that is taken names the variable to change, and leaves nothing open', async () => {
  const first = await startBroker()
  const taken = { port: first.port, host: '127.0.0.1', variable: 'HUB_MQTT_WS_PORT' }
  await expect(startBroker({ listeners: { tcp: LOOPBACK, websocket: taken } })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${first.port}.*HUB_MQTT_WS_PORT`)),
  })
})
