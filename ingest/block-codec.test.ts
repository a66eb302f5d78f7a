import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogEntry, LogRecord } from '#contracts'
import { BlockDecoder } from './block-decoder.ts'
import { BlockEncoder } from './block-encoder.ts'
import { reading, START_MS } from './testing/parts.ts'

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true })
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', '\ud800', '滤芯'),
)
const id = fc.constantFrom('dev_1', 'dev_2', 'dev_滤', '')
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const time = fc.oneof(
  fc.integer({ min: -1e13, max: 1e13 }),
  fc.integer({ min: -1_000, max: 1_000 }).map((ms) => START_MS + ms),
)

/** Values with names that objects inherit, made as `JSON.parse` makes them. */
const values = fc
  .array(
    fc.tuple(fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', '7'), text), fc.oneof(finite, fc.boolean(), text)),
    {
      maxLength: 6,
    },
  )
  .map((members) => {
    const made: Record<string, number | boolean | string> = {}
    for (const [key, value] of members) {
      Object.defineProperty(made, key, { value, enumerable: true, writable: true, configurable: true })
    }
    return made
  })

const readings = record({
  kind: fc.constant('readings' as const),
  brandId: fc.constantFrom('brand_a', 'brand_b'),
  deviceId: id,
  measuredAtMs: time,
  serverTime: fc.boolean(),
  values,
  delivery: fc.option(
    record({
      session: text,
      packetId: fc.integer({ min: 0, max: 65_535 }),
      dup: fc.boolean(),
      payloadHash: fc.integer({ min: 0, max: 0xffffffff }),
    }),
  ),
  imported: fc.boolean(),
})

const problem = record({ code: fc.constant('WRONG_TYPE' as const), pointer: text, detail: fc.string() })
const quarantinedEntries = fc.record(
  {
    kind: fc.constant('quarantined' as const),
    brandId: fc.constantFrom('brand_a', 'brand_b'),
    deviceId: id,
    code: fc.constantFrom('PAYLOAD_NOT_JSON' as const, 'OUT_OF_RANGE' as const),
    pointer: text,
    detail: text,
    payload: fc.uint8Array({ maxLength: 300 }),
    truncated: fc.boolean(),
    via: text,
    problems: fc.array(problem, { minLength: 1, maxLength: 3 }),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['kind', 'brandId', 'deviceId', 'code', 'pointer', 'detail', 'payload', 'truncated', 'via'],
  },
)

const controls = record({
  kind: fc.constant('control' as const),
  changeId: text,
  brandId: fc.option(fc.constant('brand_a')),
  change: record({ type: fc.constant('rule.paused' as const), ruleKey: text }),
})

const entry: fc.Arbitrary<LogEntry> = fc.oneof(
  { weight: 5, arbitrary: readings },
  quarantinedEntries,
  controls,
  fc.constant({ kind: 'tick' as const }),
)

function decodeAll(bytes: Uint8Array, firstSeq: number): LogRecord[] {
  const decoder = new BlockDecoder(bytes, firstSeq)
  const records: LogRecord[] = []
  for (let record = decoder.next(); record; record = decoder.next()) records.push(record)
  return records
}

test('whatever is written into a block is read from it, with its place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(entry, fc.nat(20)), { maxLength: 40 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      (steps, first) => {
        const encoder = new BlockEncoder()
        let atMs = START_MS
        const expected = steps.map(([item, laterMs], rank) => {
          atMs += laterMs > 10 ? laterMs : 0
          encoder.add(item, atMs)
          return { ...item, seq: first + rank, receivedAtMs: atMs }
        })
        expect(encoder.entries).toBe(steps.length)
        expect(decodeAll(encoder.finish(), first)).toStrictEqual(expected)
      },
    ),
    { numRuns: 500 },
  )
})

test('the order of the metrics is kept, and a key inherited by objects is an ordinary key', () => {
  const encoder = new BlockEncoder()
  encoder.add(reading({ values: JSON.parse('{"b":1,"a":2,"__proto__":3}') }), START_MS)
  encoder.add(reading({ values: { a: 2, b: 1 } }), START_MS)
  const [first, second] = decodeAll(encoder.finish(), 1) as ReturnType<typeof reading>[]
  expect(Object.keys(first!.values)).toEqual(['b', 'a', '__proto__'])
  expect(Object.getPrototypeOf(first!.values)).toBe(Object.prototype)
  expect(Object.keys(second!.values)).toEqual(['a', 'b'])
})

test('names cost their length once per block: a repeated reading takes fixed bytes and its numbers', () => {
  const encoder = new BlockEncoder()
  encoder.add(reading(), START_MS)
  const first = encoder.bytes
  encoder.add(reading(), START_MS)
  // Tag, device, shape, eight bytes of number, one of truth.
  expect(encoder.bytes - first).toBe(12)
})

test('an entry that has no bytes leaves the block as it was', () => {
  const encoder = new BlockEncoder()
  encoder.add(reading(), START_MS)
  const before = encoder.bytes
  const change = { type: 'rule.paused', ruleKey: 1n } as never
  expect(() => encoder.add({ kind: 'control', changeId: 'chg_1', brandId: null, change }, START_MS)).toThrow(TypeError)
  expect(encoder.bytes).toBe(before)
})
