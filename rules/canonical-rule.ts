import type { Condition, RuleDocument, Value } from '#contracts'
import { canonicalJson, durationMs } from '#platform'
import { ageDays } from './age.ts'
import { FORECAST_CONFIDENCE, REMAINING_CONFIDENCE } from './leaf.ts'

/**
 * What of a rule decides, as canonical JSON with defaults filled in and durations in milliseconds:
 * two documents that behave alike read alike, however they were written. Names, texts, service
 * and notes are left out: changing them leaves every alert as it is (T18).
 */
export function canonicalRule(rule: RuleDocument): string {
  return canonicalJson({
    key: rule.key,
    component: rule.component,
    scope: { ...rule.scope, tags: rule.scope.tags ? [...rule.scope.tags].sort() : undefined },
    severities: rule.levels?.map((level) => level.severity) ?? [rule.severity ?? 'warning'],
    levels: rule.levels?.slice(1).map(({ value, clear }) => limits(value, clear, rule)),
    when: condition(rule.when, rule),
    for: milliseconds(rule.for),
    keep: milliseconds(rule.keep),
    noData: typeof rule.noData === 'object' ? { alert: milliseconds(rule.noData.alert.for) } : (rule.noData ?? 'hold'),
    // The default depends on the component, which the product knows.
    latch: rule.latch ?? 'by-component',
    dispatch: rule.dispatch ?? 'notify',
    safety: rule.safety ?? null,
    inhibitedBy: rule.inhibitedBy ? [...rule.inhibitedBy].sort() : undefined,
  })
}

/** Whether two documents decide alike, however they are written (T18). Texts and services may differ. */
export function sameSemantics(a: RuleDocument, b: RuleDocument): boolean {
  return canonicalRule(a) === canonicalRule(b)
}

function milliseconds(duration: string | undefined): number {
  return durationMs(duration ?? '') ?? 0
}

function condition(node: Condition, rule: RuleDocument): unknown {
  if ('all' in node) return { all: node.all.map((child) => condition(child, rule)) }
  if ('any' in node) return { any: node.any.map((child) => condition(child, rule)) }
  if ('not' in node) return { not: condition(node.not, rule) }
  if ('noData' in node) return { noData: { metric: node.noData.metric, for: milliseconds(node.noData.for) } }
  if ('change' in node) {
    const { metric, over, op, value, clear } = node.change
    return { change: { metric, over: milliseconds(over), op, ...limits(value, clear, rule) } }
  }
  if ('usage' in node) {
    const { metric, op, value, clear, sinceService = false, perDayMax = null } = node.usage
    return { usage: { metric, op, ...limits(value, clear, rule), sinceService, perDayMax } }
  }
  if ('age' in node) {
    const { op, value, sinceService = false } = node.age
    // The moment itself belongs to both, so that `>` and `>=` say the same.
    const side = op === '>' || op === '>=' ? '>=' : '<'
    return { age: { op: side, value: typeof value === 'string' ? ageDays(value) : limit(value, rule), sinceService } }
  }
  if ('event' in node) {
    const { metric, equals, count, clear = count, window, each = 'change' } = node.event
    return { event: { metric, equals, count, clear, window: milliseconds(window), each } }
  }
  if ('anomaly' in node) {
    const { metric, against, score, for: held } = node.anomaly
    return { anomaly: { metric, against, score: limit(score, rule), for: milliseconds(held) } }
  }
  if ('forecast' in node) {
    const { metric, reaches, within, confidence = FORECAST_CONFIDENCE } = node.forecast
    return { forecast: { metric, reaches: limit(reaches, rule), within: milliseconds(within), confidence } }
  }
  if ('remaining' in node) {
    const { component, below, confidence = REMAINING_CONFIDENCE } = node.remaining
    return { remaining: { component, below: milliseconds(below), confidence } }
  }
  if ('season' in node) return { season: { from: node.season.from, to: node.season.to } }
  const { metric, op, value, clear, agg, window, atLeast } = node
  if (!window) return { metric, op, ...limits(value, clear, rule) }
  const kind = agg ?? 'last'
  return {
    metric,
    op,
    ...limits(value, clear, rule),
    agg: kind,
    window: milliseconds(window),
    atLeast: atLeast ?? (kind === 'stddev' ? 2 : 1),
  }
}

function limits(value: Value, clear: Value | undefined, rule: RuleDocument): { value: unknown; clear: unknown } {
  return { value: limit(value, rule), clear: limit(clear ?? value, rule) }
}

function limit(value: Value, rule: RuleDocument): unknown {
  if (typeof value === 'number') return value
  return { param: value.param, default: rule.parameters?.[value.param] ?? value.default ?? null }
}
