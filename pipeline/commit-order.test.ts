import { expect, test } from 'vitest'
import { CommitOrder } from './commit-order.ts'

const rows = (...ordinals: number[]) => ordinals.map((ordinal) => ({ ordinal }))
const at = (xmin: number, xmax: number) => ({ xmin: BigInt(xmin), xmax: BigInt(xmax) })
const ordinals = (taken: { ordinal: number }[]) => taken.map((row) => row.ordinal)

test('without gaps everything goes at once, whatever else runs in the database', () => {
  const order = new CommitOrder(4)
  expect(ordinals(order.take(rows(5, 6, 7), at(100, 900)))).toEqual([5, 6, 7])
  expect(order.waiting).toBe(false)
})

test('a row behind a missing ordinal waits until the missing one commits', () => {
  const order = new CommitOrder(0)
  expect(ordinals(order.take(rows(1, 3), at(50, 60)))).toEqual([1])
  expect(order.waiting).toBe(true)
  expect(ordinals(order.take(rows(2, 3), at(55, 70)))).toEqual([2, 3])
  expect(order.waiting).toBe(false)
})

test('or until every transaction of that moment has ended: then the missing one was rolled back', () => {
  const order = new CommitOrder(0)
  expect(ordinals(order.take(rows(1, 3), at(50, 60)))).toEqual([1])
  expect(ordinals(order.take(rows(3), at(59, 80)))).toEqual([])
  expect(ordinals(order.take(rows(3, 4), at(60, 90)))).toEqual([3, 4])
})

test('each gap is judged by its own moment', () => {
  const order = new CommitOrder(0)
  order.take(rows(2), at(10, 20))
  expect(ordinals(order.take(rows(2, 9), at(20, 30)))).toEqual([2])
  expect(ordinals(order.take(rows(9), at(29, 40)))).toEqual([])
  expect(ordinals(order.take(rows(9), at(30, 40)))).toEqual([9])
})
