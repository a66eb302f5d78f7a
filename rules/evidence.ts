import type { Comparison, Evidence } from '#contracts'
import { TRUTH } from './alert-clock.ts'
import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import { leavesBehind } from './condition-tree.ts'
import type { Instance } from './instance.ts'
import { PEAK } from './instance-core.ts'
import type { KeptSamples } from './kept-samples.ts'
import { type ComparedLeaf, LEAF_VALUE, type Leaf } from './leaf.ts'
import { lifeForecast, trendForecast } from './look-ahead.ts'
import { compare, type Truth } from './truth.ts'

/** The metric of a leaf that compares what is left of a part. */
const REMAINING_LIFE = 'remaining_life'

/** Points of the chart in an offer or a packet: enough to see a rise, small enough for a row. */
const SERIES_MAX = 48

/** What holds when a comparison does not. */
const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  '>': '<=',
  '>=': '<',
  '<': '>=',
  '<=': '>',
  '==': '!=',
  '!=': '==',
}

/**
 * What the condition saw, with the recent readings of each metric: the leaves that speak for its
 * answer, each as a comparison that is true. While nothing is known, every leaf as it stands. Only
 * the end of a verification may speak of a condition that does not hold.
 */
export function evidenceOf(instance: Instance, kept: KeptSamples, sinceMs: number): Evidence[] {
  const { plan, core, offset } = instance
  const truth = core[offset + TRUTH] as Truth
  const speaks = truth === TRUE || (truth === FALSE && instance.watch !== null)
  const behind = speaks ? leavesBehind(plan.root, truth, core, offset) : null
  return plan.leaves.flatMap((leaf): Evidence[] => {
    const said = behind === null ? UNKNOWN : behind.get(leaf.at)
    return said === undefined ? [] : [leafEvidence(instance, kept, leaf, said, sinceMs)]
  })
}

function leafEvidence(instance: Instance, kept: KeptSamples, leaf: Leaf, said: Truth, sinceMs: number): Evidence {
  const { core, offset, limits } = instance
  const value = core[offset + leaf.at + LEAF_VALUE]!
  switch (leaf.kind) {
    case 'noData':
      return { ...bare('silence', sinceMs), op: said === FALSE ? '<=' : '>', limit: leaf.forMs / 1_000, unit: 's' }
    case 'season':
      return { ...bare('season', sinceMs), op: said === FALSE ? '!=' : '==', unit: '1' }
    case 'age': {
      const days = (limits[leaf.limitAt]! - limits[leaf.limitAt + 1]!) / DAY_MS
      const old = compare(leaf.op, value, days) ? value : Math.max(value, days)
      const op = said === FALSE ? OPPOSITE[leaf.op] : leaf.op
      return { ...bare('age', sinceMs), value: finite(old), op, limit: finite(days), unit: 'd' }
    }
    case 'event': {
      const series = leaf.isText ? [] : recent(kept, leaf.column)
      const limit = limits[leaf.limitAt + (said === TRUE && value < limits[leaf.limitAt]! ? 1 : 0)]!
      return { metric: leaf.metric, value, op: said === FALSE ? '<' : '>=', limit, unit: '1', sinceMs, series }
    }
    case 'forecast': {
      const op = said === FALSE ? '>' : '<='
      const series = recent(kept, leaf.column)
      // What holds although the date has moved a little further off shows the limit it was within.
      const days = said === TRUE ? Math.min(value, leaf.withinDays) : value
      const foreseen = trendForecast(instance, leaf)
      return {
        ...{ metric: leaf.metric, value: finite(days), op, limit: leaf.withinDays, unit: 'd', sinceMs, series },
        ...(foreseen ? { forecast: foreseen } : {}),
      }
    }
    case 'remaining': {
      const op = said === FALSE ? '>=' : '<'
      const series = recent(kept, leaf.column)
      // What holds although the days have become a few more shows the limit it was below.
      const days = said === TRUE ? Math.min(value, leaf.belowDays * ALMOST) : value
      const foreseen = lifeForecast(instance, leaf)
      return {
        ...{ metric: REMAINING_LIFE, value: finite(days), op, limit: leaf.belowDays, unit: 'd', sinceMs, series },
        ...(foreseen ? { forecast: foreseen } : {}),
      }
    }
    case 'anomaly': {
      const series = recent(kept, leaf.column)
      const limit = finite(limits[leaf.limitAt]!)
      const op = said === FALSE ? '<' : '>='
      return { metric: leaf.metric, value: finite(value), op, limit, unit: 'score', sinceMs, series }
    }
    default: {
      const { value: told, limit } = compared(instance, leaf, said)
      return {
        metric: leaf.metric,
        value: finite(told),
        op: said === FALSE ? OPPOSITE[leaf.op] : leaf.op,
        limit: finite(limit),
        unit: leaf.unit,
        sinceMs,
        series: recent(kept, leaf.column),
      }
    }
  }
}

const DAY_MS = 86_400_000
/** So that a number shown as below its limit is. */
const ALMOST = 1 - 1e-9

function bare(metric: string, sinceMs: number): Omit<Evidence, 'op'> {
  return { metric, value: null, limit: null, unit: '1', sinceMs, series: [] }
}

function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null
}

/**
 * The value (of its window, where it has one) and the limit that make the leaf's answer plain. One that holds only
 * because it has not yet cleared shows the worst value since the condition began, or else the
 * limit of clearing, which is then what it was compared with.
 */
function compared(
  { plan, core, offset, limits }: Instance,
  leaf: ComparedLeaf,
  said: Truth,
): { value: number; limit: number } {
  const value = core[offset + leaf.at + LEAF_VALUE]!
  const limit = limits[leaf.limitAt]!
  if (said !== TRUE || compare(leaf.op, value, limit)) return { value, limit }
  const worst = core[offset + PEAK]!
  if (plan.peakAt === leaf.at + LEAF_VALUE && compare(leaf.op, worst, limit)) return { value: worst, limit }
  return { value, limit: limits[leaf.limitAt + 1]! }
}

function recent({ rows, stride, width }: KeptSamples, column: number): [number, number][] {
  const series: [number, number][] = []
  if (column >= width) return series
  for (let at = rows.length - stride; at >= 0 && series.length < SERIES_MAX; at -= stride) {
    const value = rows[at + 1 + column]!
    if (!Number.isNaN(value)) series.push([rows[at]!, value])
  }
  return series.reverse()
}
