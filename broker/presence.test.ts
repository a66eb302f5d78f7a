import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '#platform'
import type { Connection } from './connection.ts'
import type { PresenceChange } from './options.ts'
import { Presence } from './presence.ts'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket } from './testing/raw-client.ts'

const DEVICE = { brandId: 'brand_one', deviceId: 'dev_a' }
const connection = (): Connection => ({}) as Connection

function watched(clock = new ManualClock()) {
  const changes: PresenceChange[] = []
  return { clock, changes, presence: new Presence(clock, (change) => changes.push(change)) }
}

test('a DISCONNECT is graceful, a lost connection is not', async () => {
  const { clock, port, presence } = await startBroker()
  const polite = await connected(port, tokenOf('cred_a'))
  clock.advance(1_000)
  polite.send({ cmd: 'disconnect' })
  await presence.reaches(2)
  const lost = await connected(port, tokenOf('cred_a'))
  lost.destroy()
  await presence.reaches(4)
  const startMs = clock.nowMs() - 1_000
  expect(presence.entries).toEqual([
    { ...DEVICE, epoch: startMs, state: 'connected', graceful: true, atMs: startMs },
    { ...DEVICE, epoch: startMs, state: 'disconnected', graceful: true, atMs: startMs + 1_000 },
    { ...DEVICE, epoch: startMs + 1_000, state: 'connected', graceful: true, atMs: startMs + 1_000 },
    { ...DEVICE, epoch: startMs + 1_000, state: 'disconnected', graceful: false, atMs: startMs + 1_000 },
  ])
})

test('a keep-alive that runs out ends the presence, and the will is published', async () => {
  const { port, presence, telemetry, broker } = await startBroker()
  const will = { topic: 'v1/devices/me/telemetry', payload: Buffer.from('{"last":1}'), qos: 1 as const, retain: true }
  const client = await connected(port, tokenOf('cred_a'), { keepalive: 1, will })
  await client.closed
  await presence.find(({ state, graceful }) => state === 'disconnected' && !graceful)
  const [message] = await telemetry.reaches(1)
  expect(message).toMatchObject({ will: true, delivery: null, deviceId: 'dev_a' })
  expect(broker.stats().cut.keepalive).toBe(1)
})

test('two clients of one device are one presence, gone with the last', () => {
  const { presence, changes } = watched()
  const [first, second] = [connection(), connection()]
  presence.connected(first, DEVICE)
  presence.connected(second, DEVICE)
  presence.disconnected(first, DEVICE.deviceId, true)
  expect(changes.map(({ state }) => state)).toEqual(['connected', 'connected'])
  presence.disconnected(second, DEVICE.deviceId, false)
  expect(changes.at(-1)).toMatchObject({ state: 'disconnected', epoch: changes[1]!.epoch })
})

test('epochs of a device increase strictly and a goodbye carries the newest, whatever the clock does', () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom('connect', 'disconnect'), fc.nat(3), fc.nat(4), fc.integer({ min: -5, max: 5 })),
  )
  fc.assert(
    fc.property(steps, (moves) => {
      let nowMs = 1_000_000
      const changes: PresenceChange[] = []
      const clock = { nowMs: () => nowMs, setTimeout: () => ({ [Symbol.dispose]() {} }) }
      const presence = new Presence(clock, (change) => changes.push(change))
      const connections = Array.from({ length: 5 }, connection)
      for (const [move, device, which, stepMs] of moves) {
        nowMs += stepMs
        const deviceId = `dev_${device}`
        if (move === 'connect') presence.connected(connections[which]!, { brandId: 'b', deviceId })
        else presence.disconnected(connections[which]!, deviceId, true)
      }
      const last = new Map<string, PresenceChange>()
      for (const change of changes) {
        const before = last.get(change.deviceId)
        if (change.state === 'connected') expect(change.epoch).toBeGreaterThan(before?.epoch ?? 0)
        else expect(before).toMatchObject({ state: 'connected', epoch: change.epoch })
        last.set(change.deviceId, change)
      }
    }),
  )
})

test('a receiver that fails stops nothing', async () => {
  const { port } = await startBroker({ onPresence: () => Promise.reject(new Error('full')) })
  const client = await connected(port, tokenOf('cred_a'))
  client.send(publishPacket())
  await client.next('puback')
})
