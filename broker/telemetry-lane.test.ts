import { Writable } from 'node:stream'
import fc from 'fast-check'
import mqtt, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { AckOrder } from './ack-order.ts'
import type { Connection } from './connection.ts'
import { InFlight } from './in-flight.ts'
import type { InboundMessage } from './options.ts'
import type { PublishContext } from './publish.ts'
import { Counters } from './stats.ts'
import { isTelemetry, takeTelemetry } from './telemetry-lane.ts'
import { DEVICES, startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket } from './testing/raw-client.ts'

const pubacksOf = (packets: readonly Packet[]): number[] =>
  packets.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId!] : []))

test('what one read brings is one unit, in order, with everything that a repeat is known by', async () => {
  const units: (readonly InboundMessage[])[] = []
  const { port } = await startBroker({ onTelemetry: (messages) => units.push(messages) })
  const device = await connected(port, tokenOf('cred_a'), { clientId: 'purifier' })
  device.send(
    publishPacket({ messageId: 1, payload: '{"a":1}' }),
    publishPacket({ qos: 0, payload: '{"a":2}' }),
    publishPacket({ messageId: 65_535, dup: true, payload: '' }),
  )
  await device.heard.until(() => pubacksOf(device.heard.entries).length === 2)
  expect(pubacksOf(device.heard.entries)).toEqual([1, 65_535])
  expect(units).toHaveLength(1)
  const session = units[0]![0]!.delivery!.session
  expect(units[0]!.map(({ payload, ...rest }) => ({ ...rest, payload: String(payload) }))).toEqual(
    [
      { payload: '{"a":1}', delivery: { session, packetId: 1, dup: false } },
      { payload: '{"a":2}', delivery: null },
      { payload: '', delivery: { session, packetId: 65_535, dup: true } },
    ].map((message) => ({
      brandId: 'brand_one',
      deviceId: 'dev_a',
      credentialId: 'cred_a',
      topic: 'v1/devices/me/telemetry',
      will: false,
      ...message,
    })),
  )
})

const KINDS = [
  { topic: 'v1/devices/me/telemetry', qos: 1 },
  { topic: 'v1/devices/me/telemetry', qos: 0 },
  { topic: 'v1/devices/me/attributes', qos: 1 },
  { topic: 'v1/devices/me/rpc/response/9', qos: 1 },
  { topic: 'v1/devices/me/telemetry/', qos: 1 },
] as const

test('only telemetry of QoS 0 and 1 is taken, whatever stands around it', () => {
  const frames = [
    ...KINDS.slice(1).map(({ topic, qos }) => mqtt.generate(publishPacket({ topic, qos, messageId: 4 }))),
    mqtt.generate(publishPacket({ qos: 2, messageId: 3 })),
    mqtt.generate(publishPacket({ topic: 'v1/devices/me/telemetrY' })),
    mqtt.generate({ cmd: 'pingreq' }),
    mqtt.generate(publishPacket({ retain: true, payload: 'x'.repeat(200) })),
  ]
  const whole = Buffer.concat(frames)
  let at = 0
  const taken = frames.map((frame) => {
    const answer = isTelemetry(whole, at, at + frame.length)
    at += frame.length
    return answer
  })
  expect(taken).toEqual([true, false, false, false, false, false, false, true])
})

test('however packets are mixed and cut, all are acknowledged in the order of receipt', async () => {
  const { port, telemetry, attributes } = await startBroker()
  let clientNo = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...KINDS.slice(0, 4)), { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(4_000), { maxLength: 6 }),
      async (kinds, cuts) => {
        const before = { telemetry: telemetry.length, attributes: attributes.length }
        const device = await connected(port, tokenOf('cred_a'), { clientId: `mixed-${clientNo++}` })
        const packets = kinds.map(({ topic, qos }, i) => publishPacket({ topic, qos, messageId: i + 1, payload: '{}' }))
        const bytes = Buffer.concat(packets.map((packet) => mqtt.generate(packet)))
        const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        for (let i = 1; i < edges.length; i++) device.send(bytes.subarray(edges[i - 1], edges[i]))
        device.send({ cmd: 'pingreq' })
        const numbered = kinds.flatMap(({ qos }, i) => (qos > 0 ? [i + 1] : []))
        await device.heard.until(() => pubacksOf(device.heard.entries).length >= numbered.length)
        await device.next('pingresp')
        expect(pubacksOf(device.heard.entries)).toEqual(numbered)
        const sent = (topic: string): number => kinds.filter((kind) => kind.topic === topic).length
        expect(telemetry.length - before.telemetry).toBe(sent('v1/devices/me/telemetry'))
        expect(attributes.length - before.attributes).toBe(sent('v1/devices/me/attributes'))
        device.destroy()
        await device.closed
      },
    ),
    { numRuns: 60 },
  )
})

test('telemetry alone keeps a connection alive [MQTT-3.1.2-24]', async () => {
  const { port, broker } = await startBroker()
  const talking = await connected(port, tokenOf('cred_a'), { keepalive: 1 })
  const silent = await connected(port, tokenOf('cred_b'), { keepalive: 1 })
  const talk = setInterval(() => talking.send(publishPacket({ messageId: 1 })), 100)
  await silent.closed
  // The one that talked since before the other was cut for its silence is still there.
  talking.send({ cmd: 'pingreq' })
  await talking.next('pingresp')
  clearInterval(talk)
  expect(broker.stats().cut.keepalive).toBe(1)
})

test('a client that does not read its acknowledgements is read no further, until it does', async () => {
  const stuck: (() => void)[] = []
  const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void stuck.push(done) })
  const events: string[] = []
  let drained: ((error: Error | null) => void) | null = null
  const connection = {
    stream,
    ackOrder: new AckOrder(),
    closed: false,
    deliverySession: 'session',
    gate: {
      began: () => {},
      ended: () => {},
      hold: () => events.push('hold'),
      release: () => events.push('release'),
    },
    client: {
      _keepaliveTimer: null,
      waitForDrain: (done: (error: Error | null) => void) => {
        drained = done
      },
    },
  } as unknown as Connection
  const context = {
    options: { onTelemetry: () => Promise.resolve() },
    counters: new Counters(),
    inFlight: new InFlight(),
  } as unknown as PublishContext
  takeTelemetry(context, connection, DEVICES[0]!, mqtt.generate(publishPacket({ messageId: 1 })), 1)
  await context.inFlight.whenIdle()
  expect(events).toEqual(['hold'])
  drained!(null)
  expect(events).toEqual(['hold', 'release'])
})

test('a client that hangs up with messages on their way leaves nothing behind', async () => {
  let store = (): void => {}
  const { port, broker, telemetry } = await startBroker({
    onTelemetry: (messages) => {
      for (const message of messages) telemetry.push(message)
      return new Promise<void>((resolve) => {
        store = resolve
      })
    },
  })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ messageId: 1 }))
  await telemetry.reaches(1)
  device.destroy()
  await device.closed
  store()
  await broker.close()
  expect(broker.stats().inFlight).toBe(0)
})
