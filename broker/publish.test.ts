import type { Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import type { InboundMessage } from './options.ts'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { Journal } from './testing/journal.ts'
import { connected, publishPacket } from './testing/raw-client.ts'

/** A store whose every answer a test gives by hand. */
function handDrivenStore() {
  const asked = new Journal<{
    message: InboundMessage
    messages: readonly InboundMessage[]
    stored(): void
    failed(): void
  }>()
  const onTelemetry = (messages: readonly InboundMessage[]): Promise<void> =>
    new Promise((resolve, reject) => {
      asked.push({ message: messages[0]!, messages, stored: resolve, failed: () => reject(new Error('disk')) })
    })
  return { asked, onTelemetry }
}

const pubacksOf = (packets: Packet[]): number[] =>
  packets.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId!] : []))

test('a telemetry publish reaches its receiver with the device behind the token, then PUBACK', async () => {
  const { port, telemetry } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'), { clientId: 'purifier' })
  device.send(publishPacket({ messageId: 7 }))
  expect((await device.next('puback')).messageId).toBe(7)
  expect(telemetry.entries).toMatchObject([
    {
      brandId: 'brand_one',
      deviceId: 'dev_a',
      credentialId: 'cred_a',
      topic: 'v1/devices/me/telemetry',
      delivery: { packetId: 7, dup: false },
      will: false,
    },
  ])
  expect(telemetry.entries[0]!.payload.toString()).toBe('{"filter_dp_pa":131.2}')
})

test('no PUBACK before the store has answered, although the hub goes on answering others', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const { port } = await startBroker({ onTelemetry })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ messageId: 1 }))
  await asked.reaches(1)
  // A ping that came after the publish is answered; the publish is not.
  device.send({ cmd: 'pingreq' })
  await device.next('pingresp')
  expect(pubacksOf(device.heard.entries)).toEqual([])
  asked.entries[0]!.stored()
  expect((await device.next('puback')).messageId).toBe(1)
})

test('when the store fails the connection closes without PUBACK and the hub lives on', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const { port, broker } = await startBroker({ onTelemetry })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ messageId: 1 }))
  await asked.reaches(1)
  device.send(publishPacket({ messageId: 2 }))
  await asked.reaches(2)
  asked.entries[0]!.failed()
  await device.closed
  asked.entries[1]!.stored()
  expect(pubacksOf(device.heard.entries)).toEqual([])
  expect(broker.stats().cut.not_stored).toBe(1)
  const again = await connected(port, tokenOf('cred_a'))
  again.send(publishPacket({ messageId: 1, dup: true }))
  await asked.reaches(3)
  expect(asked.entries[2]!.message.delivery).toMatchObject({ packetId: 1, dup: true })
  // The same client id on the same device names the same session, so that repeats can be told.
  expect(asked.entries[2]!.message.delivery!.session).toBe(asked.entries[0]!.message.delivery!.session)
  asked.entries[2]!.stored()
  await again.next('puback')
})

test('acknowledgements come in the order of receipt, whatever is stored first [MQTT-4.6.0-2]', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const { port } = await startBroker({ onTelemetry })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(
    publishPacket({ messageId: 1 }),
    publishPacket({ messageId: 2 }),
    // Needs no store, so it is done at once; its PUBACK waits all the same.
    publishPacket({ messageId: 3, topic: 'v1/devices/me/rpc/response/9', payload: '{}' }),
    publishPacket({ messageId: 4 }),
  )
  await asked.reaches(2)
  for (const { stored } of [...asked.entries].reverse()) stored()
  await device.heard.until(() => pubacksOf(device.heard.entries).length === 4)
  expect(pubacksOf(device.heard.entries)).toEqual([1, 2, 3, 4])
})

test('publishes of one connection in flight are bounded; none is dropped', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const inFlightPackets = 16
  const { port } = await startBroker({ onTelemetry, limits: { inFlightPackets } })
  const device = await connected(port, tokenOf('cred_a'))
  const neighbour = await connected(port, tokenOf('cred_b'))
  const total = 500
  device.send(...Array.from({ length: total }, (_, i) => publishPacket({ messageId: i + 1 })))
  let stored = 0
  let answered = 0
  let mostWaiting = 0
  while (stored < total) {
    await asked.reaches(answered + 1)
    // The neighbour's round trip gives the hub every chance to read on.
    neighbour.send({ cmd: 'pingreq' })
    await neighbour.next('pingresp')
    const waiting = asked.entries.slice(answered)
    const messages = waiting.reduce((sum, each) => sum + each.messages.length, 0)
    mostWaiting = Math.max(mostWaiting, messages)
    for (const each of waiting) each.stored()
    answered += waiting.length
    stored += messages
  }
  await device.heard.until(() => pubacksOf(device.heard.entries).length === total)
  expect(pubacksOf(device.heard.entries)).toEqual(Array.from({ length: total }, (_, i) => i + 1))
  expect(mostWaiting).toBeLessThan(inFlightPackets)
})

test('while ingest has no room nothing is read; afterwards everything is', async () => {
  let room: Promise<void> | null = null
  let makeRoom = (): void => {}
  const turnedBack = new Journal<void>()
  const whenRoom = (): Promise<void> | null => {
    if (room !== null) turnedBack.push()
    return room
  }
  const { port, telemetry } = await startBroker({ whenRoom })
  const device = await connected(port, tokenOf('cred_a'))
  const neighbour = await connected(port, tokenOf('cred_b'))
  room = new Promise((resolve) => {
    makeRoom = () => {
      room = null
      resolve()
    }
  })
  device.send(publishPacket({ messageId: 1 }))
  neighbour.send(publishPacket({ messageId: 1 }))
  await turnedBack.reaches(2)
  expect(telemetry.length).toBe(0)
  makeRoom()
  await Promise.all([device.next('puback'), neighbour.next('puback')])
  expect(telemetry.length).toBe(2)
})

test('ingest may answer with room at once, as a promise', async () => {
  const { port, telemetry } = await startBroker({ whenRoom: () => Promise.resolve() })
  const device = await connected(port, tokenOf('cred_a'))
  for (let messageId = 1; messageId <= 300; messageId++) device.send(publishPacket({ messageId }))
  await telemetry.reaches(300)
  device.send({ cmd: 'pingreq' })
  await device.next('pingresp')
})

test('QoS 0 is stored too, and the retain flag asks for nothing', async () => {
  const { port, telemetry } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ qos: 0, retain: true }), publishPacket({ messageId: 5, retain: true }))
  await device.next('puback')
  expect(telemetry.entries.map(({ delivery }) => delivery?.packetId ?? null)).toEqual([null, 5])
})

test('messages sent before a DISCONNECT in one breath are all taken', async () => {
  const { port, telemetry } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'))
  const total = 1_000
  device.send(...Array.from({ length: total }, () => publishPacket({ qos: 0 })), { cmd: 'disconnect' })
  await device.closed
  await telemetry.reaches(total)
  expect(telemetry.length).toBe(total)
})

test('a sender over its rate is read slower, not dropped', async () => {
  const { port, telemetry } = await startBroker({ limits: { packetsPerSecond: 200 } })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(...Array.from({ length: 300 }, (_, i) => publishPacket({ messageId: i + 1 })))
  await telemetry.reaches(300)
  expect(telemetry.length).toBe(300)
})

test('QoS 2: PUBREC only after the store has answered; a repeat before PUBREL is not stored again', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const { port } = await startBroker({ onTelemetry })
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ qos: 2, messageId: 3 }))
  await asked.reaches(1)
  device.send({ cmd: 'pingreq' })
  await device.next('pingresp')
  expect(device.heard.entries.some(({ cmd }) => cmd === 'pubrec')).toBe(false)
  asked.entries[0]!.stored()
  expect((await device.next('pubrec')).messageId).toBe(3)
  device.send(publishPacket({ qos: 2, messageId: 3, dup: true }))
  expect((await device.next('pubrec')).messageId).toBe(3)
  device.send({ cmd: 'pubrel', messageId: 3 })
  expect((await device.next('pubcomp')).messageId).toBe(3)
  expect(asked.length).toBe(1)
})

test('QoS 2: another message under a packet id the hub still remembers is stored, not taken for a repeat', async () => {
  const { port, telemetry } = await startBroker()
  const first = await connected(port, tokenOf('cred_a'), { clean: false })
  first.send(publishPacket({ qos: 2, messageId: 3 }))
  await first.next('pubrec')
  first.destroy()
  // The device lost its memory: it counts from the start and means something new.
  const second = await connected(port, tokenOf('cred_a'), { clean: false })
  second.send(publishPacket({ qos: 2, messageId: 3, payload: '{"filter_dp_pa":140}' }))
  await second.next('pubrec')
  expect(telemetry.entries.map(({ payload }) => payload.toString())).toEqual([
    '{"filter_dp_pa":131.2}',
    '{"filter_dp_pa":140}',
  ])
})

test('case 2: the hub dies between PUBREC and PUBREL; the device finishes the handshake and nothing comes twice', async () => {
  const before = await startBroker()
  const device = await connected(before.port, tokenOf('cred_a'), { clean: false })
  device.send(publishPacket({ qos: 2, messageId: 9 }))
  await device.next('pubrec')
  await before.broker.close()
  const after = await startBroker()
  const again = await connected(after.port, tokenOf('cred_a'), { clean: false })
  again.send({ cmd: 'pubrel', messageId: 9 })
  expect((await again.next('pubcomp')).messageId).toBe(9)
  expect(before.telemetry.length + after.telemetry.length).toBe(1)
})

test('case 2: when PUBREC was lost with the hub, the repeat says so', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const before = await startBroker({ onTelemetry, limits: { closeMs: 50 } })
  const device = await connected(before.port, tokenOf('cred_a'), { clean: false })
  device.send(publishPacket({ qos: 2, messageId: 9 }))
  await asked.reaches(1)
  await before.broker.close()
  const after = await startBroker()
  const again = await connected(after.port, tokenOf('cred_a'), { clean: false })
  again.send(publishPacket({ qos: 2, messageId: 9, dup: true }))
  await again.next('pubrec')
  expect(after.telemetry.entries[0]!.delivery).toEqual({ ...asked.entries[0]!.message.delivery, dup: true })
})

test('a stopping hub stores and acknowledges what it has read', async () => {
  const { asked, onTelemetry } = handDrivenStore()
  const { broker, port, presence } = await startBroker({ onTelemetry })
  const device = await connected(port, tokenOf('cred_a'), {
    will: { topic: 'v1/devices/me/telemetry', payload: Buffer.from('{"last":1}'), qos: 1, retain: false },
  })
  device.send(publishPacket({ messageId: 1 }))
  await asked.reaches(1)
  const closing = broker.close()
  asked.entries[0]!.stored()
  await closing
  expect((await device.next('puback')).messageId).toBe(1)
  await device.closed
  // The hub left, not the device: no will, nobody reported gone.
  expect(asked.length).toBe(1)
  expect(presence.entries.map(({ state }) => state)).toEqual(['connected'])
})

test('attributes go to their own receiver', async () => {
  const { port, attributes, telemetry } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'))
  device.send(publishPacket({ topic: 'v1/devices/me/attributes', payload: '{"firmware":"1.4.2"}' }))
  await device.next('puback')
  expect(attributes.entries[0]!.payload.toString()).toBe('{"firmware":"1.4.2"}')
  expect(telemetry.length).toBe(0)
})
