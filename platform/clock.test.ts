import { describe, expect, test } from 'vitest'
import { ManualClock, systemClock } from './clock.ts'

describe('ManualClock', () => {
  test('timers run in order of due time, each seeing its own hour', () => {
    const clock = new ManualClock(1_000)
    const seen: [string, number][] = []
    clock.setTimeout(() => seen.push(['late', clock.nowMs()]), 500)
    clock.setTimeout(() => seen.push(['early', clock.nowMs()]), 100)
    clock.setTimeout(() => seen.push(['early too', clock.nowMs()]), 100)
    clock.advance(1_000)
    expect(seen).toEqual([
      ['early', 1_100],
      ['early too', 1_100],
      ['late', 1_500],
    ])
    expect(clock.nowMs()).toBe(2_000)
  })

  test('a timer set by a timer runs in the same move when it falls due within it', () => {
    const clock = new ManualClock(0)
    const seen: number[] = []
    const again = (): void => {
      seen.push(clock.nowMs())
      if (seen.length < 3) clock.setTimeout(again, 10)
    }
    clock.setTimeout(again, 10)
    clock.advanceTo(25)
    expect(seen).toEqual([10, 20])
    expect(clock.nextDueMs()).toBe(30)
  })

  test('a disposed timer does not run, and time never goes back', () => {
    const clock = new ManualClock(50)
    let ran = false
    clock
      .setTimeout(() => {
        ran = true
      }, 1)
      [Symbol.dispose]()
    clock.advanceTo(10)
    expect(clock.nowMs()).toBe(50)
    clock.advance(100)
    expect(ran).toBe(false)
    expect(clock.nextDueMs()).toBeNull()
  })
})

test('the system clock does not fire a wait longer than Node can hold at once', async () => {
  let fired = false
  const timer = systemClock.setTimeout(
    () => {
      fired = true
    },
    2 ** 31 + 5,
  )
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  timer[Symbol.dispose]()
  expect(fired).toBe(false)
})
