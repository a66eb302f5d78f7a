import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { StreamAnomaly } from './stream-anomaly.ts'
import { WeekProfile } from './week-profile.ts'

const HOUR = 3_600_000

/** A machine that is busy by day, rests at night and on Sundays; hourly. */
function busyWeeks(weeks: number, seed = 1): [atMs: number, value: number][] {
  const { next } = seededRandom(seed)
  return Array.from({ length: weeks * 168 }, (_, hour) => {
    const busy = hour % 24 >= 8 && hour % 24 < 18 && Math.floor(hour / 24) % 7 !== 3
    return [hour * HOUR, (busy ? 50 : 10) + 4 * (next() - 0.5)]
  })
}

test('a usual season raises nothing; a jump, a stuck sensor and work on the day of rest do', () => {
  const usual = busyWeeks(16)
  const highest = (stream: typeof usual, from: number) => {
    const model = new StreamAnomaly()
    let most = { score: 0, trait: 'value' }
    for (const [i, [atMs, value]] of stream.entries()) {
      const said = model.update(atMs, value)
      if (i >= from && said && said.score > most.score) most = { ...said }
    }
    return most
  }
  const from = 12 * 168
  expect(highest(usual, from).score).toBeLessThan(0.5)
  const jump = usual.map(([atMs, value], i): [number, number] => [atMs, i > from + 30 ? value + 15 : value])
  expect(highest(jump, from).score).toBeGreaterThan(0.5)
  const stuck = usual.map(([atMs, value], i): [number, number] => [atMs, i > from + 10 && i < from + 60 ? 52 : value])
  expect(highest(stuck, from).score).toBeGreaterThan(0.5)
  const sunday = usual.map(([atMs, value], i): [number, number] => [
    atMs,
    i >= from + 3 * 24 + 8 && i < from + 3 * 24 + 18 ? value + 40 : value,
  ])
  expect(highest(sunday, from)).toMatchObject({ trait: 'week' })
  expect(highest(sunday, from).score).toBeGreaterThan(0.5)
})

test('saved and restored in the middle, it says the same', () => {
  const stream = busyWeeks(3)
  const whole = new StreamAnomaly()
  let parted = new StreamAnomaly()
  for (const [i, [atMs, value]] of stream.entries()) {
    if (i % 97 === 0) parted = new StreamAnomaly(JSON.parse(JSON.stringify(parted.save())))
    expect(parted.update(atMs, value)).toEqual(whole.update(atMs, value))
  }
  expect(JSON.stringify(whole.save()).length).toBeLessThan(8192)
})

test('whatever comes, a score is between 0 and 1 or nothing is said', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.double(), fc.constantFrom(0, 5, Number.NaN, Number.POSITIVE_INFINITY)), {
        minLength: 0,
        maxLength: 600,
      }),
      (values) => {
        const model = new StreamAnomaly()
        for (const [i, value] of values.entries()) {
          const said = model.update(i * HOUR, value)
          if (said === null) continue
          expect(said.score).toBeGreaterThanOrEqual(0)
          expect(said.score).toBeLessThanOrEqual(1)
        }
      },
    ),
  )
})

test('a week knows an hour once it has passed, and follows what changes', () => {
  const week = new WeekProfile()
  for (let minute = 0; minute < 60; minute += 10) week.add(minute * 60_000, 5)
  expect(week.usual(168 * HOUR)).toBeNull()
  week.add(HOUR, 7)
  expect(week.usual(168 * HOUR)).toBe(5)
  expect(week.usual(169 * HOUR)).toBeNull()
})
