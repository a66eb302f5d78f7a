import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogEntry, LogRecord, ReadingValue, RuleDocument } from '#contracts'
import { createEvaluator, type Evaluator } from './evaluator.ts'
import type { ReadingColumns } from './reading-columns.ts'
import * as arbitrary from './testing/arbitraries.ts'
import { aDevice, aProduct, aRule, MINUTE, T0 } from './testing/story.ts'

const METRICS = ['filter_dp_pa', 'fan_rpm', 'door_open', 'mode', 'unheard_of'] as const
const RUNS = Number(process.env.PROPERTY_RUNS ?? 150)

interface Row {
  wait: number
  behind: number
  serverTime: boolean
  values: Record<string, ReadingValue>
}

const row: fc.Arbitrary<Row> = fc.record({
  wait: fc.oneof({ weight: 6, arbitrary: fc.nat(15) }, { weight: 1, arbitrary: fc.integer({ min: 30, max: 2_000 }) }),
  behind: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(200) }),
  serverTime: fc.boolean(),
  values: fc.record(
    {
      filter_dp_pa: arbitrary.value,
      fan_rpm: fc.oneof(arbitrary.value, fc.constant(-0)),
      door_open: fc.boolean(),
      mode: fc.constantFrom('E4', 'E4', 'ok'),
      unheard_of: fc.nat(3),
    },
    { requiredKeys: [] },
  ),
})

function begun(rule: RuleDocument): { evaluator: Evaluator; seq: number } {
  const evaluator = createEvaluator()
  let seq = 0
  const apply = (entry: LogEntry): void => void evaluator.apply({ ...entry, seq: ++seq, receivedAtMs: T0 } as LogRecord)
  const change = (of: Extract<LogEntry, { kind: 'control' }>['change']): void =>
    apply({ kind: 'control', changeId: `chg_${seq}`, brandId: 'brand_a', change: of })
  change({ type: 'product.version', version: 1, product: aProduct() })
  change({ type: 'device.added', device: aDevice() })
  change({ type: 'rule.activated', rule, version: 1, mode: 'active', canaryShare: 1, activation: 'act_1' })
  return { evaluator, seq }
}

test('readings in columns decide what the same readings decide as records, one by one', () => {
  fc.assert(
    fc.property(arbitrary.rule, fc.array(row, { minLength: 1, maxLength: 80 }), (rule, rows) => {
      let nowMs = T0
      const times = rows.map(({ wait, behind, serverTime }) => {
        nowMs += (wait * MINUTE) / 10
        return { receivedAtMs: nowMs, measuredAtMs: serverTime ? nowMs : nowMs - (behind * MINUTE) / 10 }
      })
      const readings: ReadingColumns = {
        brandId: 'brand_a',
        deviceId: 'dev_1',
        receivedAtMs: Float64Array.from(times, (one) => one.receivedAtMs),
        measuredAtMs: Float64Array.from(times, (one) => one.measuredAtMs),
        metrics: METRICS,
        values: METRICS.map((metric) => rows.map(({ values }) => values[metric] ?? null)),
      }
      const record = begun(rule)
      const column = begun(rule)
      for (const [i, { serverTime, values }] of rows.entries()) {
        const seq = ++record.seq
        const told = record.evaluator.apply({
          kind: 'readings',
          brandId: 'brand_a',
          deviceId: 'dev_1',
          delivery: null,
          imported: false,
          serverTime,
          values,
          seq,
          ...times[i]!,
        })
        expect(column.evaluator.applyRow(readings, i, { seq, serverTime })).toEqual(told)
      }
      expect(column.evaluator.stateHash()).toBe(record.evaluator.stateHash())
      expect(column.evaluator.counters()).toEqual(record.evaluator.counters())
    }),
    { numRuns: RUNS },
  )
})

test('a device nobody knows is counted, and a place that was passed says nothing', () => {
  const { evaluator, seq } = begun(aRule())
  const readings: ReadingColumns = {
    brandId: 'brand_a',
    deviceId: 'dev_9',
    receivedAtMs: [T0 + MINUTE],
    measuredAtMs: [T0 + MINUTE],
    metrics: ['filter_dp_pa'],
    values: [[260]],
  }
  expect(evaluator.applyRow(readings, 0, { seq: seq + 1, serverTime: false })).toEqual([])
  expect(evaluator.counters().unknownDevice).toBe(1)
  expect(evaluator.applyRow(readings, 0, { seq, serverTime: false })).toEqual([])
  expect(evaluator.lastSeq()).toBe(seq + 1)
  expect(evaluator.counters().unknownDevice).toBe(1)
})
