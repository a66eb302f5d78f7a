import type { Metric, ProductDocument } from '#contracts'
import { durationMs } from '#platform'

/** How far behind the newest reading a late one may lie and still be put in its place (T13). */
const LATENESS_MS = 15 * 60_000
/** Below a minute a single lost packet would count as a gap. */
const GAP_MS_MIN = 60_000
/** Intervals that may be missed before truth is unknown, or the device is silent. */
export const MISSED_INTERVALS = 3

/** What a product's reporting contract means for conditions. `Infinity`: nothing was promised, so nothing is missed. */
export interface ReportingTimes {
  latenessMs: number
  /** Silence longer than this is no-data (T11). */
  noDataAfterMs: number
  onChange: boolean
}

export function reportingTimes({ reporting }: ProductDocument): ReportingTimes {
  const batchMs = durationMs(reporting?.batchEvery ?? '') ?? 0
  const latenessMs = Math.max(LATENESS_MS, 2 * batchMs)
  if (!reporting) return { latenessMs, noDataAfterMs: Number.POSITIVE_INFINITY, onChange: false }
  const onChange = reporting.mode === 'onChange'
  const everyMs = durationMs((onChange ? reporting.heartbeat : reporting.every) ?? '')
  const noDataAfterMs = everyMs ? Math.max(MISSED_INTERVALS * everyMs, 2 * batchMs) : Number.POSITIVE_INFINITY
  return { latenessMs, noDataAfterMs, onChange }
}

/** How long a sample of this metric speaks: maxGap. A metric's own interval stands before the product's. */
export function maxGapMs(product: ProductDocument, metric: Metric): number {
  const { reporting } = product
  const shared = reporting && (reporting.mode === 'onChange' ? reporting.heartbeat : reporting.every)
  const everyMs = durationMs(metric.expectedEvery ?? shared ?? '')
  return everyMs ? Math.max(GAP_MS_MIN, MISSED_INTERVALS * everyMs) : Number.POSITIVE_INFINITY
}
