import type { Component, Condition, Metric, ProductDocument, RuleDocument, Value } from '#contracts'
import { DEVICE_SILENT } from '#contracts'
import { durationMs } from '#platform'
import { LIFE_LENGTH } from './alert-clock.ts'
import type { TreeNode } from './condition-tree.ts'
import { CORE_LENGTH } from './instance-core.ts'
import { LEAF_LENGTH, LEAF_VALUE, type Leaf } from './leaf.ts'
import { isParameter, type ParameterLimit, type Plan } from './plan.ts'
import { maxGapMs, reportingTimes } from './reporting.ts'
import { badSide } from './truth.ts'

/** Kinds of component that are used up by their work: their alerts stay until somebody serviced them. */
export const CONSUMABLE_KINDS: ReadonlySet<string> = new Set([
  'filter',
  'battery',
  'primary-cells',
  'anode',
  'cartridge',
  'membrane',
  'brush',
  'bag',
  'lamp',
])

/** A component of every product: the appliance as a whole. */
export const WHOLE_DEVICE = 'device'

/** Names the columns of a product's rows; a name keeps its column for good. */
export interface Columns {
  of(metric: string): number
}

/** A condition cannot be used with this product, though the rule may be fine with others. */
export class NotForProduct extends Error {}

/**
 * The plans of a rule for a product: the condition and, with `noData: alert`, the silence of
 * the device. Empty when the product lacks the rule's component or a metric of it.
 */
export function compileRule(rule: RuleDocument, product: ProductDocument, columns: Columns): Plan[] {
  const component = findComponent(product, rule.component)
  if (!component) return []
  try {
    const forMs = durationMs(rule.for ?? '') ?? 0
    const condition = compileCondition(rule.when, {
      product,
      columns,
      parameters: rule.parameters ?? {},
      levels: (rule.levels ?? []).slice(1),
    })
    const { noDataAfterMs } = reportingTimes(product)
    const plan: Plan = {
      ...condition,
      ruleKey: rule.key,
      subject: 'condition',
      component: rule.component,
      forMs,
      keepMs: durationMs(rule.keep ?? '') ?? 0,
      latched: latches(rule, component),
      severities: rule.levels?.map((level) => level.severity) ?? [rule.severity ?? 'warning'],
      levelTimes: { forMs, keepMs: durationMs(rule.keep ?? '') ?? 0, latched: false },
      resolveOnSilence: rule.noData === 'resolve',
      noDataAfterMs,
      rule,
    }
    const silence = silencePlan(rule, plan, columns, product)
    return silence ? [plan, silence] : [plan]
  } catch (error) {
    if (error instanceof NotForProduct) return []
    throw error
  }
}

/** T11: the silence of a device is an alert of its own, with its own `for`. */
function silencePlan(rule: RuleDocument, plan: Plan, columns: Columns, product: ProductDocument): Plan | null {
  const { noData } = rule
  const asked = noData === 'alert' || typeof noData === 'object'
  if (!asked || plan.noDataAfterMs === Number.POSITIVE_INFINITY) return null
  const when: Condition = { noData: { for: `${plan.noDataAfterMs}ms` } }
  const forMs = typeof noData === 'object' ? (durationMs(noData.alert.for) ?? 0) : plan.forMs
  return {
    ...compileCondition(when, { product, columns, parameters: {}, levels: [] }),
    ruleKey: rule.key,
    subject: 'silence',
    component: DEVICE_SILENT,
    forMs,
    keepMs: 0,
    latched: false,
    severities: [plan.severities[0]!],
    levelTimes: { forMs, keepMs: 0, latched: false },
    resolveOnSilence: false,
    noDataAfterMs: plan.noDataAfterMs,
    rule,
  }
}

/** The plan that watches whether a repair shows; `null` when the product does not say how it would. */
export function compileRecovery(product: ProductDocument, componentKey: string, columns: Columns): Plan | null {
  const recovery = findComponent(product, componentKey)?.recovery
  if (!recovery) return null
  try {
    const forMs = durationMs(recovery.for ?? '') ?? RECOVERY_FOR_MS
    return {
      ...compileCondition(recovery.when, { product, columns, parameters: {}, levels: [] }),
      ruleKey: '',
      subject: 'recovery',
      component: componentKey,
      forMs,
      keepMs: 0,
      latched: false,
      severities: ['info'],
      levelTimes: { forMs, keepMs: 0, latched: false },
      resolveOnSilence: false,
      noDataAfterMs: Number.POSITIVE_INFINITY,
      rule: null,
    }
  } catch (error) {
    if (error instanceof NotForProduct) return null
    throw error
  }
}

/** One healthy reading after a repair may be luck. */
const RECOVERY_FOR_MS = 10 * 60_000

export function findComponent(product: ProductDocument, key: string): Component | null {
  if (key === WHOLE_DEVICE) return { key, kind: 'appliance' }
  return product.components?.find((component) => component.key === key) ?? null
}

function latches(rule: RuleDocument, component: Component): boolean {
  if (rule.latch) return rule.latch === 'until-serviced'
  return component.ratedLife !== undefined || CONSUMABLE_KINDS.has(component.kind)
}

interface Given {
  product: ProductDocument
  columns: Columns
  parameters: Readonly<Record<string, number>>
  levels: readonly { value: Value; clear?: Value }[]
}

type CompiledCondition = Pick<
  Plan,
  | 'axis'
  | 'leaves'
  | 'root'
  | 'levels'
  | 'limits'
  | 'parameters'
  | 'length'
  | 'windows'
  | 'columnMask'
  | 'columns'
  | 'peakAt'
  | 'peakSide'
>

function compileCondition(when: Condition, given: Given): CompiledCondition {
  const leaves: Leaf[] = []
  const limits: number[] = []
  const parameters: ParameterLimit[] = []
  let windows = 0

  const addLimit = (value: Value): void => {
    if (isParameter(value)) {
      const ruleDefault = given.parameters[value.param] ?? value.default ?? null
      parameters.push({ index: limits.length, key: value.param, ruleDefault })
      limits.push(ruleDefault ?? Number.NaN)
    } else limits.push(value)
  }

  const add = (node: Condition): TreeNode => {
    if ('all' in node) return { kind: 'all', children: node.all.map(add) }
    if ('any' in node) return { kind: 'any', children: node.any.map(add) }
    if ('not' in node) return { kind: 'not', child: add(node.not) }
    const at = CORE_LENGTH + leaves.length * LEAF_LENGTH
    if ('noData' in node) {
      const { metric, for: silence } = node.noData
      if (metric) findMetric(given.product, metric)
      leaves.push({
        kind: 'noData',
        at,
        column: metric ? given.columns.of(metric) : -1,
        forMs: durationMs(silence) ?? Number.POSITIVE_INFINITY,
      })
      addLimit(0)
      addLimit(0)
      return { kind: 'leaf', at }
    }
    const metric = findMetric(given.product, node.metric)
    if (metric.type === 'string') throw new NotForProduct(`${metric.key} is text`)
    const windowMs = node.window ? (durationMs(node.window) ?? 0) : 0
    const agg = windowMs > 0 ? (node.agg ?? 'last') : null
    leaves.push({
      kind: 'metric',
      at,
      column: given.columns.of(node.metric),
      metric: node.metric,
      unit: metric.unit,
      op: node.op,
      agg,
      windowMs,
      window: agg ? windows++ : -1,
      atLeast: node.atLeast ?? (agg === 'stddev' ? 2 : 1),
      // An empty window says nothing, so an aggregate outlives its window in no case.
      speaksMs: Math.min(maxGapMs(given.product, metric), agg ? windowMs : Number.POSITIVE_INFINITY),
    })
    addLimit(node.value)
    addLimit(node.clear ?? node.value)
    return { kind: 'leaf', at }
  }

  const root = add(when)
  const levelsFrom = CORE_LENGTH + leaves.length * LEAF_LENGTH
  for (const level of given.levels) {
    addLimit(level.value)
    addLimit(level.clear ?? level.value)
  }
  const columns = [...new Set(leaves.map((leaf) => leaf.column).filter((column) => column >= 0))]
  const peakLeaf = leaves.find((leaf) => leaf.kind === 'metric')
  return {
    axis: leaves.some((leaf) => leaf.kind === 'noData') ? 'hub' : 'event',
    leaves,
    root,
    levels: given.levels.map((_, k) => ({ at: levelsFrom + k * LIFE_LENGTH })),
    limits,
    parameters,
    length: levelsFrom + given.levels.length * LIFE_LENGTH,
    windows,
    columnMask: columns.reduce((mask, column) => mask | columnBit(column), 0),
    columns,
    peakAt: peakLeaf ? peakLeaf.at + LEAF_VALUE : -1,
    peakSide: peakLeaf ? badSide(peakLeaf.op) : 0,
  }
}

/** The bit of a column in a mask; beyond 31 columns the last bit stands for several. */
export function columnBit(column: number): number {
  return 1 << Math.min(column, 31)
}

function findMetric(product: ProductDocument, key: string): Metric {
  const metric = product.metrics.find((candidate) => candidate.key === key)
  if (!metric) throw new NotForProduct(`${product.key} reports no ${key}`)
  return metric
}
