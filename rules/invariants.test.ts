import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AlertEffect, ControlChange, LogEntry, LogRecord, ReadingValue, RuleDocument } from '#contracts'
import { createEvaluator, type Evaluator } from './evaluator.ts'
import * as arbitrary from './testing/arbitraries.ts'
import { aDevice, aProduct, MINUTE, T0 } from './testing/story.ts'

/**
 * The invariants of the alert semantics over logs of small fleets with everything that goes wrong
 * with them: readings lost, doubled, late, out of order, with a wrong clock or without one; parts
 * replaced, rules edited, paused and enabled, parameters set, silences, devices moved and removed.
 */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 150)
/** A shared machine may be slow; nothing here depends on it. */
const PATIENCE_MS = 600_000

const BRANDS = ['brand_a', 'brand_b'] as const
const DEVICES = ['dev_1', 'dev_2'] as const
const RULES = ['rule-a', 'rule-b'] as const
/** Kinds of control changes drawn. */
const LAST_CHANGE = 18

type Drawn =
  | {
      kind: 'reading'
      brand: number
      device: number
      behind: number
      server: boolean
      values: Record<string, ReadingValue>
    }
  | { kind: 'again'; back: number }
  | {
      kind: 'rule'
      brand: number
      rule: number
      document: RuleDocument
      version: number
      anew: boolean
      silence: number
    }
  | { kind: 'control'; brand: number; device: number; rule: number; what: number }
  | { kind: 'tick' }

const drawnOf = (rules: fc.Arbitrary<RuleDocument>): fc.Arbitrary<{ wait: number; what: Drawn }> =>
  fc.record({
    // Tenths of minutes: mostly a minute, sometimes a gap, rarely a night.
    wait: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 15 }) },
      { weight: 2, arbitrary: fc.integer({ min: 30, max: 200 }) },
      { weight: 1, arbitrary: fc.constant(5_000) },
    ),
    what: fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          kind: fc.constant('reading' as const),
          brand: fc.nat(1),
          device: fc.nat(1),
          behind: fc.oneof(
            { weight: 5, arbitrary: fc.constant(0) },
            fc.integer({ min: 0, max: 60 }),
            fc.integer({ min: 0, max: 400 }),
          ),
          server: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
          values: arbitrary.values,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.integer({ min: 1, max: 10 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('rule' as const),
          brand: fc.nat(1),
          rule: fc.nat(1),
          document: rules,
          version: fc.integer({ min: 2, max: 4 }),
          anew: fc.boolean(),
          silence: fc.nat(3),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('control' as const),
          brand: fc.nat(1),
          device: fc.nat(1),
          rule: fc.nat(1),
          what: fc.nat(LAST_CHANGE),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
    ),
  })

const fleetOf = (rules: fc.Arbitrary<RuleDocument>) =>
  fc.record({
    rules: fc.tuple(rules, arbitrary.leveledRule),
    log: fc.array(drawnOf(rules), { minLength: 5, maxLength: 120 }),
  })
const fleet = fleetOf(arbitrary.rule)
type Fleet = typeof fleet extends fc.Arbitrary<infer T> ? T : never

/** Rule-b may be inhibited by rule-a, and the other way round too, which a save would refuse. */
const INHIBITED = [undefined, ['rule-a'], ['rule-b', 'rule-a']]

const NO_DATA = ['hold', 'alert', 'resolve', { alert: { for: '2m' } }] as const

/** Writes the log of a drawn fleet. */
function written({ rules, log }: Fleet, startMs = T0): LogRecord[] {
  const records: LogRecord[] = []
  let atMs = startMs
  let changes = 0
  const put = (entry: LogEntry): void => {
    records.push({ ...entry, seq: records.length + 1, receivedAtMs: atMs })
  }
  const control = (brandId: string | null, change: ControlChange): void =>
    put({ kind: 'control', changeId: `chg_${++changes}`, brandId, change })
  const activate = (brandId: string, document: RuleDocument, version: number, activation: string): void =>
    control(brandId, { type: 'rule.activated', rule: document, version, mode: 'active', canaryShare: 1, activation })

  for (const brandId of BRANDS) {
    control(brandId, { type: 'product.version', version: 1, product: aProduct() })
    for (const deviceId of DEVICES) control(brandId, { type: 'device.added', device: aDevice({ deviceId }) })
    for (const [i, key] of RULES.entries()) activate(brandId, { ...rules[i]!, key }, 1, `act_${key}`)
  }
  for (const { wait, what } of log) {
    atMs += wait * 6_000
    if (what.kind === 'tick') put({ kind: 'tick' })
    else if (what.kind === 'again') {
      const earlier = records[records.length - what.back]
      if (earlier?.kind === 'readings' && !earlier.serverTime) put({ ...earlier })
    } else if (what.kind === 'reading')
      put({
        kind: 'readings',
        brandId: BRANDS[what.brand]!,
        deviceId: DEVICES[what.device]!,
        measuredAtMs: what.server ? atMs : atMs - what.behind * 6_000,
        serverTime: what.server,
        values: what.values,
        delivery: null,
        imported: false,
      })
    else if (what.kind === 'rule') {
      const key = RULES[what.rule]!
      const inhibitedBy = INHIBITED[what.version - 2]
      const document = {
        ...what.document,
        key,
        noData: NO_DATA[what.silence]!,
        ...(inhibitedBy ? { inhibitedBy } : {}),
      } as RuleDocument
      activate(BRANDS[what.brand]!, document, what.version, what.anew ? `act_${key}_${changes}` : `act_${key}`)
    } else control(BRANDS[what.brand]!, changeOf(what, atMs, records))
  }
  return records
}

function changeOf(
  { device, rule, what, brand }: Extract<Drawn, { kind: 'control' }>,
  atMs: number,
  records: readonly LogRecord[],
): ControlChange {
  const deviceId = DEVICES[device]!
  const ruleKey = RULES[rule]!
  const seq = records.length
  switch (what) {
    case 0:
      return { type: 'component.reset', deviceId, component: 'fan', atMs, source: 'technician', caseId: null }
    case 1:
      return { type: 'rule.paused', ruleKey }
    case 2:
    case 3:
    case 4:
      return { type: 'rule.warmed', ruleKey, version: newestVersion(records, BRANDS[brand]!, ruleKey) }
    case 5:
      return {
        type: 'silence.started',
        silenceId: `sil_${seq % 2}`,
        scope: { deviceId },
        kind: 'silence',
        untilMs: atMs + 10 * MINUTE,
      }
    case 6:
      return { type: 'silence.ended', silenceId: `sil_${seq % 2}` }
    case 7:
      return { type: 'device.moved', device: aDevice({ deviceId, homeId: `home_${brand}_${seq}` }) }
    case 8:
      return { type: 'device.changed', device: aDevice({ deviceId, tags: ['x'] }) }
    case 9:
      return { type: 'presence', deviceId, epoch: seq, state: 'disconnected', graceful: false }
    case 10:
      return {
        type: 'verification.started',
        caseId: `case_${deviceId}`,
        deviceId,
        component: 'hepa-filter',
        attempt: 1,
        repairedAtMs: atMs,
        partReplaced: true,
      }
    case 11:
      return { type: 'hub.resumed', downSinceMs: atMs - 5 * MINUTE }
    case 12:
      return { type: 'consent.monitoring', homeId: 'home_1', granted: seq % 2 === 0 }
    case 13:
      return { type: 'device.removed', deviceId }
    case 15:
    case 16:
      return {
        type: 'maintenance.set',
        windowId: 'win_1',
        window: what === 15 ? null : { scope: { deviceId }, zone: 'home', days: [4, 5], from: '08:10', to: '16:20' },
      }
    case 17:
      return {
        type: 'silence.started',
        silenceId: 'sil_outage',
        scope: { region: '31' },
        kind: 'outage',
        untilMs: atMs + 20 * MINUTE,
        seen: { devices: 2, silent: 2, sinceMs: atMs },
      }
    case 14:
      return { type: 'device.added', device: aDevice({ deviceId }) }
    default:
      return {
        type: 'product.version',
        version: seq,
        product: aProduct({ reporting: { mode: 'onChange', every: '1m', heartbeat: '2m' } }),
      }
  }
}

/** What the owner of the log would say is warm now. */
function newestVersion(records: readonly LogRecord[], brandId: string, ruleKey: string): number {
  for (const record of records.toReversed())
    if (
      record.kind === 'control' &&
      record.brandId === brandId &&
      record.change.type === 'rule.activated' &&
      record.change.rule.key === ruleKey
    )
      return record.change.version
  return 1
}

function run(records: readonly LogRecord[], evaluator: Evaluator = createEvaluator()): AlertEffect[] {
  return records.flatMap((record) => evaluator.apply(record))
}

function check<T>(arbitraries: fc.Arbitrary<T>, holds: (drawn: T) => void): () => void {
  return () => fc.assert(fc.property(arbitraries, holds), { numRuns: RUNS })
}

test(
  'I2: an episode fires once and is resolved once at most, and nothing is said of it afterwards but a revision',
  check(fleet, (drawnFleet) => {
    const seen = new Map<string, string>()
    for (const effect of run(written(drawnFleet))) {
      if (!('episode' in effect)) continue
      const { episodeId } = effect.episode
      const before = seen.get(episodeId)
      if (effect.kind === 'alert.firing') expect(before).toBeUndefined()
      else if (effect.kind !== 'alert.revised') expect(before).toBe('open')
      if (effect.kind !== 'alert.revised') seen.set(episodeId, effect.kind === 'alert.resolved' ? 'ended' : 'open')
    }
  }),
  PATIENCE_MS,
)

test(
  'I3: the same log gives the same effects and the same state',
  check(fleet, (drawnFleet) => {
    const one = createEvaluator()
    const other = createEvaluator()
    expect(run(written(drawnFleet), one)).toEqual(run(written(drawnFleet), other))
    expect(one.stateHash()).toBe(other.stateHash())
  }),
  PATIENCE_MS,
)

test(
  'I6: a crash anywhere is as if the log had been read without it',
  check(fc.tuple(fleet, fc.array(fc.nat(70), { maxLength: 5 })), ([drawnFleet, crashes]) => {
    const records = written(drawnFleet)
    const whole = createEvaluator()
    const expected = run(records, whole)
    const state = new Map<string, string>()
    let evaluator = createEvaluator()
    const effects: AlertEffect[] = []
    records.forEach((record, i) => {
      effects.push(...evaluator.apply(record))
      if (!crashes.includes(i)) return
      for (const { key, value } of evaluator.takeDirty())
        if (value === null) state.delete(key)
        else state.set(key, value)
      evaluator = createEvaluator()
      evaluator.restore([...state].map(([key, value]) => ({ key, value })))
    })
    expect(effects).toEqual(expected)
    expect(evaluator.stateHash()).toBe(whole.stateHash())
    expect(evaluator.counters()).toEqual(whole.counters())
  }),
  PATIENCE_MS,
)

test(
  'I6: what was lost between two checkpoints is the same when replayed',
  check(fc.tuple(fleet, fc.nat(70), fc.nat(70)), ([drawnFleet, a, b]) => {
    const records = written(drawnFleet)
    const [saveAt, dieAt] = [Math.min(a, b), Math.max(a, b)]
    const first = createEvaluator()
    const expected = run(records.slice(0, saveAt), first)
    const saved = first.takeDirty()
    run(records.slice(saveAt, dieAt), first)
    const second = createEvaluator()
    second.restore(saved)
    expect(second.lastSeq()).toBe(Math.min(saveAt, records.length))
    const whole = createEvaluator()
    expect([...expected, ...run(records.slice(saveAt), second)]).toEqual(run(records, whole))
    expect(second.stateHash()).toBe(whole.stateHash())
  }),
  PATIENCE_MS,
)

test(
  'I7: silences never change the condition, only who hears of it',
  check(fleet, (drawnFleet) => {
    const records = written(drawnFleet)
    // Ticks in place of silences, so that time passes alike.
    const unsilenced = records.map(
      (record): LogRecord =>
        record.kind === 'control' && /^silence|^maintenance/.test(record.change.type)
          ? { kind: 'tick', seq: record.seq, receivedAtMs: record.receivedAtMs }
          : record,
    )
    const conditions = (effects: readonly AlertEffect[]) =>
      effects.flatMap((effect) =>
        'episode' in effect &&
        ['alert.firing', 'alert.resolved', 'alert.cleared', 'alert.revised'].includes(effect.kind)
          ? [`${effect.kind} ${effect.episode.episodeId} ${effect.atMs}`]
          : [],
      )
    const one = createEvaluator()
    const other = createEvaluator()
    expect(conditions(run(records, one))).toEqual(conditions(run(unsilenced, other)))
    expect(one.views()).toEqual(other.views())
  }),
  PATIENCE_MS,
)

test(
  'I8: duplicates change nothing',
  check(fc.tuple(fleet, fc.array(fc.nat(70), { maxLength: 10 })), ([drawnFleet, again]) => {
    const records = written(drawnFleet)
    const one = createEvaluator()
    const other = createEvaluator()
    const expected = run(records, one).map(unplaced)
    const effects: AlertEffect[] = []
    let seq = 0
    records.forEach((record, i) => {
      effects.push(...other.apply({ ...record, seq: ++seq }))
      if (!again.includes(i) || record.kind !== 'readings' || record.serverTime) return
      effects.push(...other.apply({ ...record, seq: ++seq }))
    })
    expect(effects.map(unplaced)).toEqual(expected)
    expect(other.stateHash()).toBe(one.stateHash())
  }),
  PATIENCE_MS,
)

test(
  'I9: shifting all times shifts the output',
  // The calendar stands still while the times move.
  check(
    fc.tuple(fleetOf(arbitrary.timelessRule), fc.integer({ min: -100_000, max: 100_000 })),
    ([drawnFleet, tens]) => {
      const byMs = tens * 10_000
      const shape = (effects: readonly AlertEffect[], shiftMs: number) =>
        effects.map((effect) =>
          'episode' in effect
            ? `${effect.kind} ${effect.atMs - shiftMs} ${effect.episode.ruleKey} ${effect.episode.deviceId} ${effect.episode.startedAtMs - shiftMs}`
            : `${effect.kind} ${effect.atMs - shiftMs}`,
        )
      const timeless = (records: LogRecord[]): LogRecord[] =>
        records.filter((record) => record.kind !== 'control' || record.change.type !== 'maintenance.set')
      const moved = timeless(written(drawnFleet, T0 + byMs))
      expect(shape(run(moved), byMs)).toEqual(shape(run(timeless(written(drawnFleet))), 0))
    },
  ),
  PATIENCE_MS,
)

test(
  "I10: another brand's records never change this brand's output",
  check(fleet, (drawnFleet) => {
    const records = written(drawnFleet)
    const mine = (effects: readonly AlertEffect[]) =>
      effects.filter(
        (effect) =>
          ('episode' in effect ? effect.episode.brandId : 'brandId' in effect && effect.brandId) === 'brand_a',
      )
    // The other brand's records become ticks: the hub's time passes alike, the rest is gone.
    const alone = records.map(
      (record): LogRecord =>
        'brandId' in record &&
        record.brandId === 'brand_b' &&
        !(record.kind === 'control' && record.change.type === 'hub.resumed')
          ? { kind: 'tick', seq: record.seq, receivedAtMs: record.receivedAtMs }
          : record,
    )
    const one = createEvaluator()
    const other = createEvaluator()
    expect(mine(run(records, one)).map(unnumbered)).toEqual(mine(run(alone, other)).map(unnumbered))
    expect(one.views({ brandId: 'brand_a' })).toEqual(other.views({ brandId: 'brand_a' }))
  }),
  PATIENCE_MS,
)

function unplaced({ seq: _seq, ...effect }: AlertEffect): unknown {
  return effect
}

function unnumbered({ ordinal: _ordinal, ...effect }: AlertEffect): unknown {
  return effect
}
