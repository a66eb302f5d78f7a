import type { Condition, RuleDocument } from '#contracts'
import { durationMs } from '#platform'

/**
 * How long a version of a rule must have watched before it may decide (T19): until its windows are
 * full and its `for` could have passed. 0 for a rule that judges by the newest sample.
 */
export function warmUpMs(rule: RuleDocument): number {
  return windowMs(rule.when) + (durationMs(rule.for ?? '') ?? 0)
}

/** Five days make a course, and one more closes the fifth; the version before hands its own on. */
const REMAINING_WARM_UP_MS = 6 * 86_400_000
/** Ten days make a trend; one more closes the tenth. Until then the version before decides. */
const FORECAST_WARM_UP_MS = 11 * 86_400_000

function windowMs(condition: Condition): number {
  if ('all' in condition) return Math.max(...condition.all.map(windowMs))
  if ('any' in condition) return Math.max(...condition.any.map(windowMs))
  if ('not' in condition) return windowMs(condition.not)
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
