import { expect, test } from 'vitest'
import { createDuplicateFilter, type FilteredReading } from './duplicate-filter.ts'

const reading = (over: Partial<FilteredReading> = {}): FilteredReading => ({
  measuredAtMs: 1_000,
  serverTime: false,
  values: { filter_dp_pa: 131.2, fan_rpm: 900 },
  delivery: null,
  ...over,
})

test('a reading sent a thousand times counts once, whatever the order of its members', () => {
  const filter = createDuplicateFilter()
  expect(filter.check(reading())).toBe('new')
  for (let i = 0; i < 999; i++)
    expect(filter.check(reading({ values: { fan_rpm: 900, filter_dp_pa: 131.2 } }))).toBe('duplicate')
})

test('the same time with other values or other metrics is left to whoever keeps the values', () => {
  const filter = createDuplicateFilter()
  filter.check(reading())
  expect(filter.check(reading({ values: { filter_dp_pa: 131.3 } }))).toBe('same-time')
  expect(filter.check(reading({ values: { pm25_ugm3: 131.2 } }))).toBe('same-time')
  expect(filter.check(reading({ values: { pm25_ugm3: 131.2 } }))).toBe('duplicate')
})

test('a late reading is new, and recognised when it comes again', () => {
  const filter = createDuplicateFilter()
  for (const measuredAtMs of [10, 30, 40]) filter.check(reading({ measuredAtMs }))
  expect(filter.check(reading({ measuredAtMs: 20 }))).toBe('new')
  expect(filter.check(reading({ measuredAtMs: 20 }))).toBe('duplicate')
  expect(filter.check(reading({ measuredAtMs: 5 }))).toBe('new')
})

test('without a clock only the DUP flag with packet id and content shows a repetition', () => {
  const filter = createDuplicateFilter()
  const delivery = { session: 's', packetId: 7, dup: false, payloadHash: 99 }
  const first = reading({ serverTime: true, delivery })
  expect(filter.check(first)).toBe('new')
  // A used-up packet id with the same payload: a new reading that looks alike.
  expect(filter.check({ ...first, measuredAtMs: 2_000 })).toBe('new')
  expect(filter.check({ ...first, measuredAtMs: 3_000, delivery: { ...delivery, dup: true } })).toBe('duplicate')
  expect(filter.check({ ...first, delivery: { ...delivery, dup: true, packetId: 8 } })).toBe('new')
})

test('two readings of one redelivered packet, of which the hub saw none, are both new', () => {
  const filter = createDuplicateFilter()
  const delivery = { session: 's', packetId: 7, dup: true, payloadHash: 99 }
  expect(filter.check(reading({ serverTime: true, delivery, values: { a: 1 } }))).toBe('new')
  expect(filter.check(reading({ serverTime: true, delivery, values: { a: 2 } }))).toBe('new')
  expect(filter.check(reading({ serverTime: true, delivery, values: { a: 2 } }))).toBe('duplicate')
})

test('memory is bounded and survives a checkpoint', () => {
  const filter = createDuplicateFilter()
  for (let i = 0; i < 10_000; i++) filter.check(reading({ measuredAtMs: i }))
  expect(filter.save().readings.length).toBeLessThanOrEqual(2 * 96)
  const restored = createDuplicateFilter(filter.save())
  expect(restored.check(reading({ measuredAtMs: 9_999 }))).toBe('duplicate')
  expect(restored.save()).toEqual(filter.save())
})
