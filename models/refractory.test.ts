import { expect, test } from 'vitest'
import { refractory } from './refractory.ts'

test('a happening that lasts is told once, the next one again', () => {
  const due = [false, true, true, true, false, false, true, true, false]
  let state = { since: Number.POSITIVE_INFINITY, alarm: false }
  const told = due.map((is) => (state = refractory(state, is, 4)).alarm)
  expect(told).toEqual([false, true, false, false, false, false, true, false, false])
})
