import mqtt, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '#platform'
import { type BrokerFixture, startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, connectPacket, publishPacket, type RawClient, rawTcp } from './testing/raw-client.ts'

const SEED = Number(process.env.BROKER_FUZZ_SEED ?? 20_261_122)
/** A small share of what is run by hand before a release; see `BROKER_FUZZ_PACKETS`. */
const PACKETS = Number(process.env.BROKER_FUZZ_PACKETS ?? 20_000)
/** Few, because a frame cut short swallows what follows it. */
const PACKETS_PER_CONNECTION = 8
const CONNECTIONS_AT_ONCE = 40

/** One of each kind a client may send, and some only a server may. */
const MODELS: readonly Packet[] = [
  connectPacket({ username: tokenOf('cred_a') }),
  connectPacket({
    username: tokenOf('cred_a'),
    password: Buffer.from('x'),
    clean: false,
    will: { topic: 'v1/devices/me/telemetry', payload: Buffer.from('{}'), qos: 1, retain: true },
  }),
  connectPacket({ protocolVersion: 5, username: 'x', properties: { userProperties: { a: 'b' }, receiveMaximum: 5 } }),
  publishPacket({ qos: 0 }),
  publishPacket({ qos: 1 }),
  publishPacket({ qos: 2, messageId: 65_535 }),
  publishPacket({ topic: 'v1/devices/me/rpc/response/1', payload: '{"a":[1,{"b":null}]}' }),
  publishPacket({ topic: 'v1/devices/me/attributes/request/1', payload: '{"clientKeys":"a,b"}' }),
  { cmd: 'puback', messageId: 1 },
  { cmd: 'pubrec', messageId: 1 },
  { cmd: 'pubrel', messageId: 65_535 },
  { cmd: 'pubcomp', messageId: 1 },
  { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'v1/devices/me/rpc/request/+', qos: 1 }] },
  { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: '#', qos: 2 }] },
  { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['v1/devices/me/attributes', '$SYS/#'] },
  { cmd: 'pingreq' },
  { cmd: 'disconnect' },
  { cmd: 'connack', returnCode: 0, sessionPresent: false },
  { cmd: 'suback', messageId: 1, granted: [0] },
  { cmd: 'unsuback', messageId: 1, granted: [] },
  { cmd: 'pingresp' },
]

/** What wire damage and ill will do to bytes. */
const MUTATIONS: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes) => bytes,
  (bytes, random) => flip(bytes, random, 1),
  (bytes, random) => flip(bytes, random, 1 + random.int(8)),
  (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1)),
  (bytes, random) => Buffer.concat([bytes, Buffer.from([random.int(256), random.int(256)])]),
  (bytes, random) => set(bytes, 0, random.int(256)),
  (bytes, random) => set(bytes, 1, random.pick([0, 1, 2, 0x7f, 0x80, 0xff])),
  (bytes, random) => set(bytes, 3, random.int(256)),
  (bytes, random) => {
    const at = random.int(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random.int(64), random.int(256)), bytes.subarray(at)])
  },
  (_bytes, random) => Buffer.from(Array.from({ length: random.int(64) }, () => random.int(256))),
]

function flip(bytes: Buffer, random: Random, times: number): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = 0; i < times; i++) copy[random.int(copy.length)]! ^= 1 << random.int(8)
  return copy
}

function set(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  if (at < copy.length) copy[at] = value
  return copy
}

/** One connection's worth of damaged packets; most begin with a good CONNECT, or nothing would get far. */
async function attack({ port }: BrokerFixture, random: Random): Promise<void> {
  const client = rawTcp(port)
  if (random.chance(0.8)) {
    client.send(connectPacket({ username: tokenOf('cred_a'), clientId: '' }))
    await client.next('connack')
  }
  const models = MODELS.map((packet) => mqtt.generate(packet))
  const damaged = Array.from({ length: PACKETS_PER_CONNECTION }, () =>
    random.pick(MUTATIONS)(random.pick(models), random.fork(`${random.next()}`)),
  )
  client.stream.end(Buffer.concat(damaged))
  // Ends when the hub has had enough, or has read to the end and hung up in turn.
  await client.closed
}

async function stillServed(client: RawClient, messageId: number): Promise<void> {
  client.send(publishPacket({ messageId }))
  await client.next('puback')
}

test(`${PACKETS} damaged packets: no crash, and the neighbour is acknowledged all along (seed ${SEED})`, async () => {
  const crashes: unknown[] = []
  const crash = (error: unknown): void => void crashes.push(error)
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  try {
    const fixture = await startBroker({ limits: { connectionsPerSecond: 100_000, sessionsPerDevice: 1_000 } })
    const neighbour = await connected(fixture.port, tokenOf('cred_b'))
    const random = seededRandom(SEED)
    const rounds = Math.ceil(PACKETS / PACKETS_PER_CONNECTION / CONNECTIONS_AT_ONCE)
    for (let round = 0; round < rounds; round++) {
      const attacks = Array.from({ length: CONNECTIONS_AT_ONCE }, (_, i) =>
        attack(fixture, random.fork(`${round}/${i}`)),
      )
      await stillServed(neighbour, (round % 60_000) + 1)
      await Promise.all(attacks)
    }
    expect(crashes).toEqual([])
    expect(fixture.telemetry.entries.filter(({ deviceId }) => deviceId === 'dev_b').length).toBe(rounds)
    // Whatever got through was the attacker's own.
    expect(new Set(fixture.telemetry.entries.map(({ deviceId }) => deviceId))).toEqual(new Set(['dev_a', 'dev_b']))
    expect(neighbour.heard.entries.some(({ cmd }) => cmd === 'publish')).toBe(false)
    expect(fixture.broker.stats().inFlight).toBe(0)
  } finally {
    process.off('uncaughtException', crash)
    process.off('unhandledRejection', crash)
  }
})
