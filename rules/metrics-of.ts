import type { Condition, ProductDocument, RuleDocument } from '#contracts'
import { partSpecOf } from './part-spec.ts'

/** Every metric a condition names, whatever kind of leaf names it. */
export function metricsOfCondition(condition: Condition): string[] {
  const found = new Set<string>()
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node))
      if (key === 'metric' && typeof value === 'string') found.add(value)
      else look(value)
  }
  look(condition)
  return [...found]
}

/** Components whose remaining life a condition asks for. */
function componentsForeseen(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(componentsForeseen)
  if ('any' in condition) return condition.any.flatMap(componentsForeseen)
  if ('not' in condition) return componentsForeseen(condition.not)
  return 'remaining' in condition ? [condition.remaining.component] : []
}

/** Metrics that tell of a component's wear and use. */
function metricsOfPart(product: ProductDocument, component: string): string[] {
  const part = partSpecOf(product, component)
  if (part === null) return []
  const counter = part.counterMetric === null ? [] : [part.counterMetric]
  return [part.metric, ...counter, ...part.conditions.map(({ metric }) => metric)]
}

/** What a rule reads of a product: its own metrics, and those its component's life is counted and seen in. */
export function metricsOfRule(rule: RuleDocument, product: ProductDocument): string[] {
  const component = product.components?.find(({ key }) => key === rule.component)
  const life = component?.ratedLife && 'metric' in component.ratedLife ? [component.ratedLife.metric] : []
  const parts = componentsForeseen(rule.when).flatMap((key) => metricsOfPart(product, key))
  const known = new Set(product.metrics.map(({ key }) => key))
  return [...new Set([...metricsOfCondition(rule.when), ...life, ...parts])].filter((metric) => known.has(metric))
}
