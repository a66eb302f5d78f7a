import { type ProductDocument, type RuleDocument, type SafetyKind, WHOLE_DEVICE } from '#contracts'
import { durationMs, type Problem } from '#platform'
import {
  type ConditionContext,
  checkClear,
  checkCondition,
  checkValue,
  comparisonOf,
  DURATION_MS_MAX,
  EVALUATION_MS_MIN,
} from './check-condition.ts'
import { isReserved } from './check-names.ts'
import { findComponent } from './compile.ts'
import { didYouMean } from './did-you-mean.ts'
import { dispatchOf } from './dispatch.ts'
import { restsOnForecast } from './grounds.ts'
import { pointerOf } from './plain-input.ts'
import { reportingTimes } from './reporting.ts'
import { badSide, compare } from './truth.ts'

/** Danger at hand is told within this; a lock about to run flat may take its time. */
const SAFETY_FOR_MS_MAX = 5 * 60_000
const IMMEDIATE: ReadonlySet<SafetyKind> = new Set(['gas', 'carbon_monoxide', 'water_leak', 'overheat', 'electric'])

type Say = (detail: string, ...path: string[]) => void

/** Everything the schema cannot say about a rule, all problems together. The condition may be anything still. */
export function checkRule(rule: RuleDocument, product?: ProductDocument): Problem[] {
  const problems: Problem[] = []
  const say: Say = (detail, ...path) => {
    problems.push({ pointer: pointerOf(path), detail })
  }
  const context: ConditionContext = { product, parameters: rule.parameters ?? {}, named: new Set() }
  const inCondition = checkCondition(rule.when, ['when'], context)
  problems.push(...inCondition)
  if (inCondition.length === 0) {
    checkLevels(rule, context, say)
    checkGrounds(rule, say)
  }
  checkNames(rule, say)
  checkDurations(rule, say)
  checkService(rule, say)
  checkSafety(rule, say)
  if (inCondition.length === 0)
    for (const name of Object.keys(rule.parameters ?? {}))
      if (!context.named.has(name))
        say(`No part of the rule uses the parameter ${name}.${didYouMean(name, context.named)}`, 'parameters', name)
  if (product) checkProduct(rule, product, say)
  return problems
}

function checkNames(rule: RuleDocument, say: Say): void {
  if (isReserved(rule.key)) say(`${rule.key} is a reserved name.`, 'key')
  for (const [i, key] of (rule.inhibitedBy ?? []).entries()) {
    if (isReserved(key)) say(`${key} is a reserved name.`, 'inhibitedBy', String(i))
    if (key === rule.key) say('A rule does not inhibit itself.', 'inhibitedBy', String(i))
  }
  if (isReserved(rule.component)) say(`${rule.component} is a reserved name.`, 'component')
  for (const name of Object.keys(rule.parameters ?? {}))
    if (isReserved(name)) say(`${name} is a reserved name.`, 'parameters', name)
}

function checkDurations(rule: RuleDocument, say: Say): void {
  const check = (text: string | undefined, leastMs: number, ...path: string[]): void => {
    if (text === undefined) return
    const ms = durationMs(text)
    if (ms === null) say(`${text} is no duration; write 10m, 6h, 14d or ISO 8601 without months and years.`, ...path)
    else if (ms < leastMs) say(`The least is ${leastMs / 1_000} s.`, ...path)
    else if (ms > DURATION_MS_MAX) say('The most is 90 d.', ...path)
  }
  check(rule.for, 0, 'for')
  check(rule.keep, 0, 'keep')
  if (typeof rule.noData === 'object') check(rule.noData.alert.for, EVALUATION_MS_MIN, 'noData', 'alert', 'for')
  // Minutes of work, not of evaluation: anything above nothing.
  check(rule.service?.duration, 1, 'service', 'duration')
}

const SEVERITY_RANK = { info: 0, warning: 1, critical: 2 }

/** Levels are one question asked of one number more and more sternly. */
function checkLevels(rule: RuleDocument, context: ConditionContext, say: Say): void {
  const { levels } = rule
  if (!levels) return
  if (rule.severity !== undefined) say('With levels, each has its own severity; leave this out.', 'severity')
  const when = comparisonOf(rule.when)
  if (when === null) {
    say('Levels need a condition that is a single comparison: of a metric, a change or a usage.', 'levels')
    return
  }
  if (badSide(when.op) === 0) say(`Levels need a direction; ${when.op} has none.`, 'levels')
  let previous: { severity: keyof typeof SEVERITY_RANK; value: number | null } | null = null
  for (const [i, level] of levels.entries()) {
    const sayHere: Say = (detail, ...path) => say(detail, 'levels', String(i), ...path)
    const value = checkValue(level.value, context, sayHere, 'value')
    const clear = level.clear === undefined ? null : checkValue(level.clear, context, sayHere, 'clear')
    checkClear(when.op, value, clear, sayHere, 'clear')
    if (i === 0) {
      if (!same(level.value, when.value))
        sayHere('The first level repeats the value of the condition, which opens the alert.', 'value')
      if (level.clear !== undefined && !same(level.clear, when.clear))
        sayHere('The first level repeats the clear of the condition.', 'clear')
    }
    if (previous) {
      if (SEVERITY_RANK[level.severity] <= SEVERITY_RANK[previous.severity])
        sayHere('Each level is more severe than the one before.', 'severity')
      if (
        value !== null &&
        previous.value !== null &&
        (value === previous.value || !compare(when.op, value, previous.value))
      )
        sayHere(`Each level lies further out than the one before: ${when.op} ${previous.value}.`, 'value')
    }
    previous = { severity: level.severity, value }
  }
}

/** Forecasts make offers; what is measured makes urgency. */
function checkGrounds(rule: RuleDocument, say: Say): void {
  if (!restsOnForecast(rule.when)) return
  if (rule.severity === 'critical')
    say('A forecast alone is never critical; use warning, or add what is measured with all.', 'severity')
  if (rule.dispatch === 'auto')
    say('A forecast alone sends nobody unasked; use offer, or add what is measured with all.', 'dispatch')
  if (rule.safety) say('A danger is measured, not foreseen: add what is measured with all.', 'safety')
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function severities(rule: RuleDocument): string[] {
  return rule.levels?.map((level) => level.severity) ?? [rule.severity ?? 'warning']
}

function checkService(rule: RuleDocument, say: Say): void {
  const dispatch = dispatchOf(rule)
  if (dispatch !== 'notify' && !rule.service)
    say(`dispatch: ${dispatch} needs service: which job is offered or ordered.`, 'service')
  if (dispatch === 'auto' && severities(rule).every((severity) => severity === 'info'))
    say('What is only for information orders nobody into a home; use offer or notify.', 'dispatch')
  if (rule.noData === 'resolve' && severities(rule).includes('critical'))
    say('Silence is no recovery from something critical; use hold or alert.', 'noData')
}

function checkSafety(rule: RuleDocument, say: Say): void {
  if (!rule.safety) return
  if (rule.inhibitedBy) say('A danger is told whatever else is wrong; nothing inhibits a safety rule.', 'inhibitedBy')
  if (rule.noData === 'resolve') say('A silent device does not end a danger; use hold or alert.', 'noData')
  if (IMMEDIATE.has(rule.safety) && (durationMs(rule.for ?? '') ?? 0) > SAFETY_FOR_MS_MAX)
    say(`A danger of ${rule.safety} must be told within 5 minutes.`, 'for')
}

function checkProduct(rule: RuleDocument, product: ProductDocument, say: Say): void {
  if (rule.scope.product !== undefined && rule.scope.product !== product.key)
    say(`The rule is for ${rule.scope.product}, not for ${product.key}.`, 'scope', 'product')
  if (rule.scope.category !== undefined && rule.scope.category !== product.category)
    say(
      `${product.key} is of category ${product.category}.${didYouMean(rule.scope.category, [product.category])}`,
      'scope',
      'category',
    )
  if (!findComponent(product, rule.component)) {
    const known = [...(product.components ?? []).map((component) => component.key), WHOLE_DEVICE]
    say(`${product.key} has no component ${rule.component}.${didYouMean(rule.component, known)}`, 'component')
  }
  const acts = rule.noData !== undefined && rule.noData !== 'hold'
  if (acts && reportingTimes(product).noDataAfterMs === Number.POSITIVE_INFINITY)
    say(`${product.key} promises no reporting interval, so its silence means nothing.`, 'noData')
}
