import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PARTNER_STATUSES, type PartnerStatus } from '#contracts'
import { allowedStatuses, type Progress, progressTo } from './progress.ts'

const start: Progress = { visit: 1, rank: 0, status: null, atMs: 0 }
const after = (said: [PartnerStatus, number?, number?][]): Progress =>
  said.reduce<Progress>((present, [status, visit = 1, atMs = 1]) => {
    const answer = progressTo(present, { status, visit, atMs })
    return answer.kind === 'advance' ? answer.progress : present
  }, start)

test('late, repeated and lower ranks change nothing; a second visit is not old news', () => {
  expect(after([['completed'], ['en_route']]).status).toBe('completed')
  expect(after([['arrived'], ['dispatched']]).status).toBe('arrived')
  expect(after([['arrived'], ['arrived']]).status).toBe('arrived')
  expect(after([['customer_absent'], ['appointed', 2]])).toMatchObject({ status: 'appointed', visit: 2, rank: 2 })
})

test('the first terminal status wins, another one contradicts', () => {
  const done = after([['accepted'], ['completed']])
  expect(progressTo(done, { status: 'failed', visit: 1, atMs: 9 }).kind).toBe('contradiction')
  expect(progressTo(done, { status: 'completed', visit: 1, atMs: 9 }).kind).toBe('old')
  expect(progressTo(done, { status: 'dispatched', visit: 2, atMs: 9 }).kind).toBe('old')
  expect(progressTo(done, { status: 'objected', visit: 1, atMs: 9 }).kind).toBe('aside')
})

test('a date may move again and again, by the partner’s own time', () => {
  const moved = after([
    ['appointed', 1, 10],
    ['rescheduled', 1, 20],
    ['rescheduled', 1, 30],
  ])
  expect(moved.atMs).toBe(30)
  expect(progressTo(moved, { status: 'rescheduled', visit: 1, atMs: 25 }).kind).toBe('old')
})

test('buttons are exactly what would count', () => {
  expect(allowedStatuses(start)).toContain('accepted')
  expect(allowedStatuses(after([['arrived']]))).not.toContain('en_route')
  expect(allowedStatuses(after([['completed']]))).toEqual([])
})

test('any order of the same messages of one visit ends at the same rank', () => {
  const status = fc.constantFrom(...PARTNER_STATUSES.filter((one) => one !== 'objected'))
  fc.assert(
    fc.property(fc.array(status, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (said, keys) => {
      const straight = after(said.map((one) => [one]))
      const shuffled = said.map((one) => ({ one, key: keys.next().value as number })).sort((a, b) => a.key - b.key)
      expect(after(shuffled.map(({ one }) => [one])).rank).toBe(straight.rank)
    }),
  )
})
