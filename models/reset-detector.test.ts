import { expect, test } from 'vitest'
import { reconcileResets, sawReset } from './reset-detector.ts'

const seenIn = (positions: number[]) => {
  const state = { recent: [] as number[] }
  return positions.flatMap((position, i) => (sawReset(state, position) ? [i] : []))
}

test('a new filter is seen with its third reading, once', () => {
  expect(seenIn([0.7, 0.72, 0.71, 0.74, 0.05, 0.06, 0.05, 0.06, 0.07, 0.06])).toEqual([6])
})

test('a glitch, a shake that helps a little, a gap and slow wear are no new part', () => {
  expect(seenIn([0.7, 0.72, 0.71, 0.05, 0.74, 0.75, 0.74, 0.76])).toEqual([])
  expect(seenIn([0.7, 0.72, 0.71, 0.5, 0.52, 0.5, 0.51, 0.53])).toEqual([])
  expect(seenIn([0.7, Number.NaN, 0.72, 0.71, Number.NaN, 0.73, 0.7])).toEqual([])
  expect(seenIn(Array.from({ length: 100 }, (_, i) => i / 100))).toEqual([])
})

test('who spoke of the same replacement is heard once; the measured time counts most', () => {
  const day = 86_400_000
  const resets = reconcileResets([
    { source: 'technician', atMs: 10 * day },
    { source: 'signal', atMs: 10.3 * day },
    { source: 'homeowner', atMs: 60 * day },
    { source: 'device', atMs: 100 * day },
    { source: 'homeowner', atMs: 101 * day },
  ])
  expect(resets).toEqual([
    { atMs: 10.3 * day, source: 'signal', confirmed: true },
    { atMs: 60 * day, source: 'homeowner', confirmed: false },
    { atMs: 100 * day, source: 'device', confirmed: true },
  ])
})
