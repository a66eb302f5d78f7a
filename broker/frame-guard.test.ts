import fc from 'fast-check'
import mqtt from 'mqtt-packet'
import { expect, test } from 'vitest'
import { FrameError, FrameGuard } from './frame-guard.ts'
import { connectPacket, publishPacket } from './testing/raw-client.ts'

const FRAMES = [
  mqtt.generate(connectPacket({ username: 'token' })),
  mqtt.generate(publishPacket({ payload: 'x'.repeat(300) })),
  mqtt.generate(publishPacket({ qos: 0, payload: '' })),
  mqtt.generate({ cmd: 'pingreq' }),
  mqtt.generate({ cmd: 'puback', messageId: 7 }),
  mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] }),
]

/** Feeds chunks the way a socket does: what was not looked at comes again first. */
function feed(guard: FrameGuard, chunks: readonly Buffer[], packetsMax: number) {
  const passed: Buffer[] = []
  let packets = 0
  for (const chunk of chunks) {
    let left: Buffer | null = chunk
    while (left !== null && left.length > 0) {
      const taken = guard.take(left, packetsMax)
      expect(taken.packets).toBeLessThanOrEqual(packetsMax)
      if (taken.bytes) passed.push(Buffer.from(taken.bytes))
      packets += taken.packets
      left = taken.rest
    }
  }
  return { bytes: Buffer.concat(passed), packets }
}

test('however a stream is cut, the same whole frames come out', () => {
  const stream = fc.array(fc.constantFrom(...FRAMES), { minLength: 1, maxLength: 20 })
  const cuts = fc.array(fc.nat(2_000), { maxLength: 30 })
  fc.assert(
    fc.property(stream, cuts, fc.integer({ min: 1, max: 5 }), (frames, at, packetsMax) => {
      const whole = Buffer.concat(frames)
      const edges = [0, ...at.filter((edge) => edge < whole.length).sort((a, b) => a - b), whole.length]
      const chunks = edges.slice(1).map((edge, i) => whole.subarray(edges[i], edge))
      const guard = new FrameGuard(65_536)
      expect(feed(guard, chunks, packetsMax)).toEqual({ bytes: whole, packets: frames.length })
      expect(guard.midFrame).toBe(false)
    }),
  )
})

test('a declared length over the limit is refused as soon as it is read', () => {
  const guard = new FrameGuard(1_000)
  guard.take(Buffer.from([0x30, 0xe6]), 1)
  // 1 header byte, 2 of length, 998 more: one too many.
  expect(() => guard.take(Buffer.from([0x07]), 1)).toThrow(FrameError)
  const just = new FrameGuard(1_000)
  just.take(Buffer.from([0x30, 0xe5, 0x07]), 1)
  expect(just.midFrame).toBe(true)
})

test('a frame that comes byte by byte costs its own length, once', () => {
  const guard = new FrameGuard(300_000)
  const frame = mqtt.generate(publishPacket({ payload: Buffer.alloc(100_000) }))
  let passed: Buffer | null = null
  for (let i = 0; i < frame.length; i++) passed = guard.take(frame.subarray(i, i + 1), 1).bytes
  expect(passed).toEqual(frame)
})

test.each([
  ['a fifth byte of length', [0x30, 0x80, 0x80, 0x80, 0x80]],
  ['QoS 3', [0x36, 5, 0, 1, 0x61, 0, 1]],
  ['DUP with QoS 0', [0x38, 3, 0, 1, 0x61]],
  ['an empty topic', [0x30, 2, 0, 0]],
  ['a topic longer than its packet', [0x30, 3, 0, 9, 0x61]],
  ['a packet id cut off', [0x32, 4, 0, 1, 0x61, 0]],
  ['PUBACK without an id', [0x40, 0]],
  ['PUBREL without its flag', [0x60, 2, 0, 1]],
  ['SUBSCRIBE without a topic', [0x82, 2, 0, 1]],
  ['UNSUBSCRIBE without a topic', [0xa2, 2, 0, 1]],
  ['PINGREQ with a body', [0xc0, 1, 0]],
  ['DISCONNECT with flags', [0xe1, 0]],
  ['CONNACK, which only a server sends', [0x20, 2, 0, 0]],
  ['packet type 0', [0x00, 0]],
  ['packet type 15', [0xf0, 0]],
])('%s does not pass', (_what, bytes) => {
  expect(() => new FrameGuard(1_000).take(Buffer.from(bytes), 10)).toThrow(FrameError)
})

test('a DISCONNECT is noticed, in one piece or two', () => {
  expect(new FrameGuard(100).take(Buffer.from([0xc0, 0, 0xe0, 0]), 10)).toMatchObject({ packets: 2, disconnect: true })
  const guard = new FrameGuard(100)
  expect(guard.take(Buffer.from([0xe0]), 10).disconnect).toBe(false)
  expect(guard.take(Buffer.from([0]), 10).disconnect).toBe(true)
})
