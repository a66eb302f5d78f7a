import type { Component, Metric, ProductDocument, RuleDocument } from '#contracts'
import { CONSUMABLE_KINDS } from '../compile.ts'
import { metricsOfCondition } from '../metrics-of.ts'
import { readSeries } from './series.ts'
import type { RuleTest } from './test-file.ts'

/**
 * A product that reports what the tests' series hold, at the interval they hold it, with the
 * components the rules are about: enough for a rule that is tested before its product exists.
 */
export function productFor(rules: readonly RuleDocument[], test: RuleTest): ProductDocument {
  const [rule] = rules
  const metrics = new Map<string, Metric>()
  const every = test.every ?? '1m'
  const add = (key: string, type: Metric['type']): void => {
    if (!metrics.has(key)) metrics.set(key, { key, unit: '1', type, expectedEvery: every })
  }
  const devices = test.devices ? Object.values(test.devices) : [{ series: test.series ?? test.device?.series ?? {} }]
  for (const { series = {} } of devices)
    for (const [key, text] of Object.entries(series)) {
      const value = readSeries(text).find((sample) => sample !== null)
      add(key, typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'number')
    }
  for (const { reading } of test.events ?? [])
    for (const [key, value] of Object.entries(reading ?? {})) add(key, typeof value as Metric['type'])
  for (const { when } of rules) for (const key of metricsOfCondition(when)) add(key, 'number')
  return {
    key: rule?.scope.product ?? 'product',
    category: rule?.scope.category ?? 'appliance',
    metrics: [...metrics.values()],
    components: componentsOf(rules),
    reporting: { mode: 'periodic', every },
  }
}

/** Names end in what they are: a `hepa-filter` is a filter, and filters are used up. */
function componentsOf(rules: readonly RuleDocument[]): Component[] {
  return [...new Set(rules.map(({ component }) => component))].map((key) => {
    const last = key.split(/[-_.]/).at(-1)!
    return { key, kind: CONSUMABLE_KINDS.has(last) ? last : CONSUMABLE_KINDS.has(key) ? key : 'part' }
  })
}
