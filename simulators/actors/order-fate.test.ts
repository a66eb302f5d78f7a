import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { drawFate, drawItemFate } from './order-fate.ts'

const many = <T>(draw: (i: number) => T): T[] => Array.from({ length: 4_000 }, (_, i) => draw(i))
const share = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length / items.length

test('without habits an order goes the straight way', () => {
  const fate = drawFate({}, seededRandom(1))
  expect(fate).toEqual({
    answer: 'accepts',
    trouble: null,
    quotes: false,
    overcharges: false,
    repeatsItself: false,
    outOfOrder: false,
    contradicts: false,
    objects: false,
  })
  expect(drawItemFate({}, seededRandom(1))).toBe('honest')
})

test('shares come out as given, and what excludes each other adds up', () => {
  const random = seededRandom(3)
  const fates = many((i) =>
    drawFate({ rejects: 0.2, keepsSilent: 0.1, awaitsPart: 0.3, quotes: 0.05 }, random.fork(`${i}`)),
  )
  expect(share(fates, (it) => it.answer === 'rejects')).toBeCloseTo(0.2, 1)
  expect(share(fates, (it) => it.answer === 'keepsSilent')).toBeCloseTo(0.1, 1)
  expect(share(fates, (it) => it.trouble === 'awaitsPart')).toBeCloseTo(0.3, 1)
  expect(share(fates, (it) => it.quotes)).toBeCloseTo(0.05, 1)
  const items = many((i) => drawItemFate({ claimsOnly: 0.6, fitsBadPart: 0.4 }, random.fork(`${i}`)))
  expect(share(items, (it) => it === 'claimsOnly')).toBeCloseTo(0.6, 1)
  expect(share(items, (it) => it === 'honest')).toBe(0)
})

test('one habit more moves no other decision', () => {
  const random = seededRandom(9)
  const less = many((i) => drawFate({ quotes: 0.3, objects: 0.5 }, random.fork(`${i}`)))
  const more = many((i) => drawFate({ quotes: 0.3, objects: 0.5, overcharges: 0.9, rejects: 0.4 }, random.fork(`${i}`)))
  expect(more.map((it) => [it.quotes, it.objects])).toEqual(less.map((it) => [it.quotes, it.objects]))
})
