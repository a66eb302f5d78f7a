import { TRUTH } from './alert-clock.ts'
import { FALSE } from './alert-lifecycle.ts'
import { leavesBehind } from './condition-tree.ts'
import type { Instance } from './instance.ts'
import type { KeptSamples } from './kept-samples.ts'
import { LEAF_VALUE, type MetricLeaf } from './leaf.ts'
import type { Plan } from './plan.ts'
import type { Truth } from './truth.ts'

/**
 * Whether a part that is claimed replaced shows in the signal. A new part moves the signal
 * towards its recovery even where it does not reach it; a part that was never fitted leaves it
 * where the wear had brought it.
 */

/**
 * Share of the way from where the signal stood to its recovery limit that counts as a step. A new
 * part of the wrong kind or worn in within the window still goes further; what a fan, a load or the weather
 * does to a mean of many readings does not.
 */
const STEP_SHARE = 0.25

/**
 * Where each metric of the recovery stood before the repair: as the case knows it (a device is
 * often tried out before the repair is reported, so its last readings may be of the new part already), else the
 * mean of what is kept from before. Metrics nobody knows of are left out.
 */
export function levelsBefore(
  plan: Plan,
  kept: KeptSamples,
  repairedAtMs: number,
  told: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const levels: Record<string, number> = {}
  for (const leaf of plan.leaves) {
    if (leaf.kind !== 'metric') continue
    const level = told[leaf.metric] ?? meanOf(kept, leaf.column, Number.NEGATIVE_INFINITY, repairedAtMs)
    if (Number.isFinite(level)) levels[leaf.metric] = level
  }
  return levels
}

/**
 * Of a recovery that is known-false now: `false` when every metric behind that answer stands
 * where it stood before, `true` when one has moved, `null` when there is nothing to compare.
 */
export function partShows(
  instance: Instance,
  kept: KeptSamples,
  before: Readonly<Record<string, number>>,
  repairedAtMs: number,
): boolean | null {
  const { plan, core, offset } = instance
  if (core[offset + TRUTH] !== FALSE) return null
  const behind = leavesBehind(plan.root, FALSE, core, offset)
  let answer: boolean | null = null
  for (const [index, leaf] of plan.leaves.entries()) {
    const said = behind.get(leaf.at)
    if (leaf.kind !== 'metric' || said === undefined) continue
    const stood = before[leaf.metric]
    const stands = levelNow(instance, leaf, kept, repairedAtMs)
    if (stood === undefined || stands === null) continue
    const moved = hasMoved(leaf, said, { stood, stands, limit: instance.limits[2 * index]! })
    if (moved === true) return true
    answer ??= moved
  }
  return answer
}

function hasMoved(
  leaf: MetricLeaf,
  said: Truth,
  level: { stood: number; stands: number; limit: number },
): boolean | null {
  if (leaf.op === '==' || leaf.op === '!=') return level.stands !== level.stood
  // What would make the answer another one: downwards for a `<` that is false, or a `>` that is true under a `not`.
  const wantsLess = leaf.op.startsWith('<') === (said === FALSE)
  const sign = wantsLess ? 1 : -1
  const way = sign * (level.stood - level.limit)
  // It stood on the good side before: nothing to measure a step by.
  if (!(way > 0)) return null
  return sign * (level.stood - level.stands) >= STEP_SHARE * way
}

/** The window's value where the leaf has one, else the mean of the readings kept from after the repair. */
function levelNow(instance: Instance, leaf: MetricLeaf, kept: KeptSamples, repairedAtMs: number): number | null {
  // A number of happenings, or their sum, has no level of its own before and after.
  if (leaf.agg === 'count' || leaf.agg === 'sum') return null
  const latest = instance.core[instance.offset + leaf.at + LEAF_VALUE]!
  const level =
    leaf.agg !== null
      ? latest
      : meanOf(kept, leaf.column, Math.max(repairedAtMs, kept.startMs), Number.POSITIVE_INFINITY)
  if (Number.isFinite(level)) return level
  return Number.isFinite(latest) ? latest : null
}

/** Mean of a column over readings later than `fromMs`, not later than `toMs`; `NaN` when there are none. */
function meanOf({ rows, stride, width }: KeptSamples, column: number, fromMs: number, toMs: number): number {
  if (column >= width) return Number.NaN
  let sum = 0
  let count = 0
  for (let at = 0; at < rows.length; at += stride) {
    const value = rows[at + 1 + column]!
    if (rows[at]! <= fromMs || rows[at]! > toMs || Number.isNaN(value)) continue
    sum += value
    count++
  }
  return count === 0 ? Number.NaN : sum / count
}
