import { expect, test } from 'vitest'
import { AddressLimit } from './address-limit.ts'
import { TokenBucket } from './token-bucket.ts'

test('a burst of a second, then the rate', () => {
  const limit = new AddressLimit({ perSecond: 100 })
  const allowed = (nowMs: number) =>
    Array.from({ length: 200 }, () => limit.allow('203.0.113.1', nowMs)).filter(Boolean).length
  expect(allowed(0)).toBe(100)
  expect(allowed(0)).toBe(0)
  expect(allowed(500)).toBe(50)
  expect(allowed(10_000)).toBe(100)
})

test('addresses do not count for each other', () => {
  const limit = new AddressLimit({ perSecond: 1 })
  expect(limit.allow('203.0.113.1', 0)).toBe(true)
  expect(limit.allow('203.0.113.1', 0)).toBe(false)
  expect(limit.allow('203.0.113.2', 0)).toBe(true)
})

test('a bucket goes into debt for what is in hand and says how long it lasts', () => {
  const bucket = new TokenBucket({ perSecond: 100, nowMs: 0 })
  bucket.take(150, 0)
  expect(bucket.debtMs(0)).toBe(500)
  expect(bucket.debtMs(400)).toBe(100)
  expect(bucket.debtMs(500)).toBe(0)
  expect(bucket.tryTake(500)).toBe(false)
})

test('a clock that steps back gives nothing and locks nobody out', () => {
  const bucket = new TokenBucket({ perSecond: 1, nowMs: 10_000 })
  expect(bucket.tryTake(10_000)).toBe(true)
  expect(bucket.tryTake(0)).toBe(false)
  expect(bucket.tryTake(1_000)).toBe(true)
})
