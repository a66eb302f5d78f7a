import { expect, test } from 'vitest'
import { verdictOf } from './verdict.ts'

const HOUR = 3_600_000

test.each([
  [200, null, 'sent', undefined],
  [204, null, 'sent', undefined],
  [299, '60', 'sent', undefined],
  [301, null, 'retry', null],
  [307, '60', 'retry', null],
  [400, '60', 'retry', null],
  [404, null, 'retry', null],
  [410, null, 'disable', undefined],
  [429, '3600', 'retry', HOUR],
  [429, '-1', 'retry', null],
  [429, null, 'retry', null],
  [500, '60', 'retry', null],
  [502, '60', 'retry', 60_000],
  [503, '315360000', 'retry', 24 * HOUR],
  [504, '60', 'retry', 60_000],
] as const)('%i with Retry-After %j: %s', (status, retryAfter, outcome, afterMs) => {
  const verdict = verdictOf({ kind: 'answered', status, retryAfter }, 0)
  expect(verdict.outcome).toBe(outcome)
  expect('afterMs' in verdict ? verdict.afterMs : undefined).toBe(afterMs)
})

test('no answer and a forbidden address are both tried again', () => {
  expect(verdictOf({ kind: 'failed', reason: 'no answer in time' }, 0).outcome).toBe('retry')
  expect(verdictOf({ kind: 'forbidden', reason: 'private' }, 0).outcome).toBe('retry')
})
