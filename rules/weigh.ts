import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import type { ChangeTrail } from './change-trail.ts'
import type { EventTimes } from './event-times.ts'
import type { ForecastTrail } from './forecast-trail.ts'
import type { Place, SampleListener } from './instance-core.ts'
import {
  type ChangeLeaf,
  type EventLeaf,
  type ForecastLeaf,
  LEAF_LASTS_UNTIL,
  LEAF_NEXT,
  LEAF_TRUTH,
  LEAF_UNTIL,
  LEAF_VALUE,
  type RemainingLeaf,
  type UsageLeaf,
} from './leaf.ts'
import { compare } from './truth.ts'

/**
 * The change as of `atMs`: known as long as the newest value speaks, and as the one it is compared with still spoke
 * when the span began.
 *
 * @param newest a value that came at this moment
 */
export function weighChange(
  place: Place,
  leaf: ChangeLeaf,
  atMs: number,
  listener: SampleListener,
  newest: number | null = null,
): void {
  const { core, offset, windows } = place
  const at = offset + leaf.at
  const trail = windows[leaf.window] as ChangeTrail
  if (newest !== null) trail.add(atMs, newest)
  const spokenMs = trail.newestMs() + leaf.speaksMs
  const standing = trail.standingAt(atMs)
  const changed = trail.newest() - standing.value
  const nextMs = leaf.turns ? trail.nextTurnMs(atMs) : Number.POSITIVE_INFINITY
  core[at + LEAF_NEXT] = nextMs <= spokenMs ? nextMs : Number.POSITIVE_INFINITY
  core[at + LEAF_VALUE] = changed
  if (Number.isNaN(changed)) {
    core[at + LEAF_TRUTH] = UNKNOWN
    core[at + LEAF_UNTIL] = atMs
    return
  }
  core[at + LEAF_UNTIL] = Math.min(spokenMs, standing.sinceMs + leaf.speaksMs + leaf.overMs)
  if (Number.isFinite(changed)) weigh(place, leaf, changed)
  else {
    listener.failed(`the change of ${leaf.metric} is not a finite number`)
    core[at + LEAF_TRUTH] = UNKNOWN
  }
}

/** Counts what lies in the window as of `atMs`, and says when time alone makes it too few. */
export function weighEvents({ core, offset, limits, windows }: Place, leaf: EventLeaf, atMs: number): void {
  const at = offset + leaf.at
  const times = windows[leaf.window] as EventTimes
  const count = times.countAt(atMs)
  const enough = limits[leaf.limitAt]!
  const few = limits[leaf.limitAt + 1]!
  core[at + LEAF_VALUE] = count
  if (count >= enough) core[at + LEAF_TRUTH] = TRUE
  else if (count < few) core[at + LEAF_TRUTH] = FALSE
  core[at + LEAF_NEXT] = core[at + LEAF_TRUTH] === FALSE ? Number.POSITIVE_INFINITY : times.fewerThanMs(few)
}

/** A forecast that holds clears only when the date has moved this much further off: a day's dust moves dates. */
const CLEARS_AT = 1.2

/**
 * The days until the limit is reached, and whether they are few enough. Unknown until there are days enough to see a
 * trend; a trend that leads away, or too far off to tell, is no: nothing is due within.
 */
export function weighForecast(
  { core, offset, limits, windows }: Place,
  leaf: ForecastLeaf,
  value: number,
  atMs: number,
): void {
  const at = offset + leaf.at
  const trail = windows[leaf.window] as ForecastTrail
  trail.add(atMs, value)
  const days = trail.daysUntil(limits[leaf.limitAt]!, atMs, leaf.confidence)
  core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
  core[at + LEAF_VALUE] = days
  if (Number.isNaN(days)) core[at + LEAF_TRUTH] = UNKNOWN
  else if (days <= leaf.withinDays) core[at + LEAF_TRUTH] = TRUE
  else if (days > CLEARS_AT * leaf.withinDays || core[at + LEAF_TRUTH] === UNKNOWN) core[at + LEAF_TRUTH] = FALSE
}

/** Whether what is left of a part at `atMs` is little enough. Unknown until there is a course and a fleet to compare it with. */
export function weighRemaining({ core, offset }: Place, leaf: RemainingLeaf, atMs: number): void {
  const at = offset + leaf.at
  const days = Math.max(0, (core[at + LEAF_LASTS_UNTIL]! - atMs) / DAY_MS)
  core[at + LEAF_VALUE] = days
  if (Number.isNaN(days)) core[at + LEAF_TRUTH] = UNKNOWN
  else if (days < leaf.belowDays) core[at + LEAF_TRUTH] = TRUE
  else if (days > CLEARS_AT * leaf.belowDays || core[at + LEAF_TRUTH] === UNKNOWN) core[at + LEAF_TRUTH] = FALSE
}

const DAY_MS = 86_400_000

/** Threshold with hysteresis: in the band, as before. */
export function weigh({ core, offset, limits }: Place, leaf: ChangeLeaf | UsageLeaf, value: number): void {
  const truthAt = offset + leaf.at + LEAF_TRUTH
  if (compare(leaf.op, value, limits[leaf.limitAt]!)) core[truthAt] = TRUE
  else if (!compare(leaf.op, value, limits[leaf.limitAt + 1]!)) core[truthAt] = FALSE
}
