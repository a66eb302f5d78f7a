import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import type { AnomalyWatch } from './anomaly-watch.ts'
import type { EventTimes } from './event-times.ts'
import type { Place, SampleListener } from './instance-core.ts'
import {
  type AnomalyLeaf,
  type EventLeaf,
  LEAF_HIGH_SINCE,
  LEAF_LASTS_UNTIL,
  LEAF_NEXT,
  LEAF_TRUTH,
  LEAF_UNTIL,
  LEAF_VALUE,
  LEAF_WAS,
  type Leaf,
  type RemainingLeaf,
  type UsageLeaf,
} from './leaf.ts'
import type { PartCourse } from './part-course.ts'
import { compare } from './truth.ts'
import { lookAtCalendar } from './turning.ts'
import { meter } from './usage-meter.ts'
import { weigh, weighChange, weighEvents, weighForecast, weighRemaining } from './weigh.ts'

/** What a sample says to a leaf that is no plain comparison of a metric. */
export function readOtherLeaf(
  place: Place,
  leaf: Exclude<Leaf, { kind: 'metric' }>,
  row: readonly number[],
  rowAt: number,
  atMs: number,
  listener: SampleListener,
): void {
  const { core, offset } = place
  const at = offset + leaf.at
  if (leaf.kind === 'age' || leaf.kind === 'season') {
    // Usually it was looked at before; the first sample may come before the first tick.
    if (core[at + LEAF_TRUTH] === UNKNOWN || core[at + LEAF_NEXT]! <= atMs) lookAtCalendar(place, leaf, atMs)
    return
  }
  if (leaf.kind === 'remaining') {
    readRemaining(place, leaf, row, rowAt, atMs)
    return
  }
  const value = leaf.column < 0 ? 1 : row[rowAt + leaf.column]!
  if (Number.isNaN(value)) return
  switch (leaf.kind) {
    case 'noData':
      // A reading ends the silence; ticks notice that there is one.
      core[at + LEAF_TRUTH] = FALSE
      core[at + LEAF_UNTIL] = Number.POSITIVE_INFINITY
      core[at + LEAF_VALUE] = atMs
      return
    case 'change':
      weighChange(place, leaf, atMs, listener, value)
      return
    case 'usage':
      readUsage(place, leaf, value, atMs)
      return
    case 'anomaly':
      readAnomaly(place, leaf, value, atMs)
      return
    case 'forecast':
      weighForecast(place, leaf, value, atMs)
      return
    case 'event':
      readEvent(place, leaf, value, atMs)
  }
}

function readRemaining(place: Place, leaf: RemainingLeaf, row: readonly number[], rowAt: number, atMs: number): void {
  const { core, offset, limits, windows, lives } = place
  const at = offset + leaf.at
  let level = row[rowAt + leaf.column]!
  const counter = leaf.counterColumn < 0 ? Number.NaN : row[rowAt + leaf.counterColumn]!
  if (Number.isNaN(level) && Number.isNaN(counter)) return
  for (const { column, op, value } of leaf.conditions) if (!compare(op, row[rowAt + column]!, value)) level = Number.NaN
  const course = windows[leaf.window] as PartCourse
  if (course.add(atMs, level, counter, limits[leaf.limitAt + 1]!))
    core[at + LEAF_LASTS_UNTIL] = course.outlastsUntilMs(lives.get(leaf.component)?.life ?? null, leaf.confidence)
  core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
  weighRemaining(place, leaf, atMs)
}

function readUsage(place: Place, leaf: UsageLeaf, value: number, atMs: number): void {
  const { core, offset } = place
  const at = offset + leaf.at
  meter(core, at, leaf, value, atMs)
  core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
  const used = core[at + LEAF_VALUE]!
  if (Number.isNaN(used)) core[at + LEAF_TRUTH] = UNKNOWN
  else weigh(place, leaf, used)
}

/** The score of the newest whole point, and whether it has stood at the limit long enough. */
function readAnomaly({ core, offset, limits, windows }: Place, leaf: AnomalyLeaf, value: number, atMs: number): void {
  const at = offset + leaf.at
  core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
  const said = (windows[leaf.window] as AnomalyWatch).add(atMs, value)
  if (said !== undefined) core[at + LEAF_VALUE] = said?.score ?? Number.NaN
  const score = core[at + LEAF_VALUE]!
  const high = score >= limits[leaf.limitAt]!
  const since = core[at + LEAF_HIGH_SINCE]!
  if (!high) core[at + LEAF_HIGH_SINCE] = Number.NaN
  else if (Number.isNaN(since)) core[at + LEAF_HIGH_SINCE] = atMs
  if (Number.isNaN(score)) core[at + LEAF_TRUTH] = UNKNOWN
  else core[at + LEAF_TRUTH] = high && atMs - core[at + LEAF_HIGH_SINCE]! >= leaf.forMs ? TRUE : FALSE
}

function readEvent(place: Place, leaf: EventLeaf, value: number, atMs: number): void {
  const { core, offset, windows } = place
  const at = offset + leaf.at
  const times = windows[leaf.window] as EventTimes
  const is = value === leaf.equals
  if (is && (leaf.eachReport || core[at + LEAF_WAS] !== 1)) times.add(atMs)
  core[at + LEAF_WAS] = is ? 1 : 0
  core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
  weighEvents(place, leaf, atMs)
}
