import { expect, test } from 'vitest'
import { seededRandom } from './random.ts'

test('a seed repeats itself and forks stand apart from each other and from later draws', () => {
  const a = seededRandom(7)
  const b = seededRandom(7)
  b.next()
  const draws = (label: string, source: typeof a): number[] => {
    const fork = source.fork(label)
    return Array.from({ length: 5 }, () => fork.next())
  }
  expect(draws('lock', a)).toEqual(draws('lock', b))
  expect(draws('lock', a)).not.toEqual(draws('washer', a))
  expect(draws('lock', seededRandom(8))).not.toEqual(draws('lock', a))
})

test('uniform and normal draws have the moments they should', () => {
  const random = seededRandom(42)
  const count = 20_000
  let sum = 0
  let square = 0
  let uniform = 0
  for (let i = 0; i < count; i++) {
    const z = random.normal()
    sum += z
    square += z * z
    uniform += random.next()
  }
  // Five standard errors of each estimate; the seed is fixed, so this never flickers.
  expect(Math.abs(sum / count)).toBeLessThan(5 / Math.sqrt(count))
  expect(Math.abs(square / count - 1)).toBeLessThan(5 * Math.sqrt(2 / count))
  expect(Math.abs(uniform / count - 0.5)).toBeLessThan(5 / Math.sqrt(12 * count))
})
