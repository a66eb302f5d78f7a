import type { Component, Condition, LeafCondition, Metric, ProductDocument, RuleDocument, Value } from '#contracts'
import { DEVICE_SILENT, WHOLE_DEVICE } from '#contracts'
import { durationMs } from '#platform'
import { ageDays } from './age.ts'
import { type HoldTimes, LIFE_LENGTH } from './alert-clock.ts'
import { monthDayOf } from './calendar.ts'
import type { TreeNode } from './condition-tree.ts'
import { CORE_LENGTH } from './instance-core.ts'
import {
  FORECAST_CONFIDENCE,
  hasTurns,
  isCompared,
  LEAF_LENGTHS,
  LEAF_VALUE,
  type Leaf,
  type MetricLeaf,
  REMAINING_CONFIDENCE,
  type TurningLeaf,
} from './leaf.ts'
import { partSpecOf } from './part-spec.ts'
import { type AgeLimit, isParameter, type ParameterLimit, type Plan } from './plan.ts'
import { MISSED_INTERVALS, maxGapMs, reportingTimes } from './reporting.ts'
import { textCode } from './text-code.ts'
import { badSide } from './truth.ts'
import { paceOf } from './usage-meter.ts'

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

/** Names the columns of a product's rows; a name keeps its column for good. */
export interface Columns {
  of(metric: string): number
}

/** A condition cannot be used with this product, though the rule may be fine with others. */
class NotForProduct extends Error {}

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

type CompiledCondition = Omit<
  Plan,
  | 'ruleKey'
  | 'subject'
  | 'component'
  | 'severities'
  | 'levelTimes'
  | 'resolveOnSilence'
  | 'noDataAfterMs'
  | 'rule'
  | keyof HoldTimes
>

function compileCondition(when: Condition, given: Given): CompiledCondition {
  const { product, columns } = given
  const leaves: Leaf[] = []
  const limits: number[] = []
  const parameters: ParameterLimit[] = []
  const ages: AgeLimit[] = []
  const { onChange } = reportingTimes(product)
  let windows = 0
  let length = CORE_LENGTH

  const addLimit = (value: Value): void => {
    if (isParameter(value)) {
      const ruleDefault = given.parameters[value.param] ?? value.default ?? null
      parameters.push({ index: limits.length, key: value.param, ruleDefault })
      limits.push(ruleDefault ?? Number.NaN)
    } else limits.push(value)
  }
  const addLimits = (value: Value, clear: Value | undefined): number => {
    addLimit(value)
    addLimit(clear ?? value)
    return limits.length - 2
  }
  const ofMetric = (key: string, longest = Number.POSITIVE_INFINITY) => {
    const metric = findMetric(product, key)
    return {
      column: columns.of(key),
      metric: key,
      unit: metric.unit,
      speaksMs: Math.min(maxGapMs(product, metric), longest),
      type: metric.type,
    }
  }
  const number = (key: string, longest?: number) => {
    const { type, ...place } = ofMetric(key, longest)
    if (type === 'string') throw new NotForProduct(`${key} is text`)
    return place
  }

  const leafOf = (node: LeafCondition, at: number): Leaf => {
    if ('noData' in node) {
      const { metric, for: silence } = node.noData
      if (metric) findMetric(product, metric)
      const forMs = durationMs(silence) ?? Number.POSITIVE_INFINITY
      return { kind: 'noData', at, limitAt: addLimits(0, 0), column: metric ? columns.of(metric) : -1, forMs }
    }
    if ('change' in node) {
      const { metric, over, op, value, clear } = node.change
      const place = number(metric)
      const overMs = durationMs(over) ?? 0
      return {
        kind: 'change',
        at,
        limitAt: addLimits(value, clear),
        ...place,
        op,
        overMs,
        window: windows++,
        turns: onChange,
      }
    }
    if ('usage' in node) {
      const { metric, op, value, clear, sinceService = false, perDayMax } = node.usage
      const place = number(metric)
      const pace = paceOf(place.unit, perDayMax)
      const rollsOverAt = findMetric(product, metric).max ?? Number.POSITIVE_INFINITY
      return { kind: 'usage', at, limitAt: addLimits(value, clear), ...place, op, sinceService, ...pace, rollsOverAt }
    }
    if ('age' in node) {
      const { op, value, sinceService = false } = node.age
      const limitAt = addLimits(typeof value === 'string' ? (ageDays(value) ?? Number.NaN) : value, 0)
      ages.push({ index: limitAt, sinceService })
      return { kind: 'age', at, limitAt, column: -1, op, sinceService }
    }
    if ('event' in node) {
      const { metric, equals, count, clear, window, each } = node.event
      const { type, ...place } = ofMetric(metric)
      return {
        kind: 'event',
        at,
        limitAt: addLimits(count, clear),
        ...place,
        equals: typeof equals === 'string' ? textCode(equals) : Number(equals),
        eachReport: each === 'report',
        isText: type === 'string',
        count,
        windowMs: durationMs(window) ?? 0,
        window: windows++,
      }
    }
    if ('season' in node) {
      const { from, to } = node.season
      return { kind: 'season', at, limitAt: addLimits(0, 0), column: -1, from: monthDayOf(from), to: monthDayOf(to) }
    }
    if ('forecast' in node) {
      const { metric, reaches, within, confidence = FORECAST_CONFIDENCE } = node.forecast
      return {
        kind: 'forecast',
        at,
        limitAt: addLimits(reaches, undefined),
        ...number(metric),
        withinDays: (durationMs(within) ?? 0) / 86_400_000,
        confidence,
        window: windows++,
      }
    }
    if ('remaining' in node) {
      const { component, below, confidence = REMAINING_CONFIDENCE } = node.remaining
      const part = partSpecOf(product, component)
      if (part === null) throw new NotForProduct(`${product.key} does not say how a ${component} wears`)
      const limitAt = addLimits(0, 0)
      ages.push({ index: limitAt, sinceService: true, component })
      const { type: _, ...place } = ofMetric(part.metric)
      const counterColumn = part.counterMetric === null ? -1 : columns.of(part.counterMetric)
      const conditions = part.conditions.map(({ metric, op, value }) => ({ column: columns.of(metric), op, value }))
      return {
        kind: 'remaining',
        at,
        limitAt,
        ...place,
        component,
        part,
        belowDays: (durationMs(below) ?? 0) / 86_400_000,
        confidence,
        counterColumn,
        conditions,
        window: windows++,
      }
    }
    if ('anomaly' in node) {
      const { metric, score, for: held } = node.anomaly
      const place = number(metric)
      const everyMs = maxGapMs(product, findMetric(product, metric)) / MISSED_INTERVALS
      return {
        kind: 'anomaly',
        at,
        limitAt: addLimits(score, undefined),
        ...place,
        pointMs: Number.isFinite(everyMs) ? Math.max(POINT_MS_MIN, everyMs) : POINT_MS,
        forMs: durationMs(held ?? '') ?? 0,
        window: windows++,
      }
    }
    const windowMs = node.window ? (durationMs(node.window) ?? 0) : 0
    const agg = windowMs > 0 ? (node.agg ?? 'last') : null
    return {
      kind: 'metric',
      at,
      limitAt: addLimits(node.value, node.clear),
      // An empty window says nothing, so an aggregate outlives its window in no case.
      ...number(node.metric, agg ? windowMs : undefined),
      op: node.op,
      agg,
      windowMs,
      window: agg ? windows++ : -1,
      atLeast: node.atLeast ?? (agg === 'stddev' ? 2 : 1),
    }
  }

  const add = (node: Condition): TreeNode => {
    if ('all' in node) return { kind: 'all', children: node.all.map(add) }
    if ('any' in node) return { kind: 'any', children: node.any.map(add) }
    if ('not' in node) return { kind: 'not', child: add(node.not) }
    const leaf = leafOf(node, length)
    leaves.push(leaf)
    length += LEAF_LENGTHS[leaf.kind]
    return { kind: 'leaf', at: leaf.at }
  }

  const root = add(when)
  const levelsFrom = length
  for (const level of given.levels) addLimits(level.value, level.clear)
  const read = [...new Set(leaves.flatMap(columnsRead).filter((column) => column >= 0))]
  const peakLeaf = leaves.find(isCompared)
  return {
    axis: leaves.some((leaf) => leaf.kind === 'noData') ? 'hub' : 'event',
    leaves,
    comparisons: leaves.filter((leaf) => leaf.kind === 'metric'),
    others: leaves.filter((leaf) => leaf.kind !== 'metric'),
    alone: aloneIn(leaves, root, given.levels.length),
    turning: leaves.filter(isTurning),
    root,
    levels: given.levels.map((_, k) => ({ at: levelsFrom + k * LIFE_LENGTH })),
    limits,
    parameters,
    ages,
    length: levelsFrom + given.levels.length * LIFE_LENGTH,
    windows,
    columnMask: read.reduce((mask, column) => mask | columnBit(column), 0),
    columns: read,
    peakAt: peakLeaf ? peakLeaf.at + LEAF_VALUE : -1,
    peakSide: peakLeaf ? badSide(peakLeaf.op) : 0,
  }
}

function columnsRead(leaf: Leaf): number[] {
  return leaf.kind === 'remaining' ? [leaf.column, leaf.counterColumn] : [leaf.column]
}

function aloneIn(leaves: readonly Leaf[], root: TreeNode, levels: number): MetricLeaf | null {
  const [leaf] = leaves
  return root.kind === 'leaf' && leaf?.kind === 'metric' && leaf.window < 0 && levels === 0 ? leaf : null
}

function isTurning(leaf: Leaf): leaf is TurningLeaf {
  return hasTurns(leaf) && (leaf.kind !== 'change' || leaf.turns)
}

/** A point of an anomaly's model holds at least a minute, and an hour where no interval is promised. */
const POINT_MS_MIN = 60_000
const POINT_MS = 3_600_000

/** The bit of a column in a mask; beyond 31 columns the last bit stands for several. */
export function columnBit(column: number): number {
  return 1 << Math.min(column, 31)
}

function findMetric(product: ProductDocument, key: string): Metric {
  const metric = product.metrics.find((candidate) => candidate.key === key)
  if (!metric) throw new NotForProduct(`${product.key} reports no ${key}`)
  return metric
}
