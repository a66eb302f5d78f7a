import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import type { Condition, RuleDocument } from '#contracts'
import { HubError } from '#platform'
import { canonicalRule, sameSemantics } from './canonical-rule.ts'
import { parseRule, recoveryProblems } from './parse-rule.ts'
import { ruleJsonSchema } from './rule-json-schema.ts'
import { aProduct, aRule } from './testing/story.ts'

/** Pointer → sentence of every problem found. */
function problems(input: unknown, product = aProduct()): Record<string, string> {
  try {
    parseRule(input, product)
    return {}
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    expect(error.code).toBe('RULE_INVALID')
    expect(error.problems.length).toBeGreaterThan(0)
    return Object.fromEntries(error.problems.map(({ pointer, detail }) => [pointer, detail]))
  }
}

const when = (condition: unknown): unknown => ({ ...aRule(), when: condition })
const dp = { metric: 'filter_dp_pa', op: '>', value: 250 }

describe('what is accepted', () => {
  test('an object, YAML and JSON say the same', () => {
    const yaml = `
key: hepa-clogged
name: { en: Filter clogged, zh-CN: 滤网堵塞 }
scope: { product: ap-300 }
component: fan
severity: warning
when: { metric: filter_dp_pa, op: ">", value: 250, clear: 230 }
for: 10m
keep: 1h
`
    expect(parseRule(yaml)).toEqual(aRule())
    expect(parseRule(JSON.stringify(aRule()), aProduct())).toEqual(aRule())
    expect(parseRule(aRule(), aProduct())).toEqual(aRule())
  })

  test('what is returned is a copy that the caller cannot change afterwards', () => {
    const given = aRule()
    const parsed = parseRule(given)
    given.key = 'another'
    expect(parsed.key).toBe('hepa-clogged')
  })

  test('the appliance as a whole is a component of every product', () => {
    expect(problems({ ...aRule(), component: 'device' })).toEqual({})
  })
})

describe('what is wrong is told all together, each at its place', () => {
  test('by the schema', () => {
    expect(problems({ ...aRule(), key: '9lives', sevrity: 'x', for: '1 month', name: { en: 'x' } })).toEqual({
      '/key': expect.stringContaining('starts with a letter'),
      '/sevrity': 'There is no sevrity here. Did you mean severity?',
      '/for': expect.stringContaining('a duration such as 10m'),
      '/name/zh-CN': 'This is needed and missing.',
    })
    expect(problems('just words')['']).toBeDefined()
    expect(problems(null)['']).toBeDefined()
    expect(problems([])['']).toBeDefined()
  })

  test('in the condition, node by node', () => {
    expect(
      problems(when({ all: [dp, { any: [] }, { not: { metric: 'filter_dp_pa', op: '=>', value: 1 } }, { trend: 1 }] })),
    ).toEqual({
      '/when/all/1/any': 'any takes a list of 1 to 32 conditions.',
      '/when/all/2/not/op': 'The value must be one of >, >=, <, <=, ==, !=.',
      '/when/all/3': expect.stringContaining('No kind of condition is called trend'),
    })
    expect(problems(when({ ...dp, all: [] }))).toMatchObject({
      '/when/all': expect.stringContaining('There is no all here'),
    })
  })

  test('against the product, with a hint', () => {
    const rule = {
      ...aRule(),
      component: 'hepa-fliter',
      scope: { product: 'ap-301' },
      when: { ...dp, metric: 'filter_pd_pa' },
    }
    expect(problems(rule)).toEqual({
      '/component': 'ap-300 has no component hepa-fliter. Did you mean hepa-filter?',
      '/scope/product': 'The rule is for ap-301, not for ap-300.',
      '/when/metric': 'ap-300 has no metric filter_pd_pa. Did you mean filter_dp_pa?',
    })
    expect(problems(when({ ...dp, metric: 'mode' }))).toHaveProperty('/when/metric')
    expect(problems(when({ metric: 'door_open', op: '==', value: 1 }))).toEqual({})
    const ranged = aProduct({ metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 200 }] })
    expect(problems(when(dp), ranged)['/when/value']).toContain('never true')
    const mute = aProduct()
    delete mute.reporting
    expect(problems({ ...aRule(), noData: 'alert' }, mute)).toHaveProperty('/noData')
  })

  test.each<[string, unknown, string]>([
    ['clear above value', { ...dp, clear: 260 }, '/when/clear'],
    ['clear below value', { ...dp, op: '<', clear: 240 }, '/when/clear'],
    ['clear without a direction', { ...dp, op: '==', clear: 1 }, '/when/clear'],
    ['an aggregate without a window', { ...dp, agg: 'mean' }, '/when/agg'],
    ['a window without an aggregate', { ...dp, window: '1h' }, '/when/window'],
    ['a window below a minute', { ...dp, agg: 'mean', window: '59s' }, '/when/window'],
    ['a window beyond what is kept', { ...dp, agg: 'mean', window: '91d' }, '/when/window'],
    ['samples of no window', { ...dp, atLeast: 3 }, '/when/atLeast'],
    ['a deviation of one', { ...dp, agg: 'stddev', window: '1h', atLeast: 1 }, '/when/atLeast'],
    ['a parameter without default', { ...dp, value: { param: 'dp_limit' } }, '/when/value'],
    ['silence below a minute', { noData: { for: '10s' } }, '/when/noData/for'],
    ['silence of nothing', { noData: { for: '0s' } }, '/when/noData/for'],
    ['a reserved metric', { ...dp, metric: 'constructor' }, '/when/metric'],
    ['a reserved parameter', { ...dp, value: { param: 'toString', default: 1 } }, '/when/value/param'],
  ])('%s', (_name, condition, pointer) => {
    expect(Object.keys(problems(when(condition)))).toEqual([pointer])
  })

  test.each<[string, Partial<RuleDocument> & Record<string, unknown>, string]>([
    ['an offer without a service', { dispatch: 'offer' }, '/service'],
    ['an order for information', { dispatch: 'auto', severity: 'info', service: { job: 'x' } }, '/dispatch'],
    ['silence ends nothing critical', { severity: 'critical', noData: 'resolve' }, '/noData'],
    ['silence ends no danger', { safety: 'gas', noData: 'resolve', for: '1m' }, '/noData'],
    ['danger does not wait', { safety: 'water_leak', for: '10m' }, '/for'],
    ['a parameter nobody uses', { parameters: { dp_limt: 3 } }, '/parameters/dp_limt'],
    ['a reserved key', { key: 'constructor' }, '/key'],
    ['a hold beyond what is kept', { for: '100d' }, '/for'],
  ])('%s', (_name, over, pointer) => {
    expect(Object.keys(problems({ ...aRule(), ...over }))).toEqual([pointer])
  })

  test('levels: of one comparison, each sterner and further out', () => {
    const { severity: _severity, ...rule } = aRule()
    const levels = [
      { severity: 'warning', value: 250, clear: 230 },
      { severity: 'critical', value: 300, clear: 280 },
    ]
    expect(problems({ ...rule, levels })).toEqual({})
    expect(problems({ ...rule, levels: levels.toReversed() })).toEqual({
      '/levels/0/value': expect.any(String),
      '/levels/0/clear': expect.any(String),
      '/levels/1/severity': expect.any(String),
      '/levels/1/value': expect.any(String),
    })
    expect(problems({ ...aRule(), levels })).toHaveProperty('/severity')
    expect(problems({ ...rule, levels, when: { all: [dp] } })).toHaveProperty('/levels')
  })

  test('a product says how a repair shows in the same language', () => {
    const product = aProduct()
    product.components![0]!.recovery!.when = { metric: 'filter_pd_pa', op: '<', value: 150 }
    expect(recoveryProblems(aProduct())).toEqual([])
    expect(recoveryProblems(product)).toEqual([
      { pointer: '/components/0/recovery/when/metric', detail: expect.stringContaining('Did you mean filter_dp_pa?') },
    ])
  })
})

describe('the kinds of conditions', () => {
  const product = aProduct()

  test('are accepted as the contract writes them', () => {
    for (const condition of [
      { change: { metric: 'filter_dp_pa', over: '1h', op: '>', value: 20 } },
      { usage: { metric: 'fan_rpm', op: '>', value: 4_000, sinceService: true } },
      { age: { op: '>', value: '8y', sinceService: true } },
      { age: { op: '>=', value: { param: 'scrap_days', default: 2_922 } } },
      { event: { metric: 'mode', equals: 'E4', count: 3, window: '1d' } },
      { event: { metric: 'door_open', equals: true, count: 2, clear: 1, window: '1h', each: 'report' } },
      { season: { from: '--11-15', to: '--03-15' } },
      { anomaly: { metric: 'fan_rpm', against: 'self', score: 0.5, for: '10m' } },
      { forecast: { metric: 'filter_dp_pa', reaches: 250, within: '30d', confidence: 0.8 } },
    ])
      expect(problems(when(condition), product), JSON.stringify(condition)).toEqual({})
  })

  test('each says what is wrong at its place', () => {
    expect(
      problems(
        when({
          all: [
            { change: { metric: 'filter_dp', over: '5s', op: '>', value: 20, clear: 30 } },
            { usage: { metric: 'mode', op: '==', value: -1 } },
            { age: { op: '<', value: 0 } },
            { event: { metric: 'mode', equals: 3, count: 2, clear: 3, window: '1h' } },
            { season: { from: '--02-30', to: '--06-15' } },
            { anomaly: { metric: 'fan_rpm', against: 'fleet', score: 5 } },
            { event: { metrik: 'mode', equals: 'E4', count: 0, window: '1h' } },
            { forecast: { metric: 'mode', reaches: 250, within: '6h' } },
          ],
        }),
        product,
      ),
    ).toEqual({
      '/when/all/0/change/metric': 'ap-300 has no metric filter_dp. Did you mean filter_dp_pa?',
      '/when/all/0/change/over': 'The least is 60 s.',
      '/when/all/0/change/clear': expect.stringContaining('healthy side'),
      '/when/all/1/usage/metric': expect.stringContaining('is text'),
      '/when/all/1/usage/op': expect.stringContaining('asks for it exactly'),
      '/when/all/1/usage/value': expect.stringContaining('less than not at all'),
      '/when/all/2/age/value': expect.stringContaining('within 100 years'),
      '/when/all/3/event/equals': 'mode is a string, so it never equals the number 3.',
      '/when/all/3/event/clear': expect.stringContaining('at most count'),
      '/when/all/4/season/from': 'Month 2 has no day 30.',
      '/when/all/5/anomaly/score': expect.stringContaining('between 0 and 1'),
      '/when/all/5/anomaly/against': expect.stringContaining('baseline'),
      '/when/all/6/event/metric': 'This is needed and missing.',
      '/when/all/6/event/metrik': 'There is no metrik here. Did you mean metric?',
      '/when/all/6/event/count': expect.any(String),
      '/when/all/7/forecast/metric': expect.stringContaining('is text'),
      '/when/all/7/forecast/within': expect.stringContaining('least is 1 d'),
    })
  })

  test('remaining life is asked of a component whose product says how it wears', () => {
    expect(problems(when({ remaining: { component: 'hepa-filter', below: '30d', confidence: 0.8 } }))).toEqual({
      '/when/remaining/component': expect.stringContaining('how a hepa-filter wears'),
    })
  })

  test('levels may be of a usage; nothing inhibits itself or a danger', () => {
    const { severity: _severity, ...base } = aRule()
    const levels = [
      { severity: 'info', value: 10 },
      { severity: 'warning', value: 20 },
    ]
    expect(problems({ ...base, levels, when: { usage: { metric: 'fan_rpm', op: '>', value: 10 } } })).toEqual({})
    expect(problems({ ...aRule(), safety: 'overheat', for: '1m', inhibitedBy: ['hepa-clogged'] })).toEqual({
      '/inhibitedBy/0': 'A rule does not inhibit itself.',
      '/inhibitedBy': expect.stringContaining('nothing inhibits a safety rule'),
    })
  })
})

describe('where in the text', () => {
  const places = (text: string): string[] => {
    try {
      parseRule(text, aProduct())
      return []
    } catch (error) {
      return (error as HubError).problems.map(({ pointer, line, column }) => `${pointer} ${line}:${column}`)
    }
  }

  test('YAML: the name of the member, the item of the list, the object that lacks something', () => {
    expect(
      places(`# A rule
key: hepa-clogged
name: { en: Filter clogged }
scope: { product: ap-300 }
component: fan
sevrity: warning
when:
  all:
    - { metric: filter_dp, op: ">", value: 250 }
    - metric: fan_rpm
      op: "=>"
      value: 3
for: a while
`),
    ).toEqual(['/sevrity 6:1', '/name/zh-CN 3:1', '/for 13:1', '/when/all/0/metric 9:9', '/when/all/1/op 11:7'])
  })

  test('JSON in one line or many; text that is neither says where it broke', () => {
    expect(places(JSON.stringify({ ...aRule(), component: 'fann' }, null, 2))).toEqual(['/component 10:3'])
    expect(places('key: x\nwhen: [1, 2')).toEqual([' 2:12'])
    expect(places('just words')).toEqual([' 1:1'])
  })

  test('and what the first problem says begins with it', () => {
    expect(() => parseRule('key: 1', aProduct())).toThrow(/^Line 1, column \d+: /)
  })
})

describe('hostile input is refused, never a crash', () => {
  const nested = (depth: number): Condition => {
    let condition = dp as Condition
    for (let i = 0; i < depth; i++) condition = { not: condition }
    return condition
  }

  test('depth: eight is fine, nine is not, a thousand is refused before anybody looks', () => {
    expect(problems(when(nested(7)))).toEqual({})
    expect(Object.values(problems(when(nested(8))))).toEqual(['The condition is nested deeper than 8.'])
    expect(Object.values(problems(when(nested(1_000))))).toEqual(['The rule is nested deeper than 32 levels.'])
    expect(problems(`{"when":${'['.repeat(30_000)}`)).toHaveProperty([''])
    expect(problems('['.repeat(30_000))).toHaveProperty([''])
  })

  test('size: two hundred parts, and a million', () => {
    const many = (count: number) => ({ all: Array.from({ length: count }, () => ({ any: Array(32).fill(dp) })) })
    expect(problems(when(many(6)))).toEqual({})
    expect(Object.values(problems(when(many(7))))).toEqual(['The condition has more than 200 parts.'])
    expect(Object.values(problems(when({ any: Array(1_000_000).fill(dp) })))).toEqual([
      'The rule has more than 4000 values.',
    ])
    expect(problems(`key: ${'x'.repeat(100_000)}`)).toHaveProperty([''])
  })

  test('cycles, alias bombs, and names that objects inherit', () => {
    const cyclic = { all: [] as unknown[] }
    cyclic.all.push(cyclic)
    expect(Object.keys(problems(when(cyclic)))).toHaveLength(1)
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e', 'f'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcde'[i]}`).join()}]`),
    ]
    expect(problems(bomb.join('\n'))).toHaveProperty([''])
    const prototype = JSON.parse('{"metric":"filter_dp_pa","op":">","value":1,"__proto__":{"admin":true}}')
    expect(problems(when(prototype))).toHaveProperty('/when/__proto__')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  test('things that are no data', () => {
    for (const thing of [Number.NaN, Number.POSITIVE_INFINITY, 10n, () => 1, Symbol('x'), new Date(), new Map()])
      expect(Object.keys(problems(when({ ...dp, value: thing }))).length).toBeGreaterThan(0)
  })
})

describe('the published schema', () => {
  const require = createRequire(import.meta.url)
  const Ajv2020 = require('ajv/dist/2020.js').default

  test('is valid JSON Schema and judges as we do', () => {
    const validate = new Ajv2020({ strict: false }).compile(ruleJsonSchema)
    expect(validate(aRule())).toBe(true)
    expect(validate({ ...aRule(), when: { all: [dp, { not: { any: [dp] } }] } })).toBe(true)
    expect(validate({ ...aRule(), when: { all: [] } })).toBe(false)
    expect(validate({ ...aRule(), bogus: 1 })).toBe(false)
  })
})

describe('canonical form (T18)', () => {
  test('how it is written does not matter; what it says does', () => {
    const rule = aRule({ when: { metric: 'filter_dp_pa', op: '>', value: 250 } })
    const same: Partial<RuleDocument>[] = [
      { for: 'PT10M' },
      { keep: '60m' },
      { noData: 'hold' },
      { safety: null },
      { name: { en: 'Other words', 'zh-CN': '别的话' } },
      { notes: 'why' },
      { when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 250 } },
      { service: { job: 'replace-hepa' } },
      { cause: { code: 'x', text: { en: 'x', 'zh-CN': 'x' } } },
    ]
    for (const over of same) expect(sameSemantics(rule, { ...rule, ...over })).toBe(true)
    const other: Partial<RuleDocument>[] = [
      { for: '11m' },
      { keep: '59m' },
      { severity: 'critical' },
      { latch: 'none' },
      { component: 'hepa-filter' },
      { when: { metric: 'filter_dp_pa', op: '>=', value: 250 } },
      { when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 240 } },
      { scope: { product: 'ap-300', region: '31' } },
    ]
    for (const over of other) expect(sameSemantics(rule, { ...rule, ...over })).toBe(false)
  })

  test('is JSON with sorted keys', () => {
    const text = canonicalRule(aRule())
    expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(JSON.parse(text)).sort())
  })
})

test('a text that cannot be a rule is refused before anything looks for places in it', () => {
  const refusal = (text: string): string => {
    try {
      parseRule(text)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('it was taken')
  }
  expect(refusal('a: 1\n'.repeat(20_000))).toBe('The rule has 100000 characters; 32768 are allowed.')
  expect(refusal('a:\n'.repeat(10_000))).toContain('The rule has more than 4000 values.')
  expect(refusal(`key: a\n${'"'.repeat(30_000)}`)).toMatch(/^Line 2, column \d+: The text is neither YAML nor JSON: /)
  expect(refusal('['.repeat(30_000))).toBe(
    'Line 1, column 1: The text is nested too deeply or repeats itself too often to be a rule.',
  )
})
