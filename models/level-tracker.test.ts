import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LevelTracker } from './level-tracker.ts'

test('a straight line has its slope from the second reading on, at even and uneven steps', () => {
  for (const steps of [
    [1, 1, 1, 1, 1, 1, 1, 1],
    [0.2, 3, 0.1, 7, 1, 1, 0.5, 9],
  ]) {
    const tracker = new LevelTracker({ fast: 2, slow: 8 })
    let use = 0
    tracker.update(0, 5)
    for (const step of steps) {
      use += step
      tracker.update(use, 5 + 3 * use)
      const { slope } = tracker.read()!
      // While both means remember the same readings there is no difference to read.
      expect(slope === 0 || Math.abs(slope - 3) < 1e-9).toBe(true)
    }
    expect(tracker.read()!.slope).toBeCloseTo(3, 9)
  }
})

test('saved and restored anywhere, it goes on as if nothing had happened', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: -50, max: 50, noNaN: true })), {
        maxLength: 40,
      }),
      fc.nat(40),
      (steps, cut) => {
        const whole = new LevelTracker({ fast: 1, slow: 4 })
        let parted = new LevelTracker({ fast: 1, slow: 4 })
        let use = 0
        for (const [i, [step, value]] of steps.entries()) {
          use += step
          whole.update(use, value)
          parted.update(use, value)
          if (i === cut) parted = new LevelTracker({ fast: 1, slow: 4 }, JSON.parse(JSON.stringify(parted.save())))
        }
        expect(parted.save()).toEqual(whole.save())
      },
    ),
  )
})

test('whatever comes, nothing but finite numbers is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double(), fc.double({ min: -1e9, max: 1e9 }))), (readings) => {
      const tracker = new LevelTracker({ fast: 1, slow: 4 })
      for (const [use, value] of readings) tracker.update(use, value)
      const read = tracker.read()
      if (read !== null) for (const value of Object.values(read)) expect(Number.isFinite(value)).toBe(true)
    }),
  )
})
