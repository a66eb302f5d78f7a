import { Compile } from 'typebox/compile'
import { type Condition, MetricCondition, NoDataCondition, type ProductDocument, type Value } from '#contracts'
import { durationMs, type Problem } from '#platform'
import { isReserved } from './check-names.ts'
import { didYouMean } from './did-you-mean.ts'
import { pointerOf } from './plain-input.ts'
import { isParameter } from './plan.ts'
import { schemaProblems } from './schema-problems.ts'
import { badSide, compare } from './truth.ts'

/** Beyond this nobody can say what a rule means, and evaluation would cost more than a reading may. */
export const CONDITION_DEPTH_MAX = 8
export const CONDITION_NODES_MAX = 200
const CHILDREN_MAX = 32
/** A window or silence below a minute asks for more notices than anybody can read. */
export const EVALUATION_MS_MIN = 60_000
/** Raw readings are kept this long. */
export const DURATION_MS_MAX = 90 * 86_400_000

const METRIC = Compile(MetricCondition)
const NO_DATA = Compile(NoDataCondition)
const METRIC_MEMBERS = Object.keys(MetricCondition.properties)
const KINDS = ['metric', 'noData', 'all', 'any', 'not'] as const
/** Kinds that tell what a node is; a metric condition has further members. */
type Kind = (typeof KINDS)[number]

export interface ConditionContext {
  product?: ProductDocument | undefined
  /** Parameters the rule gives defaults for. */
  parameters: Readonly<Record<string, number>>
  /** Parameters the condition names, gathered on the way. */
  named: Set<string>
}

/** Checks a condition node by node, so that every problem points at its place. */
export function checkCondition(when: unknown, path: readonly string[], context: ConditionContext): Problem[] {
  const problems: Problem[] = []
  let nodes = 0

  const visit = (node: unknown, at: readonly string[], depth: number): void => {
    const say = (detail: string, ...below: string[]): void => {
      problems.push({ pointer: pointerOf([...at, ...below]), detail })
    }
    if (++nodes > CONDITION_NODES_MAX) {
      if (nodes === CONDITION_NODES_MAX + 1) say(`The condition has more than ${CONDITION_NODES_MAX} parts.`)
      return
    }
    if (depth > CONDITION_DEPTH_MAX) {
      say(`The condition is nested deeper than ${CONDITION_DEPTH_MAX}.`)
      return
    }
    if (typeof node !== 'object' || node === null || Array.isArray(node)) {
      say(`A condition is an object with one of ${KINDS.join(', ')}.`)
      return
    }
    const kind = kindOf(node)
    switch (kind) {
      case null: {
        const [first = ''] = Object.keys(node)
        say(
          `No kind of condition is called ${first || 'nothing'}; there are ${KINDS.join(', ')}.${didYouMean(first, KINDS)}`,
        )
        return
      }
      case 'all':
      case 'any': {
        const children = (node as Record<string, unknown>)[kind]
        refuseOthers(node, kind, say)
        if (!Array.isArray(children) || children.length === 0 || children.length > CHILDREN_MAX) {
          say(`${kind} takes a list of 1 to ${CHILDREN_MAX} conditions.`, kind)
          return
        }
        for (const [i, child] of children.entries()) visit(child, [...at, kind, String(i)], depth + 1)
        return
      }
      case 'not':
        refuseOthers(node, kind, say)
        visit((node as { not: unknown }).not, [...at, 'not'], depth + 1)
        return
      case 'noData':
        if (NO_DATA.Check(node)) checkNoData(node, context, say)
        else problems.push(...schemaProblems(NO_DATA.Errors(node), ['metric', 'for'], pointerOf(at)))
        return
      case 'metric':
        if (METRIC.Check(node)) checkMetric(node, context, say)
        else problems.push(...schemaProblems(METRIC.Errors(node), METRIC_MEMBERS, pointerOf(at)))
    }
  }
  visit(when, path, 1)
  return problems
}

type Say = (detail: string, ...below: string[]) => void

function kindOf(node: object): Kind | null {
  return KINDS.find((kind) => Object.hasOwn(node, kind)) ?? null
}

function refuseOthers(node: object, kind: Kind, say: Say): void {
  for (const key of Object.keys(node)) if (key !== kind) say(`Beside ${kind} there may be no ${key}.`, key)
}

function checkNoData({ noData }: NoDataCondition, { product }: ConditionContext, say: Say): void {
  checkWindow(noData.for, say, 'noData', 'for')
  if (noData.metric === undefined) return
  if (isReserved(noData.metric)) say(`${noData.metric} is a reserved name.`, 'noData', 'metric')
  else if (product) findMetric(noData.metric, product, say, 'noData', 'metric')
}

function checkMetric(node: MetricCondition, context: ConditionContext, say: Say): void {
  const { metric, op, value, clear, agg, window, atLeast } = node
  if (isReserved(metric)) say(`${metric} is a reserved name.`, 'metric')
  const found = context.product && !isReserved(metric) ? findMetric(metric, context.product, say, 'metric') : null
  if (found?.type === 'string')
    say(`${metric} is text; a comparison needs a number or a boolean (counted as 1 and 0).`, 'metric')
  if (agg !== undefined && window === undefined) say('An aggregate needs a window to look over.', 'agg')
  if (window !== undefined) {
    checkWindow(window, say, 'window')
    if (agg === undefined) say('A window needs agg: what of it is compared.', 'window')
  } else if (atLeast !== undefined) say('atLeast counts the samples of a window; there is none.', 'atLeast')
  if (agg === 'stddev' && atLeast !== undefined && atLeast < 2)
    say('A standard deviation needs at least 2 samples.', 'atLeast')

  const limit = checkValue(value, context, say, 'value')
  const healthy = clear === undefined ? null : checkValue(clear, context, say, 'clear')
  checkClear(op, limit, healthy, say, 'clear')
  const plain = agg === undefined || ['last', 'mean', 'min', 'max'].includes(agg)
  if (limit === null || !plain || !found) return
  // Ingest refuses readings outside the metric's range, so such a limit can never be passed.
  if (found.max !== undefined && badSide(op) > 0 && !compare(op, found.max, limit))
    say(`${metric} never goes above ${found.max}, so this is never true.`, 'value')
  if (found.min !== undefined && badSide(op) < 0 && !compare(op, found.min, limit))
    say(`${metric} never goes below ${found.min}, so this is never true.`, 'value')
}

/** The number a limit stands for by default, noting the parameter it names; `null` when only the fleet's settings know. */
export function checkValue(value: Value, context: ConditionContext, say: Say, ...below: string[]): number | null {
  if (!isParameter(value)) return value
  context.named.add(value.param)
  if (isReserved(value.param)) {
    say(`${value.param} is a reserved name.`, ...below, 'param')
    return null
  }
  const standard = context.parameters[value.param] ?? value.default
  if (standard !== undefined) return standard
  say(
    `The parameter ${value.param} has no default, here or under parameters: a device for which nobody set it could not be judged.`,
    ...below,
  )
  return null
}

/** `clear` must lie on the healthy side of `value`, or the band would be empty and the alert flutter. */
export function checkClear(
  op: MetricCondition['op'],
  value: number | null,
  clear: number | null,
  say: Say,
  ...below: string[]
): void {
  if (clear === null) return
  if (badSide(op) === 0) say(`With ${op} there is no band to clear in; leave clear out.`, ...below)
  else if (value !== null && (badSide(op) > 0 ? clear > value : clear < value))
    say(
      `clear must lie on the healthy side of value: with ${op} ${value}, ${badSide(op) > 0 ? 'at or below' : 'at or above'} ${value}.`,
      ...below,
    )
}

function checkWindow(text: string, say: Say, ...below: string[]): void {
  const ms = durationMs(text)
  if (ms === null) say(`${text} is no duration; write 10m, 6h, 14d or ISO 8601 without months and years.`, ...below)
  else if (ms < EVALUATION_MS_MIN) say('The least is 60 s.', ...below)
  else if (ms > DURATION_MS_MAX) say('The most is 90 d: older readings are kept as rollups only.', ...below)
}

function findMetric(key: string, product: ProductDocument, say: Say, ...below: string[]) {
  const found = product.metrics.find((metric) => metric.key === key)
  if (found) return found
  const known = product.metrics.map((metric) => metric.key)
  say(`${product.key} has no metric ${key}.${didYouMean(key, known)}`, ...below)
  return null
}

/** Whether a checked condition is a single comparison: what levels can be of. */
export function isMetricCondition(condition: Condition): condition is MetricCondition {
  return 'metric' in condition
}
