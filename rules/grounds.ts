import type { Condition } from '#contracts'

/** `measured`: something was measured. `foreseen`: only a forecast says so. `calendar`: true of many appliances that are well. */
type Ground = 'measured' | 'foreseen' | 'calendar'

/**
 * Whether the condition can be true with nothing measured being wrong, because a forecast alone says so. Such a rule
 * makes an offer; it raises nothing critical and sends nobody unasked.
 */
export function restsOnForecast(condition: Condition): boolean {
  return groundOf(condition) === 'foreseen'
}

function groundOf(condition: Condition): Ground {
  if ('all' in condition) {
    const grounds = condition.all.map(groundOf)
    if (grounds.includes('measured')) return 'measured'
    return grounds.includes('foreseen') ? 'foreseen' : 'calendar'
  }
  if ('any' in condition) {
    const grounds = condition.any.map(groundOf)
    if (grounds.includes('foreseen')) return 'foreseen'
    return grounds.includes('calendar') ? 'calendar' : 'measured'
  }
  if ('not' in condition) return groundOf(condition.not)
  if ('forecast' in condition || 'remaining' in condition) return 'foreseen'
  return 'age' in condition || 'season' in condition ? 'calendar' : 'measured'
}
