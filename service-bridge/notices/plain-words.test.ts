import { expect, test } from 'vitest'
import type { Evidence, ProductDocument } from '#contracts'
import { DAY, MINUTE, RULE } from '../testing/world.ts'
import { whyInPlainWords } from './plain-words.ts'

const CLOGGED: Evidence = {
  metric: 'filter_dp_pa',
  value: 262.13,
  op: '>',
  limit: 250,
  unit: 'Pa',
  sinceMs: 0,
  series: [],
}

const why = (evidence: readonly Evidence[], atMs = 3 * DAY, product: ProductDocument | null = null) =>
  whyInPlainWords({ rule: RULE, product, evidence, atMs })

/** The sentence between the name of what was measured and for how long. */
const measured = (leaf: Partial<Evidence>) => {
  const { en, 'zh-CN': chinese } = why([{ ...CLOGGED, ...leaf }])
  return [en.split('dp pa ')[1]!.split(';')[0], chinese.split('filter_dp_pa')[1]!.split('，已')[0]]
}

test('why, in words a person would use', () => {
  expect(why([CLOGGED])).toEqual({
    en: 'HEPA filter clogged: filter dp pa is 262.1 Pa, above the limit of 250 Pa; it has been so for 3 days.',
    'zh-CN': '滤芯堵塞：filter_dp_pa为262.1 Pa，高于限值250 Pa，已持续3天。',
  })
  expect(why([])).toEqual(RULE.name)
  const endOf = (atMs: number) => why([CLOGGED], atMs).en.split('250 Pa')[1]
  expect(endOf(20_000)).toBe('.')
  expect(endOf(12 * MINUTE)).toBe('; it has been so for 12 minutes.')
  expect(endOf(65 * MINUTE)).toBe('; it has been so for an hour.')
})

test('a limit has a direction, and the numbers stand on their sides of it', () => {
  expect(measured({ value: 4_310, op: '<', limit: 4_430, unit: 'mV' })).toEqual([
    'is 4310 mV, below the limit of 4430 mV',
    '为4310 mV，低于限值4430 mV',
  ])
  expect(measured({ value: 250.04 })[0]).toBe('is 250.04 Pa, above the limit of 250 Pa')
  expect(measured({ value: 250, op: '>=' })[0]).toBe('is at its limit of 250 Pa')
  expect(measured({ value: 3, op: '==', limit: 3, unit: '1' })[0]).toBe('is 3')
  expect(measured({ value: 3, op: '!=', limit: 0, unit: '' })[0]).toBe('is 3 instead of 0')
})

test('a number on the wrong side of its limit, or a switch, says nothing: the finding stands alone', () => {
  expect(why([{ ...CLOGGED, value: 248.3 }])).toEqual(RULE.name)
  expect(
    why([
      { ...CLOGGED, value: 248.3 },
      { ...CLOGGED, metric: 'co2' },
    ]).en,
  ).toContain('co2 is 262.1 Pa')
  const product = { metrics: [{ key: 'leak', unit: '1', type: 'boolean' }] } as unknown as ProductDocument
  expect(why([{ ...CLOGGED, metric: 'leak', value: 1, op: '==', limit: 1 }], 0, product)).toEqual(RULE.name)
})

test('a forecast is told in days from now, with its range; of a part, and of a trend', () => {
  const forecast = {
    metric: 'filter_dp_pa',
    reaches: 250,
    unit: 'Pa',
    p10Ms: 13 * 86_400_000,
    p50Ms: 20 * 86_400_000,
    p90Ms: 31 * 86_400_000,
    model: 'hepa-filter-life-3',
    outOfDistribution: false,
    factors: [],
  }
  const leaf = { value: 13, op: '<', limit: 14, unit: 'd', sinceMs: 0, series: [] } as const
  const say = (evidence: Evidence) =>
    whyInPlainWords({
      rule: { name: { en: 'Filter nearly full', 'zh-CN': '滤网将满' } },
      product: null,
      evidence: [evidence],
      atMs: 0,
    })
  expect(say({ ...leaf, metric: 'remaining_life', forecast })).toEqual({
    en: 'Filter nearly full: going by how such parts wear, it is due in about 20 days (13 to 31 days).',
    'zh-CN': '滤网将满：按同类部件的损耗规律，预计约20天后到期（13至31天）。',
  })
  expect(say({ ...leaf, op: '<=', metric: 'filter_dp_pa', forecast: { ...forecast, p90Ms: null } })).toEqual({
    en: 'Filter nearly full: at the present trend filter dp pa reaches 250 Pa in about 20 days (13 days at the earliest).',
    'zh-CN': '滤网将满：按目前趋势，filter_dp_pa约20天后达到250 Pa（最早13天）。',
  })
})
