import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundaryAfter, boundaryAtOrAfter, type Tickable, TickTimers } from './tick-timers.ts'

const item = (timerKey: string): Tickable => ({ timerKey, scheduledMs: Number.POSITIVE_INFINITY })

test('boundaries are whole ten seconds; what must be exceeded waits for the next', () => {
  expect([boundaryAtOrAfter(20_000), boundaryAtOrAfter(20_001), boundaryAfter(20_000)]).toEqual([
    20_000, 30_000, 30_000,
  ])
  expect(boundaryAtOrAfter(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
})

test('serves boundaries in order, and what is due together in order of key', () => {
  const timers = new TickTimers<Tickable>()
  for (const [key, boundary] of [
    ['b', 20],
    ['a', 20],
    ['c', 10],
    ['d', 30],
  ] as const)
    timers.schedule(item(key), boundary)
  const served: string[] = []
  while (timers.nextMs() < Number.POSITIVE_INFINITY)
    served.push(`${timers.nextMs()} ${timers.take().map((due) => due.timerKey)}`)
  expect(served).toEqual(['10 c', '20 a,b', '30 d'])
})

test('nobody is looked at later than asked for, nor twice at one boundary', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(50)), { maxLength: 60 }), (asked) => {
      const timers = new TickTimers<Tickable>()
      const items = Array.from({ length: 6 }, (_, i) => item(String(i)))
      const earliest = new Map<Tickable, number>()
      for (const [who, boundary] of asked) {
        timers.schedule(items[who]!, boundary)
        earliest.set(items[who]!, Math.min(earliest.get(items[who]!) ?? Number.POSITIVE_INFINITY, boundary))
      }
      let before = -1
      while (timers.nextMs() < Number.POSITIVE_INFINITY) {
        const boundary = timers.nextMs()
        expect(boundary).toBeGreaterThan(before)
        before = boundary
        for (const due of timers.take()) {
          expect(earliest.get(due)).toBe(boundary)
          earliest.delete(due)
        }
      }
      expect(earliest.size).toBe(0)
    }),
  )
})
