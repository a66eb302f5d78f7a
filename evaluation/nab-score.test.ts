import { expect, test } from 'vitest'
import { NabTally } from './nab-score.ts'

const times = Array.from({ length: 1000 }, (_, i) => i)
const scoreOf = (detections: number[]) => {
  const tally = new NabTally()
  tally.add(
    times,
    [
      [400, 500],
      [700, 800],
    ],
    detections,
  )
  return tally.score()
}

test('saying nothing scores 0, the first row of every window 100', () => {
  expect(scoreOf([])).toBe(0)
  expect(scoreOf([400, 700])).toBeCloseTo(100, 6)
})

test('late in the window earns less, a second alarm nothing, the first part of the stream is free', () => {
  expect(scoreOf([490, 700])).toBeLessThan(scoreOf([420, 700]))
  expect(scoreOf([400, 450, 700])).toBe(scoreOf([400, 700]))
  expect(scoreOf([10, 149, 400, 700])).toBe(scoreOf([400, 700]))
})

// 2/(1 + e^(5y)) − 1 at y = 0.5 is −0.8483; 0.11 of it of two windows, in hundredths.
test('a false alarm costs by how long the window is over', () => {
  expect(scoreOf([400, 550, 700])).toBeCloseTo(100 - (100 * 0.11 * 0.8483) / 4, 2)
  expect(scoreOf([300, 400, 700])).toBeCloseTo(100 - (100 * 0.11) / 4, 6)
})
