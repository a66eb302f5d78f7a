import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Aggregate } from '#contracts'
import { SampleWindow } from './sample-window.ts'

const AGGREGATES: Aggregate[] = ['last', 'mean', 'min', 'max', 'sum', 'count', 'stddev']
const HOUR = 3_600_000

function plain(agg: Aggregate, values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  switch (agg) {
    case 'last':
      return values.at(-1)!
    case 'mean':
      return mean
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'sum':
      return mean * values.length
    case 'count':
      return values.length
    case 'stddev':
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
  }
}

test('readings apart by more than a 64th of the window are aggregated exactly', () => {
  const samples = fc.array(fc.tuple(fc.integer({ min: 57, max: 900 }), fc.integer({ min: -100, max: 100 })), {
    minLength: 2,
    maxLength: 80,
  })
  fc.assert(
    fc.property(fc.constantFrom(...AGGREGATES), samples, (agg, drawn) => {
      const window = new SampleWindow(agg, HOUR)
      const taken: { atMs: number; value: number }[] = []
      let atMs = 0
      for (const [seconds, value] of drawn) {
        atMs += seconds * 1_000
        taken.push({ atMs, value })
        window.add(atMs, value)
        const inside = taken.filter((sample) => sample.atMs > atMs - HOUR).map((sample) => sample.value)
        expect(window.count()).toBe(inside.length)
        if (agg !== 'stddev' || inside.length > 1) expect(window.value()).toBeCloseTo(plain(agg, inside), 6)
      }
    }),
  )
})

test('any rate takes bounded memory and never looks further back than the window', () => {
  const window = new SampleWindow('sum', HOUR)
  for (let i = 0; i < 100_000; i++) window.add(i * 100, 1)
  expect(window.save().length / 4).toBeLessThanOrEqual(65)
  expect(window.count()).toBeLessThanOrEqual(36_000)
  expect(window.count()).toBeGreaterThan(36_000 * (1 - 2 / 64))
})

test('a deviation of one sample, or of equal ones, is unknown and zero, not nonsense', () => {
  const window = new SampleWindow('stddev', HOUR)
  expect(window.value()).toBeNaN()
  window.add(0, 5)
  expect(window.value()).toBeNaN()
  window.add(100_000, 5)
  expect(window.value()).toBe(0)
})

test('a copy goes its own way', () => {
  const window = new SampleWindow('mean', HOUR)
  window.add(0, 10)
  const copy = window.clone()
  copy.add(1_000_000, 20)
  expect([window.value(), copy.value()]).toEqual([10, 15])
})
