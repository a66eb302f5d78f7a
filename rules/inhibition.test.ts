import { expect, test } from 'vitest'
import { inhibitionProblems, inhibitionRanks } from './inhibition.ts'
import { aRule } from './testing/story.ts'

const others = (text: string): Map<string, string[]> =>
  new Map(text.split(' ').map((one) => [one.split('<')[0]!, (one.split('<')[1] ?? '').split(',').filter(Boolean)]))

test('a circle is refused with its way, at the member that closes it', () => {
  expect(inhibitionProblems({ key: 'a', inhibitedBy: ['d', 'b'] }, others('b<c c<a d'))).toEqual([
    { pointer: '/inhibitedBy/1', detail: 'The rules would inhibit each other: a ← b ← c ← a.' },
  ])
  expect(inhibitionProblems({ key: 'a', inhibitedBy: ['b', 'c'] }, others('b<d c<d d'))).toEqual([])
})

test('a rule nobody knows is told, with what may have been meant', () => {
  expect(inhibitionProblems({ key: 'a', inhibitedBy: ['hepa-cloged'] }, others('hepa-clogged'))).toEqual([
    { pointer: '/inhibitedBy/0', detail: 'There is no rule hepa-cloged. Did you mean hepa-clogged?' },
  ])
})

test('inhibitors stand before those they inhibit; a circle nobody could save still has an order', () => {
  const rules = (text: string) =>
    new Map(
      [...others(text)].map(([key, by]) => [
        key,
        { document: aRule(by.length > 0 ? { key, inhibitedBy: by } : { key }) },
      ]),
    )
  const chain = inhibitionRanks(rules('a<b b<c c d<b,gone'))
  expect(Object.fromEntries(chain)).toEqual({ b: 1, a: 2, d: 2 })
  expect(inhibitionRanks(rules('a<b b<a')).size).toBeGreaterThan(0)
})
