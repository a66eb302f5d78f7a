import type { Evidence } from '#contracts'
import type { Instance } from './instance.ts'
import type { KeptSamples } from './kept-samples.ts'
import { LEAF_VALUE } from './leaf.ts'

/** Points of the chart in an offer or a packet: enough to see a rise, small enough for a row. */
const SERIES_MAX = 48

/** What the condition saw, leaf by leaf, with the recent readings of each metric. */
export function evidenceOf(instance: Instance, kept: KeptSamples, sinceMs: number): Evidence[] {
  const { plan, core, offset, limits } = instance
  return plan.leaves.map((leaf, i) => {
    const value = core[offset + leaf.at + LEAF_VALUE]!
    if (leaf.kind === 'noData')
      return { metric: 'silence', value: null, limit: leaf.forMs / 1_000, unit: 's', sinceMs, series: [] }
    const limit = limits[2 * i]!
    return {
      metric: leaf.metric,
      value: Number.isFinite(value) ? value : null,
      limit: Number.isFinite(limit) ? limit : null,
      unit: leaf.unit,
      sinceMs,
      series: recent(kept, leaf.column),
    }
  })
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
