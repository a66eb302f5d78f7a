import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalog } from '#catalog'
import type { RuleDocument } from '#contracts'
import { metricsOfCondition, parseRuleTests, type RuleTest } from '#rules'

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'catalog', 'tests')

/**
 * That the tests pass is looked at elsewhere; here, that they look: each rule of each kind is seen to fire, is
 * given what it reads and says nothing, and is asked again after its device was silent.
 */
describe.each(catalog)('$category', ({ category, rules }) => {
  const { tests } = parseRuleTests(readFileSync(join(FOLDER, `${category}.yaml`), 'utf8'))

  test.each(rules)('$key', (rule) => {
    expect(tests.some((one) => fires(one, rule))).toBe(true)
    expect(tests.some((one) => isFed(one, rule) && isQuiet(one, rule))).toBe(true)
    expect(tests.some((one) => isAskedAfterGap(one, rule))).toBe(true)
  })
})

test('no kind of the catalogue is without tests, and no tests are without their kind', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(catalog.map(({ category }) => `${category}.yaml`).sort())
})

const isAbout = (rule: RuleDocument) => (expected: { rule?: string }) =>
  expected.rule === undefined || expected.rule === rule.key

function fires({ expect: states = [], transitions = [] }: RuleTest, rule: RuleDocument): boolean {
  return (
    states.filter(isAbout(rule)).some(({ state }) => state === 'firing') ||
    transitions.filter(isAbout(rule)).some(({ to }) => to === 'firing')
  )
}

/** Everything that was said is told, and nothing of it is of this rule. */
function isQuiet(one: RuleTest, rule: RuleDocument): boolean {
  return one.transitions?.every((said) => !isAbout(rule)(said)) ?? false
}

function seriesOf({ series, device, devices }: RuleTest): Record<string, string>[] {
  return devices ? Object.values(devices).map((one) => one.series ?? {}) : [series ?? device?.series ?? {}]
}

function isFed(one: RuleTest, rule: RuleDocument): boolean {
  const metrics = metricsOfCondition(rule.when)
  return seriesOf(one).some((series) => metrics.every((metric) => metric in series))
}

/** It stood, or was about to, when the device or the hub fell silent, and is looked at while or after that. */
function isAskedAfterGap(one: RuleTest, rule: RuleDocument): boolean {
  const read = metricsOfCondition(rule.when)
  const missing = seriesOf(one).some((series) =>
    Object.entries(series).some(([metric, text]) => read.includes(metric) && /_/.test(text)),
  )
  const away = (one.events ?? []).some(({ lost, offline, hubDown }) => lost ?? offline ?? hubDown)
  return (missing || away) && (one.expect ?? []).filter(isAbout(rule)).length >= 2 && fires(one, rule)
}
