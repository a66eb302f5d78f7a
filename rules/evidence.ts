import type { Comparison, Evidence } from '#contracts'
import { TRUTH } from './alert-clock.ts'
import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import { leavesBehind } from './condition-tree.ts'
import type { Instance } from './instance.ts'
import { PEAK } from './instance-core.ts'
import type { KeptSamples } from './kept-samples.ts'
import { LEAF_VALUE, type MetricLeaf } from './leaf.ts'
import { compare, type Truth } from './truth.ts'

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
  return plan.leaves.flatMap((leaf, i): Evidence[] => {
    const said = behind === null ? UNKNOWN : behind.get(leaf.at)
    if (said === undefined) return []
    if (leaf.kind === 'noData') {
      const op = said === FALSE ? '<=' : '>'
      return [{ metric: 'silence', value: null, op, limit: leaf.forMs / 1_000, unit: 's', sinceMs, series: [] }]
    }
    const { value, limit } = compared(instance, leaf, i, said)
    return [
      {
        metric: leaf.metric,
        value: Number.isFinite(value) ? value : null,
        op: said === FALSE ? OPPOSITE[leaf.op] : leaf.op,
        limit: Number.isFinite(limit) ? limit : null,
        unit: leaf.unit,
        sinceMs,
        series: recent(kept, leaf.column),
      },
    ]
  })
}

/**
 * The value (of its window, where it has one) and the limit that make the leaf's answer plain. One that holds only
 * because it has not yet cleared shows the worst value since the condition began, or else the
 * limit of clearing, which is then what it was compared with.
 */
function compared(
  { plan, core, offset, limits }: Instance,
  leaf: MetricLeaf,
  i: number,
  said: Truth,
): { value: number; limit: number } {
  const value = core[offset + leaf.at + LEAF_VALUE]!
  const limit = limits[2 * i]!
  if (said !== TRUE || compare(leaf.op, value, limit)) return { value, limit }
  const worst = core[offset + PEAK]!
  if (plan.peakAt === leaf.at + LEAF_VALUE && compare(leaf.op, worst, limit)) return { value: worst, limit }
  return { value, limit: limits[2 * i + 1]! }
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
