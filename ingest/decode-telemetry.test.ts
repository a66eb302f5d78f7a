import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileProduct } from './compiled-product.ts'
import {
  type DecodeContext,
  type Decoded,
  decodeTelemetry,
  TIMESTAMP_FUTURE_MS,
  TIMESTAMP_PAST_MS,
} from './decode-telemetry.ts'
import { product, START_MS } from './testing/parts.ts'

const context: DecodeContext = {
  brandId: 'brand_a',
  deviceId: 'dev_1',
  product: compileProduct(product()),
  nowMs: START_MS,
  oldestMs: START_MS - TIMESTAMP_PAST_MS,
  newestMs: START_MS + TIMESTAMP_FUTURE_MS,
  serverClock: false,
  imported: false,
  onlyAt: null,
}

function decode(payload: string | Uint8Array, changes: Partial<DecodeContext> = {}): Decoded {
  return decodeTelemetry(typeof payload === 'string' ? Buffer.from(payload) : payload, { ...context, ...changes })
}

/** What was kept, as `[time relative to now, values]`, and what was not, as `code pointer`. */
function told({ readings, problems }: Decoded): { kept: unknown[]; refused: string[] } {
  return {
    kept: readings.map(({ measuredAtMs, values }) => [measuredAtMs - START_MS, values]),
    refused: problems.map(({ code, pointer }) => `${code} ${pointer}`),
  }
}

const T = START_MS - 5_000

test('the forms of the contract', () => {
  expect(decode('{"filter_dp_pa":131.2}').readings).toEqual([
    {
      kind: 'readings',
      brandId: 'brand_a',
      deviceId: 'dev_1',
      measuredAtMs: START_MS,
      serverTime: true,
      values: { filter_dp_pa: 131.2 },
      delivery: null,
      imported: false,
    },
  ])
  expect(decode(`{"ts":${T},"values":{"filter_dp_pa":131.2}}`).readings).toMatchObject([
    { measuredAtMs: T, serverTime: false, values: { filter_dp_pa: 131.2 } },
  ])
  expect(told(decode(`[{"ts":${T},"values":{"fan_rpm":1}},{"ts":${T + 1},"values":{"fan_rpm":2}}]`)).kept).toEqual([
    [-5_000, { fan_rpm: 1 }],
    [-4_999, { fan_rpm: 2 }],
  ])
  // A buffer without times keeps its order, the newest now.
  expect(told(decode('[{"fan_rpm":1},{"fan_rpm":2},{"values":{"fan_rpm":3}}]')).kept).toEqual([
    [-2, { fan_rpm: 1 }],
    [-1, { fan_rpm: 2 }],
    [0, { fan_rpm: 3 }],
  ])
  expect(told(decode('{}'))).toEqual({ kept: [], refused: [] })
  expect(told(decode('[]'))).toEqual({ kept: [], refused: [] })
})

test('values come in the order of the product, whatever order the firmware writes', () => {
  const { readings } = decode('{"state":"on","fan_on":true,"filter_dp_pa":1,"fan_rpm":2}')
  expect(Object.keys(readings[0]!.values)).toEqual(['filter_dp_pa', 'fan_rpm', 'fan_on', 'state'])
})

// Each row: payload, what is kept of it, what is refused and where.
const bad: [name: string, payload: string, kept: unknown[], refused: string[]][] = [
  ['NaN', '{"fan_rpm":NaN}', [], ['PAYLOAD_NOT_JSON ']],
  ['Infinity', '{"fan_rpm":-Infinity}', [], ['PAYLOAD_NOT_JSON ']],
  ['1e400', '{"fan_rpm":1e400,"fan_on":true}', [[0, { fan_on: true }]], ['NOT_FINITE /fan_rpm']],
  ['a number as text', '{"fan_rpm":"12"}', [], ['WRONG_TYPE /fan_rpm']],
  ['null', '{"fan_rpm":null,"state":"on"}', [[0, { state: 'on' }]], ['WRONG_TYPE /fan_rpm']],
  ['a truth value for a number', '{"fan_rpm":true}', [], ['WRONG_TYPE /fan_rpm']],
  ['a number for a truth value', '{"fan_on":1}', [], ['WRONG_TYPE /fan_on']],
  ['an object for a number', '{"fan_rpm":{"a":1}}', [], ['WRONG_TYPE /fan_rpm']],
  ['2^53 + 1', '{"fan_rpm":9007199254740993}', [], ['OUT_OF_RANGE /fan_rpm']],
  ['2^53 − 1', '{"fan_rpm":9007199254740991}', [[0, { fan_rpm: 9_007_199_254_740_991 }]], []],
  ['outside the product', '{"filter_dp_pa":1000.5}', [], ['OUT_OF_RANGE /filter_dp_pa']],
  ['an unknown metric', '{"fan_rpm":1,"dp":2}', [[0, { fan_rpm: 1 }]], ['UNKNOWN_METRIC /dp']],
  ['a name to be escaped', '{"a/b~c":1}', [], ['UNKNOWN_METRIC /a~1b~0c']],
  [
    'names that objects inherit',
    '{"__proto__":{"fan_rpm":9},"constructor":1,"toString":2,"fan_rpm":3}',
    [[0, { fan_rpm: 3 }]],
    ['UNKNOWN_METRIC /__proto__', 'UNKNOWN_METRIC /constructor', 'UNKNOWN_METRIC /toString'],
  ],
  ['a name twice', '{"fan_rpm":1,"fan_on":true,"fan_rpm":2}', [[0, { fan_on: true }]], ['PAYLOAD_NOT_JSON /fan_rpm']],
  ['a name twice, once escaped', '{"fan_rpm":1,"f\\u0061n_rpm":2}', [], ['PAYLOAD_NOT_JSON /fan_rpm']],
  ['an unknown name twice', '{"x":1,"x":1,"fan_rpm":1}', [[0, { fan_rpm: 1 }]], ['PAYLOAD_NOT_JSON /x']],
  ['colons in a text, nothing twice', '{"state":"a:b:c"}', [[0, { state: 'a:b:c' }]], []],
  ['time twice', `{"ts":${T},"ts":${T},"values":{"fan_rpm":1}}`, [], ['PAYLOAD_NOT_JSON /ts']],
  ['values twice', `[{"values":{"fan_rpm":1},"values":{"fan_rpm":2}}]`, [], ['PAYLOAD_NOT_JSON /0/values']],
  ['NUL in a text', '{"state":"a\\u0000"}', [], ['WRONG_TYPE /state']],
  ['NUL in a name', '{"a\\u0000":1}', [], ['UNKNOWN_METRIC /a\uFFFD']],
  ['half a surrogate pair', '{"state":"\\ud800"}', [[0, { state: '\uFFFD' }]], []],
  ['a long text', `{"state":"${'x'.repeat(1_025)}"}`, [], ['OUT_OF_RANGE /state']],
  ['no object', '"12"', [], ['WRONG_TYPE ']],
  ['null alone', 'null', [], ['WRONG_TYPE ']],
  ['an array in the array', '[[1],{"fan_rpm":1}]', [[0, { fan_rpm: 1 }]], ['WRONG_TYPE /0']],
  ['values that are none', '{"ts":1,"values":[1]}', [], ['WRONG_TYPE /values']],
  [
    'something beside values',
    `{"ts":${T},"rssi":1,"values":{"fan_rpm":1}}`,
    [[-5_000, { fan_rpm: 1 }]],
    ['UNKNOWN_METRIC /rssi'],
  ],
  ['time without values', `{"ts":${T},"fan_rpm":1}`, [[0, { fan_rpm: 1 }]], ['UNKNOWN_METRIC /ts']],
  ['time as text', '{"ts":"1763798400000","values":{"fan_rpm":1}}', [], ['WRONG_TYPE /ts']],
  ['time null', '{"ts":null,"values":{"fan_rpm":1}}', [], ['WRONG_TYPE /ts']],
  ['time with a fraction', `{"ts":${T}.5,"values":{"fan_rpm":1}}`, [], ['WRONG_TYPE /ts']],
  ['time not finite', '{"ts":1e400,"values":{"fan_rpm":1}}', [], ['NOT_FINITE /ts']],
  ['a clock one day ahead', `{"ts":${START_MS + 86_400_000},"values":{"fan_rpm":1}}`, [], ['TIMESTAMP_FUTURE /ts']],
  ['a clock in 1970', '{"ts":1000,"values":{"fan_rpm":1}}', [], ['TIMESTAMP_TOO_OLD /ts']],
  ['a clock before 1970', '{"ts":-1,"values":{"fan_rpm":1}}', [], ['TIMESTAMP_TOO_OLD /ts']],
  ['a clock in the year 9999', '{"ts":253402300799999,"values":{"fan_rpm":1}}', [], ['TIMESTAMP_FUTURE /ts']],
  [
    'one of several times',
    `[{"ts":1,"values":{"fan_rpm":1}},{"ts":${T},"values":{"fan_rpm":2}}]`,
    [[-5_000, { fan_rpm: 2 }]],
    ['TIMESTAMP_TOO_OLD /0/ts'],
  ],
  ['nothing', '', [], ['PAYLOAD_NOT_JSON ']],
  ['half a message', '{"fan_rpm":1', [], ['PAYLOAD_NOT_JSON ']],
]

test.for(bad)('%s', ([, payload, kept, refused]) => {
  expect(told(decode(payload))).toEqual({ kept, refused })
})

test('−0 is 0', () => {
  expect(Object.is(decode('{"fan_rpm":-0}').readings[0]!.values.fan_rpm, 0)).toBe(true)
})

test('the window of device times is 7 days back and 10 minutes ahead, to the millisecond', () => {
  const at = (ts: number): string[] => told(decode(`{"ts":${ts},"values":{"fan_rpm":1}}`)).refused
  expect(at(START_MS - TIMESTAMP_PAST_MS)).toEqual([])
  expect(at(START_MS - TIMESTAMP_PAST_MS - 1)).toEqual(['TIMESTAMP_TOO_OLD /ts'])
  expect(at(START_MS + TIMESTAMP_FUTURE_MS)).toEqual([])
  expect(at(START_MS + TIMESTAMP_FUTURE_MS + 1)).toEqual(['TIMESTAMP_FUTURE /ts'])
})

test('a time in seconds is told as such', () => {
  const { problems } = decode(`{"ts":${Math.floor(START_MS / 1_000)},"values":{"fan_rpm":1}}`)
  expect(problems[0]!.detail).toContain('looks like seconds')
})

test('a product whose clocks are not believed is dated by the hub, whatever its time says', () => {
  for (const ts of ['1000', '"noon"', 'null', '1e400']) {
    const { readings, problems } = decode(`{"ts":${ts},"values":{"fan_rpm":1}}`, { serverClock: true })
    expect(problems).toEqual([])
    expect(readings).toMatchObject([{ measuredAtMs: START_MS, serverTime: true }])
  }
})

test('bytes that are not UTF-8, a byte order mark, NUL and other noise are no JSON', () => {
  const wrap = (bytes: number[]): Buffer =>
    Buffer.concat([Buffer.from('{"state":"'), Buffer.from(bytes), Buffer.from('"}')])
  for (const payload of [
    Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
    wrap([0xff]),
    wrap([0xc3]),
    wrap([0xed, 0xa0, 0x80]),
    wrap([0xc0, 0xaf]),
    Buffer.from([0]),
  ]) {
    expect(told(decode(payload))).toEqual({ kept: [], refused: ['PAYLOAD_NOT_JSON '] })
  }
  expect(told(decode('{"state":"滤芯 \uFFFD"}')).kept).toEqual([[0, { state: '滤芯 \uFFFD' }]])
})

test('a payload larger than a frame is refused unread, with its size', () => {
  const { problems } = decode(`{"state":"${'x'.repeat(5 * 1_048_576)}"}`)
  expect(problems).toMatchObject([{ code: 'PAYLOAD_TOO_LARGE', pointer: '' }])
  expect(problems[0]!.detail).toContain('5242892')
})

test('nesting of any depth is refused and does not crash', () => {
  const deep = (levels: number, open: string, close: string): string => open.repeat(levels) + close.repeat(levels)
  expect(told(decode(deep(10_000, '[', ']'))).refused).toEqual(['WRONG_TYPE /0'])
  expect(told(decode(`{"fan_rpm":${deep(100_000, '[', ']')},"fan_on":true}`))).toEqual({
    kept: [[0, { fan_on: true }]],
    refused: ['WRONG_TYPE /fan_rpm'],
  })
  expect(told(decode(`{"fan_rpm":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`)).refused).toEqual([
    'WRONG_TYPE /fan_rpm',
  ])
})

test('a message with endless problems is told by its first twenty and their number', () => {
  const payload = `{${Array.from({ length: 5_000 }, (_, i) => `"x${i}":1`)},"fan_rpm":1}`
  const { readings, problems, problemsTotal } = decode(payload)
  expect(readings).toHaveLength(1)
  expect(problems).toHaveLength(20)
  expect(problemsTotal).toBe(5_000)
})

test('of more readings than a message may hold, the first are kept and the rest is named', () => {
  const { readings, problems } = decode(`[${Array.from({ length: 10_002 }, () => '{"fan_rpm":1}')}]`)
  expect(readings).toHaveLength(10_000)
  expect(problems).toMatchObject([{ code: 'PAYLOAD_TOO_LARGE', pointer: '/10000' }])
})

test('whatever bytes come in, decoding answers, and what it keeps fits the product', () => {
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
    fc
      .array(
        fc.record({
          ts: fc.anything(),
          values: fc.dictionary(fc.constantFrom('fan_rpm', 'fan_on', 'state', 'x'), fc.anything()),
        }),
      )
      .map((value) =>
        Buffer.from(JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? String(item) : item))),
      ),
  )
  fc.assert(
    fc.property(junk, (payload) => {
      for (const { measuredAtMs, values } of decode(payload).readings) {
        expect(Number.isInteger(measuredAtMs)).toBe(true)
        for (const [key, value] of Object.entries(values)) {
          expect(typeof value).toBe(context.product.metrics.get(key)!.type)
          if (typeof value === 'number') expect(Number.isSafeInteger(Math.trunc(value))).toBe(true)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test('a name counts as repeated exactly when a parser that keeps every member sees it twice', () => {
  const name = fc.constantFrom('fan_rpm', 'fan_on', 'state', 'a:b', 'q"q', '\\', '滤')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.constantFrom('1', 'true', '":"', '{"fan_rpm":1}', '[1,{"x":2}]'))),
      (members) => {
        const payload = `{${members.map(([key, value]) => ` ${JSON.stringify(key)} : ${value}`)} }`
        const names = members.map(([key]) => key)
        const expected = new Set(names.filter((key, rank) => names.indexOf(key) !== rank))
        const found = decode(payload).problems.filter(({ code }) => code === 'PAYLOAD_NOT_JSON')
        expect(new Set(found.map(({ pointer }) => pointer))).toEqual(new Set([...expected].map((key) => `/${key}`)))
      },
    ),
  )
})
