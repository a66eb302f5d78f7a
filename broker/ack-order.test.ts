import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AckOrder } from './ack-order.ts'

test('whatever settles when, releases come in the order of entering, each once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(49), { maxLength: 50 }), (settling) => {
      const order = new AckOrder()
      const released: number[] = []
      const places = Array.from({ length: 50 }, () => order.enter())
      for (const n of settling) order.settle(places[n]!, () => released.push(n))
      const settled = new Set(settling)
      const expected = []
      for (let n = 0; settled.has(n); n++) expected.push(n)
      expect(released).toEqual(expected)
    }),
  )
})

test('what enters and settles during a release waits for those before it', () => {
  const order = new AckOrder()
  const released: string[] = []
  const [a, b] = [order.enter(), order.enter()]
  order.settle(b, () => released.push('b'))
  order.settle(a, () => {
    released.push('a')
    order.settle(order.enter(), () => released.push('c'))
  })
  expect(released).toEqual(['a', 'b', 'c'])
})

test('nothing is released after clear', () => {
  const order = new AckOrder()
  const released: string[] = []
  const [a, b] = [order.enter(), order.enter()]
  order.settle(b, () => released.push('b'))
  order.clear()
  order.settle(a, () => released.push('a'))
  expect(released).toEqual([])
})
