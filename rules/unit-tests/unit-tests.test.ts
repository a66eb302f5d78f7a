import { describe, expect, test } from 'vitest'
import type { ProductDocument, RuleDocument } from '#contracts'
import { parseRule } from '../parse-rule.ts'
import { runRuleTests } from './run-file.ts'
import { readSeries } from './series.ts'
import { parseRuleTests } from './test-file.ts'

const HEPA: RuleDocument = parseRule(`
key: hepa-clogged
name: { en: HEPA filter clogged, zh-CN: 滤芯堵塞 }
scope: { product: ap-300 }
component: hepa-filter
severity: warning
when: { metric: filter_dp_pa, op: ">", value: 250, clear: 230 }
for: 10m
keep: 1h
`)

const run = (tests: string, rules: RuleDocument[] = [HEPA]) =>
  runRuleTests(parseRuleTests(`rules: [hepa.yaml]\ntests:\n${tests}`), { rules })
const failuresOf = (tests: string, rules?: RuleDocument[]) =>
  run(tests, rules).flatMap(({ failures }) => failures.map(({ at, detail }) => `${at} ${detail}`))

describe('series', () => {
  test('numbers, repetitions, missing samples, ramps, switches and words', () => {
    expect(readSeries('200x2 _ 260 _x2')).toEqual([200, 200, null, 260, null, null])
    expect(readSeries('100+50x2 1-0.1x3')).toEqual([100, 150, 200, 1, 0.9, 0.8, 0.7])
    expect(readSeries('-3 0-2x1 -10+5x2')).toEqual([-3, 0, -2, -10, -5, 0])
    expect(readSeries('truex2 false "deep clean"x2')).toEqual([true, true, false, 'deep clean', 'deep clean'])
  })

  test('what is not understood is named', () => {
    expect(() => readSeries('200 26O')).toThrow('"26O" is not understood')
    expect(() => readSeries('1+1')).toThrow('A ramp has a number of steps')
    expect(() => readSeries('1x200000')).toThrow('a backtest is for that much')
  })
})

test('the example of the contract passes, and each of its expectations fails when it is wrong', () => {
  const example = (state: string) => `
  - name: fires after ten minutes, survives a gap, stays latched until serviced
    every: 1m
    series: { filter_dp_pa: "200x5 260x12 _x3 260x2 220x70" }
    events: [{ at: 91m, serviced: hepa-filter }]
    expect:
      - { at: 14m, state: ${state} }
      - { at: 15m, state: firing, startedAt: 5m }
      - { at: 90m, state: cleared-latched }
      - { at: 91m, state: inactive, reason: serviced }`
  expect(failuresOf(example('pending'))).toEqual([])
  expect(failuresOf(example('firing'))).toEqual([
    '14m device hepa-clogged hepa-filter: expected state firing, got pending',
  ])
  const wrong = (expectation: string) =>
    failuresOf(`
  - name: wrong
    series: { filter_dp_pa: "200x5 260x12" }
    expect: [${expectation}]`)
  expect(wrong('{ at: 15m, state: firing, startedAt: 6m }')).toEqual([
    expect.stringContaining('expected startedAt 6m, got 5m'),
  ])
  expect(wrong('{ at: 4m, state: inactive, reason: serviced }')).toEqual([
    expect.stringContaining('expected reason serviced, got none'),
  ])
  expect(wrong('{ at: 15m, state: firing, severity: critical, version: 2 }')).toEqual([
    expect.stringContaining('expected version 2, got 1; expected severity critical, got warning'),
  ])
})

test('a failure draws what was measured, expected and got on one time line', () => {
  const [result] = run(`
  - name: too early
    series: { filter_dp_pa: "200x5 260x12" }
    expect: [{ at: 12m, state: firing }]`)
  const drawing = result!.failures[0]!.drawing
  const mark = drawing.find((line) => line.trim() === '^')!.indexOf('^')
  const line = (label: string) => drawing.find((candidate) => candidate.startsWith(label))!
  expect(line('expected')[mark]).toBe('F')
  expect(line('got')[mark]).toBe('p')
  expect(line('filter_dp')).toContain('▁')
  expect(line('filter_dp')).toContain('█')
  expect(line('filter_dp')).toContain('200 … 260')
})

test('a list of transitions is the whole of it: one missing, one more, one at another time fail', () => {
  const story = (transitions: string) =>
    failuresOf(`
  - name: all that was said
    series: { filter_dp_pa: "200x5 260x12 200x75" }
    transitions: [${transitions}]`)
  const fires = '{ at: 15m, to: firing, startedAt: 5m }'
  const clears = '{ at: 77m, to: cleared }'
  expect(story(`${fires}, ${clears}`)).toEqual([])
  expect(story(fires)).toEqual(['77m the transitions differ: 1 expected, 2 got'])
  expect(story(`${fires}, ${clears}, { at: 80m, to: resolved, reason: cleared }`)).toEqual([
    '80m the transitions differ: 3 expected, 2 got',
  ])
  expect(story(`{ at: 14m, to: firing }, ${clears}`)).toEqual(['15m the transitions differ: 2 expected, 2 got'])
})

describe('events', () => {
  const state = (series: string, events: string, expected: string, more = '') =>
    failuresOf(`
  - name: event
    series: { filter_dp_pa: "${series}" }
    ${more}
    events: [${events}]
    expect: [${expected}]`)

  test('lost samples are a gap; samples held back arrive late and are put in their place', () => {
    expect(state('260x30', '{ at: 4m, lost: 6m }', '{ at: 11m, state: pending }')).toEqual([])
    expect(state('260x30', '{ at: 4m, lost: 6m }', '{ at: 21m, state: firing, startedAt: 11m }')).toEqual([])
    expect(state('260x30', '{ at: 4m, offline: 6m }', '{ at: 10m, state: firing, startedAt: 0m }')).toEqual([])
    expect(state('260x30', '{ at: 4m, disordered: 6m }', '{ at: 10m, state: firing, startedAt: 0m }')).toEqual([])
    expect(state('260x30', '{ at: 4m, hubDown: 6m }', '{ at: 10m, state: firing, startedAt: 0m }')).toEqual([])
  })

  test('a gap drops what was pending, and says so', () => {
    expect(state('260x5 _x6 200', '{ at: 12m, tick: true }', '{ at: 11m, state: inactive, reason: gap }')).toEqual([])
  })

  test('a late reading contradicts, a repeated one changes nothing', () => {
    expect(
      state(
        '260x8 _ 260x6',
        '{ at: 9m, reading: { filter_dp_pa: 100 }, measuredAt: 8m }, { at: 7m, repeat: 1000 }',
        '{ at: 14m, state: pending }',
      ),
    ).toEqual([])
    expect(state('260x8 _ 260x6', '{ at: 7m, repeat: 1000 }', '{ at: 14m, state: firing, startedAt: 0m }')).toEqual([])
  })

  test('edits, parameters, pauses and shadow', () => {
    const edit = '{ at: 20m, edit: { when: { metric: filter_dp_pa, op: ">", value: 300 } } }'
    expect(state('260x40', edit, '{ at: 35m, state: inactive, reason: rule_changed, version: 2 }')).toEqual([])
    expect(
      state('260x40', '{ at: 20m, pause: hepa-clogged }', '{ at: 20m, state: absent, reason: rule_removed }'),
    ).toEqual([])
    expect(state('260x40', '{ at: 20m, shadow: hepa-clogged }', '{ at: 20m, state: firing }')).toEqual([])
  })

  test('restarts at every minute, in every state, change nothing', () => {
    const restarts = Array.from({ length: 90 }, (_, i) => `{ at: ${i}m, restart: true }`).join(', ')
    expect(
      failuresOf(`
  - name: restarted
    series: { filter_dp_pa: "200x5 260x12 200x75" }
    events: [${restarts}]
    transitions: [{ at: 15m, to: firing, startedAt: 5m }, { at: 77m, to: cleared }]`),
    ).toEqual([])
  })

  test('silence hushes what fires in it, and it is told once the silence is over', () => {
    expect(
      failuresOf(`
  - name: silenced
    series: { filter_dp_pa: "260x40" }
    events: [{ at: 5m, silence: { for: 15m } }]
    transitions:
      - { at: 10m, to: firing, silent: true }
      - { at: 20m, to: current, startedAt: 0m }`),
    ).toEqual([])
  })

  test('two things at once, or nothing, are refused by name', () => {
    expect(state('260', '{ at: 1m, pause: hepa-clogged, restart: true }', '{ at: 1m, state: firing }')).toEqual([
      ' The event at 1m is both pause and restart; it has to be one thing.',
    ])
    expect(state('260', '{ at: 1m }', '{ at: 1m, state: firing }')).toEqual([
      ' The event at 1m is nothing; it has to be one thing.',
    ])
  })
})

test('several devices stand apart, and an expectation says which', () => {
  const devices = (expected: string) =>
    failuresOf(`
  - name: two homes
    devices:
      A: { series: { filter_dp_pa: "260x20" } }
      B: { series: { filter_dp_pa: "200x20" }, delay: 30s }
    expect: [${expected}]`)
  expect(devices('{ at: 10m, device: A, state: firing }, { at: 19m, device: B, state: inactive }')).toEqual([])
  expect(devices('{ at: 10m, state: firing }')).toEqual([' The event at 10m does not say which device.'])
  expect(devices('{ at: 10m, device: C, state: firing }')).toEqual([' There is no device C.'])
})

test('a file that does not fit says everything that is wrong, with a pointer and a hint', () => {
  const bad = () =>
    parseRuleTests('rules: [a.yaml]\ntests: [{ name: x, expects: [], expect: [{ at: ten, state: fireing }] }]')
  expect(bad).toThrow(/\/tests\/0\/expects: There is no expects here\. Did you mean “?expect/)
  expect(bad).toThrow(/\/tests\/0\/expect\/0\/at: The value must be a duration/)
  expect(() => parseRuleTests('tests: [{ name: x }]')).toThrow('/rules')
  expect(() => parseRuleTests('rules: [')).toThrow('neither YAML nor JSON')
})

describe('a fleet for remaining life', () => {
  const product: ProductDocument = {
    key: 'ap-300',
    category: 'air-purifier',
    metrics: [
      { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
      { key: 'fan_rpm', unit: 'rpm', type: 'number' },
      { key: 'hours', unit: 'h', type: 'number' },
    ],
    components: [
      {
        key: 'hepa-filter',
        kind: 'filter',
        ratedLife: { metric: 'hours', value: 800 },
        wear: { metric: 'filter_dp_pa', fresh: 50, worn: 250, while: [{ metric: 'fan_rpm', op: '>=', value: 1_000 }] },
      },
      { key: 'fan', kind: 'motor' },
    ],
    reporting: { mode: 'periodic', every: '12h' },
  }
  const due: RuleDocument = {
    key: 'hepa-due',
    name: { en: 'HEPA filter soon due', 'zh-CN': '滤芯将到期' },
    scope: { product: 'ap-300' },
    component: 'hepa-filter',
    when: { remaining: { component: 'hepa-filter', below: '14d' } },
    latch: 'until-serviced',
  }
  const lives = '[70d, 72d, 75d, 76d, 78d, 80d, 82d, 84d, 86d, 88d, 90d, 92d]'
  const played = (fleet: string, expect: string) =>
    runRuleTests(
      parseRuleTests(`
rules: [due.yaml]
tests:
  - name: speaks in time
    every: 12h
    ${fleet}
    series: { filter_dp_pa: "50+1.25x170", fan_rpm: "1300x171", hours: "0+5x170" }
    expect: [${expect}]`),
      { rules: [due], product },
    ).flatMap(({ failures }) => failures.map(({ detail }) => detail))

  test('teaches the model the rule is tried against; without one nothing is known', () => {
    const fleet = `fleet: { hepa-filter: { lives: ${lives}, usePerDay: 10 } }`
    // It is worn out on day 80.
    expect(played(fleet, '{ at: 40d, state: inactive }, { at: 79d, state: firing }')).toEqual([])
    expect(played('', '{ at: 79d, state: inactive }')).toEqual([])
  })

  test('of a component that shows no wear, or of lives nobody can learn from, is refused in words', () => {
    const wrong = `fleet: { fan: { lives: ${lives} } }`
    expect(played(wrong, '{ at: 1d, state: inactive }')).toEqual([expect.stringContaining('how a fan wears')])
    const short = `fleet: { hepa-filter: { lives: [${Array(10).fill('1d').join(', ')}] } }`
    expect(played(short, '{ at: 1d, state: inactive }')).toEqual([expect.stringContaining('no model')])
  })
})
