import type { Condition, ProductDocument, RuleDocument } from '#contracts'

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

/** What a rule reads of a product: its own metrics, and the one its component's life is counted in. */
export function metricsOfRule(rule: RuleDocument, product: ProductDocument): string[] {
  const component = product.components?.find(({ key }) => key === rule.component)
  const life = component?.ratedLife && 'metric' in component.ratedLife ? [component.ratedLife.metric] : []
  const known = new Set(product.metrics.map(({ key }) => key))
  return [...new Set([...metricsOfCondition(rule.when), ...life])].filter((metric) => known.has(metric))
}
