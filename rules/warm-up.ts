import type { Condition, LeafCondition, RuleDocument } from '#contracts'
import { durationMs } from '#platform'

/**
 * How long a version of a rule must have watched before it may decide (T19): until its windows are
 * full and its `for` could have passed. 0 for a rule that judges by the newest sample.
 *
 * @param before the version that decides until then, whose windows of the same samples are taken over
 */
export function warmUpMs(rule: RuleDocument, before?: RuleDocument): number {
  const known = before?.component === rule.component ? leavesOf(before.when).map(lookBackOf) : []
  const waits = leavesOf(rule.when).map((leaf) => {
    const lookBack = lookBackOf(leaf)
    return lookBack !== null && known.includes(lookBack) ? 0 : windowMs(leaf)
  })
  return Math.max(...waits) + (durationMs(rule.for ?? '') ?? 0)
}

function leavesOf(condition: Condition): LeafCondition[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  if ('not' in condition) return leavesOf(condition.not)
  return [condition]
}

/** What a leaf keeps of the past, in words that are equal for equal windows; `null` for a leaf that keeps none. */
function lookBackOf(leaf: LeafCondition): string | null {
  if ('change' in leaf) return JSON.stringify(['change', leaf.change.metric, durationMs(leaf.change.over)])
  if ('event' in leaf) {
    const { metric, equals, each, window, count } = leaf.event
    return JSON.stringify(['event', metric, equals, each === 'report', durationMs(window), count])
  }
  if ('forecast' in leaf) return JSON.stringify(['forecast', leaf.forecast.metric])
  if ('remaining' in leaf) return JSON.stringify(['remaining', leaf.remaining.component])
  // How long a score has stood at another limit nobody has watched; the calendar, counters and silence wait for nothing.
  if (!('metric' in leaf) || leaf.agg === undefined) return null
  return JSON.stringify([leaf.metric, leaf.agg, durationMs(leaf.window ?? '')])
}

/** Five days make a course, and one more closes the fifth; the version before hands its own on. */
const REMAINING_WARM_UP_MS = 6 * 86_400_000
/** Ten days make a trend; one more closes the tenth. Until then the version before decides. */
const FORECAST_WARM_UP_MS = 11 * 86_400_000

function windowMs(condition: LeafCondition): number {
  if ('noData' in condition) return durationMs(condition.noData.for) ?? 0
  if ('change' in condition) return durationMs(condition.change.over) ?? 0
  if ('event' in condition) return durationMs(condition.event.window) ?? 0
  // A model knows a course after days; nobody waits for that.
  if ('forecast' in condition) return FORECAST_WARM_UP_MS
  if ('remaining' in condition) return REMAINING_WARM_UP_MS
  if ('anomaly' in condition) return durationMs(condition.anomaly.for ?? '') ?? 0
  // Counters are taken over from the version before; the calendar needs no past.
  if ('usage' in condition || 'age' in condition || 'season' in condition) return 0
  return durationMs(condition.window ?? '') ?? 0
}
