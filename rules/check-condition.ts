import { Compile } from 'typebox/compile'
import {
  AgeCondition,
  AnomalyCondition,
  ChangeCondition,
  type Comparison,
  type Condition,
  EventCondition,
  ForecastCondition,
  MetricCondition,
  NoDataCondition,
  type ProductDocument,
  RemainingCondition,
  SeasonCondition,
  UsageCondition,
  type Value,
} from '#contracts'
import { durationMs, type Problem } from '#platform'
import { ageDays } from './age.ts'
import { lastDay, monthDayOf } from './calendar.ts'
import { isReserved } from './check-names.ts'
import { didYouMean } from './did-you-mean.ts'
import { partSpecOf } from './part-spec.ts'
import { pointerOf } from './plain-input.ts'
import { isParameter } from './plan.ts'
import { schemaProblems } from './schema-problems.ts'
import { badSide, compare } from './truth.ts'

/** Beyond this nobody can say what a rule means, and evaluation would cost more than a reading may. */
const CONDITION_DEPTH_MAX = 8
const CONDITION_NODES_MAX = 200
const CHILDREN_MAX = 32
/** A window or silence below a minute asks for more notices than anybody can read. */
export const EVALUATION_MS_MIN = 60_000
/** Raw readings are kept this long. */
export const DURATION_MS_MAX = 90 * 86_400_000

/** A forecast rests on a mean a day. */
const FORECAST_MS_MIN = 86_400_000

/** A life is foreseen by the day, and not beyond a year. */
const REMAINING_MS_MIN = 86_400_000
const REMAINING_MS_MAX = 365 * 86_400_000

/** An age beyond this is a slip of the pen: appliances are scrapped long before. */
const AGE_DAYS_MAX = 36_525

const LEAVES = {
  noData: { schema: NoDataCondition, check: Compile(NoDataCondition), look: checkNoData },
  change: { schema: ChangeCondition, check: Compile(ChangeCondition), look: checkChange },
  usage: { schema: UsageCondition, check: Compile(UsageCondition), look: checkUsage },
  age: { schema: AgeCondition, check: Compile(AgeCondition), look: checkAge },
  event: { schema: EventCondition, check: Compile(EventCondition), look: checkEvent },
  season: { schema: SeasonCondition, check: Compile(SeasonCondition), look: checkSeason },
  anomaly: { schema: AnomalyCondition, check: Compile(AnomalyCondition), look: checkAnomaly },
  forecast: { schema: ForecastCondition, check: Compile(ForecastCondition), look: checkForecast },
  remaining: { schema: RemainingCondition, check: Compile(RemainingCondition), look: checkRemaining },
} as const
type LeafKind = keyof typeof LEAVES

const METRIC = Compile(MetricCondition)
const METRIC_MEMBERS = Object.keys(MetricCondition.properties)
/** Kinds that tell what a node is; a metric condition has further members. */
const KINDS = [
  'metric',
  'noData',
  'change',
  'usage',
  'age',
  'event',
  'season',
  'anomaly',
  'forecast',
  'remaining',
  'all',
  'any',
  'not',
] as const
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
      case 'metric':
        if (METRIC.Check(node)) checkMetric(node, context, say)
        else problems.push(...schemaProblems(METRIC.Errors(node), METRIC_MEMBERS, pointerOf(at)))
        return
      default: {
        const leaf = LEAVES[kind]
        if (leaf.check.Check(node)) (leaf.look as Look)(node, context, say)
        else problems.push(...schemaProblems(leaf.check.Errors(node), membersOf(kind), pointerOf(at)))
      }
    }
  }
  visit(when, path, 1)
  return problems
}

type Say = (detail: string, ...below: string[]) => void
type Look = (node: object, context: ConditionContext, say: Say) => void

function membersOf(kind: LeafKind): string[] {
  const inner = (LEAVES[kind].schema.properties as Record<string, { properties: object }>)[kind]!
  return [kind, ...Object.keys(inner.properties)]
}

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

function checkChange({ change }: ChangeCondition, context: ConditionContext, say: Say): void {
  checkNumber(change.metric, context, say, 'change')
  checkWindow(change.over, say, 'change', 'over')
  checkLimits(change, context, say, 'change')
}

function checkUsage({ usage }: UsageCondition, context: ConditionContext, say: Say): void {
  checkNumber(usage.metric, context, say, 'usage')
  const limit = checkLimits(usage, context, say, 'usage')
  if (badSide(usage.op) === 0) say(`Usage grows past a value; ${usage.op} asks for it exactly.`, 'usage', 'op')
  if (limit !== null && limit < 0) say('Nothing is used less than not at all.', 'usage', 'value')
}

function checkAge({ age }: AgeCondition, context: ConditionContext, say: Say): void {
  if (badSide(age.op) === 0) say(`Age passes a value; ${age.op} asks for it exactly.`, 'age', 'op')
  const days = typeof age.value === 'string' ? ageDays(age.value) : checkValue(age.value, context, say, 'age', 'value')
  if (days !== null && (days <= 0 || days > AGE_DAYS_MAX))
    say('An age lies above 0 and within 100 years, written in days, or as 8y or 180d.', 'age', 'value')
}

function checkEvent({ event }: EventCondition, { product }: ConditionContext, say: Say): void {
  const { metric, equals, count, clear, window } = event
  checkWindow(window, say, 'event', 'window')
  if (clear !== undefined && clear > count)
    say(`clear is at most count: it counts as over when fewer than clear are left of ${count}.`, 'event', 'clear')
  if (isReserved(metric)) {
    say(`${metric} is a reserved name.`, 'event', 'metric')
    return
  }
  const found = product ? findMetric(metric, product, say, 'event', 'metric') : null
  if (found && found.type !== typeof equals)
    say(`${metric} is a ${found.type}, so it never equals the ${typeof equals} ${equals}.`, 'event', 'equals')
}

function checkForecast({ forecast }: ForecastCondition, context: ConditionContext, say: Say): void {
  checkNumber(forecast.metric, context, say, 'forecast')
  checkWindow(forecast.within, say, 'forecast', 'within')
  const ms = durationMs(forecast.within)
  if (ms !== null && ms < FORECAST_MS_MIN) say('A trend is of days: the least is 1 d.', 'forecast', 'within')
  checkValue(forecast.reaches, context, say, 'forecast', 'reaches')
}

function checkRemaining({ remaining }: RemainingCondition, { product }: ConditionContext, say: Say): void {
  const { component, below } = remaining
  const ms = durationMs(below)
  if (ms === null) say(`${below} is no duration; write 21d or 3w.`, 'remaining', 'below')
  else if (ms < REMAINING_MS_MIN || ms > REMAINING_MS_MAX)
    say('Remaining life is foreseen in days: from 1 d to 365 d.', 'remaining', 'below')
  if (isReserved(component)) say(`${component} is a reserved name.`, 'remaining', 'component')
  else if (product) {
    const known = (product.components ?? []).map(({ key }) => key)
    if (!known.includes(component))
      say(`${product.key} has no component ${component}.${didYouMean(component, known)}`, 'remaining', 'component')
    else if (partSpecOf(product, component) === null)
      say(
        `${product.key} does not say how a ${component} wears: give it wear, or a ratedLife counted by a metric.`,
        'remaining',
        'component',
      )
  }
}

function checkSeason({ season }: SeasonCondition, _context: ConditionContext, say: Say): void {
  for (const end of ['from', 'to'] as const) {
    const { month, day } = monthDayOf(season[end])
    // Any leap year: 29 February is a day of the calendar.
    if (day > lastDay(2000, month)) say(`Month ${month} has no day ${day}.`, 'season', end)
  }
}

function checkAnomaly({ anomaly }: AnomalyCondition, context: ConditionContext, say: Say): void {
  checkNumber(anomaly.metric, context, say, 'anomaly')
  const score = checkValue(anomaly.score, context, say, 'anomaly', 'score')
  if (score !== null && (score <= 0 || score >= 1))
    say('A score lies between 0 and 1; 0.5 is where an alarm is due.', 'anomaly', 'score')
  if (anomaly.for !== undefined) checkWindow(anomaly.for, say, 'anomaly', 'for')
  if (anomaly.against === 'fleet')
    say(
      'Against the fleet needs its baseline, which this hub does not evaluate yet; self is known.',
      'anomaly',
      'against',
    )
}

/** A metric whose numbers are reckoned with. */
function checkNumber(metric: string, { product }: ConditionContext, say: Say, kind: string): void {
  if (isReserved(metric)) say(`${metric} is a reserved name.`, kind, 'metric')
  else if (product && findMetric(metric, product, say, kind, 'metric')?.type === 'string')
    say(`${metric} is text; this needs a number or a boolean (counted as 1 and 0).`, kind, 'metric')
}

function checkLimits(
  { op, value, clear }: { op: Comparison; value: Value; clear?: Value },
  context: ConditionContext,
  say: Say,
  kind: string,
): number | null {
  const limit = checkValue(value, context, say, kind, 'value')
  const healthy = clear === undefined ? null : checkValue(clear, context, say, kind, 'clear')
  checkClear(op, limit, healthy, say, kind, 'clear')
  return limit
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

/** The single comparison a checked condition is, which is what levels can be of; `null` for anything else. */
export function comparisonOf(condition: Condition): { op: Comparison; value: Value; clear?: Value } | null {
  if ('metric' in condition) return condition
  if ('change' in condition) return condition.change
  return 'usage' in condition ? condition.usage : null
}
