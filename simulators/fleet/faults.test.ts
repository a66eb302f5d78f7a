import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { FaultyUplink, type FleetFaults, READINGS_PER_MESSAGE_MAX, type TimedReading } from './faults.ts'

const HOUR_MS = 3_600_000
const BEAT_MS = 600_000
const HOURS = 24 * 20

/** Twenty days of a device that counts its own readings, stepped by the hour; `n` tells which reading a value came from. */
function run(faults: FleetFaults, seed = 1) {
  const uplink = new FaultyUplink(seededRandom(seed), faults)
  const messages: { sentMs: number; readings: TimedReading[] }[] = []
  let n = 0
  for (let hour = 1; hour <= HOURS; hour++) {
    const readings: TimedReading[] = []
    for (let atMs = (hour - 1) * HOUR_MS + BEAT_MS; atMs <= hour * HOUR_MS; atMs += BEAT_MS)
      readings.push({ ts: atMs, values: { n: n++ } })
    for (const sent of uplink.pass(readings, hour * HOUR_MS)) messages.push({ sentMs: hour * HOUR_MS, readings: sent })
  }
  for (const sent of uplink.flush()) messages.push({ sentMs: Number.POSITIVE_INFINITY, readings: sent })
  const readings = messages.flatMap((message) => message.readings)
  return { uplink, messages, readings, order: readings.map((r) => r.values.n as number), produced: n }
}

const inOrder = (order: number[]) => order.every((n, i) => i === 0 || n > order[i - 1]!)

test('without faults every reading leaves once, in order, on its own hour', () => {
  const { order, produced, messages } = run({})
  expect(order).toEqual(Array.from({ length: produced }, (_, n) => n))
  expect(messages.every(({ sentMs, readings }) => readings.every((r) => sentMs - r.ts < HOUR_MS))).toBe(true)
})

test('the same seed gives the same faults', () => {
  const faults: FleetFaults = {
    drop: 0.1,
    duplicate: 0.1,
    reorder: 0.1,
    delay: { chance: 0.1, maxMs: 2 * HOUR_MS },
    offline: { chancePerDay: 0.2, hours: 5 },
    stuck: { chancePerDay: 0.2, hours: 5 },
  }
  expect(run(faults, 5).messages).toEqual(run(faults, 5).messages)
  expect(run(faults, 5).messages).not.toEqual(run(faults, 6).messages)
})

test('drop loses some for good and counts them', () => {
  const { uplink, order, produced } = run({ drop: 0.05 })
  expect(uplink.counts.dropped).toBeGreaterThan(0)
  expect(order.length).toBe(produced - uplink.counts.dropped)
})

test('duplicate sends whole messages again and counts their readings', () => {
  const { uplink, order, produced } = run({ duplicate: 0.2 })
  expect(uplink.counts.duplicated).toBeGreaterThan(0)
  expect(order.length).toBe(produced + uplink.counts.duplicated)
  expect(new Set(order).size).toBe(produced)
})

test('delay sends later and out of order, but loses nothing', () => {
  const { order, produced, messages } = run({ delay: { chance: 0.2, maxMs: 3 * HOUR_MS } })
  expect(inOrder(order)).toBe(false)
  expect(new Set(order).size).toBe(produced)
  expect(messages.some(({ sentMs, readings }) => sentMs - readings[0]!.ts > HOUR_MS)).toBe(true)
})

test('reorder swaps messages that leave together', () => {
  const delay = { chance: 0.5, maxMs: 4 * HOUR_MS }
  const swapped = run({ delay, reorder: 0.5 })
  expect(inOrder(swapped.order)).toBe(false)
  expect(new Set(swapped.order).size).toBe(swapped.produced)
})

test('wrong clock shifts every reading of the device alike, and only of the share it concerns', () => {
  const offsetMs = 30 * HOUR_MS
  const all = run({ wrongClock: { share: 1, offsetMs } })
  expect(all.readings.every((r) => r.ts === ((r.values.n as number) + 1) * BEAT_MS + offsetMs)).toBe(true)
  expect(run({ wrongClock: { share: 0, offsetMs } }).readings[0]!.ts).toBe(BEAT_MS)
})

test('stuck repeats the last values for as long as it lasts, with the time going on', () => {
  const { readings } = run({ stuck: { chancePerDay: 0.3, hours: 6 } })
  const runs = new Map<number, number>()
  for (const r of readings) runs.set(r.values.n as number, (runs.get(r.values.n as number) ?? 0) + 1)
  expect(Math.max(...runs.values())).toBe((6 * HOUR_MS) / BEAT_MS - 1)
  expect(new Set(readings.map((r) => r.ts)).size).toBe(readings.length)
})

test('offline keeps readings and uploads them in bounded messages afterwards', () => {
  const { messages, order, produced } = run({ offline: { chancePerDay: 0.2, hours: 40 } })
  expect(order).toEqual(Array.from({ length: produced }, (_, n) => n))
  expect(messages.some(({ sentMs, readings }) => sentMs - readings[0]!.ts > 30 * HOUR_MS)).toBe(true)
  expect(Math.max(...messages.map((m) => m.readings.length))).toBeLessThanOrEqual(READINGS_PER_MESSAGE_MAX)
})

test('a memory that is full forgets the oldest and says so', () => {
  const { uplink, order, produced } = run({ offline: { chancePerDay: 24, hours: 24 * 15 } })
  expect(uplink.counts.overflowed).toBeGreaterThan(0)
  expect(order.length).toBe(produced - uplink.counts.overflowed)
  expect(order.at(-1)).toBe(produced - 1)
})
