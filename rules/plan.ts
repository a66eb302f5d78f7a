import type { EpisodeSubject, RuleDocument, Severity, Value } from '#contracts'
import type { HoldTimes } from './alert-clock.ts'
import type { TreeNode } from './condition-tree.ts'
import type { Leaf, MetricLeaf, TurningLeaf } from './leaf.ts'

/** A limit that is a parameter, and where it stands among the limits. */
export interface ParameterLimit {
  index: number
  key: string
  ruleDefault: number | null
}

/** A limit that is an age: the moment it is reached depends on the device. */
export interface AgeLimit {
  /** Where the moment stands among the limits; behind it the moment age is counted from. */
  index: number
  sinceService: boolean
  /** Whose service; that of the plan when left out. */
  component?: string
}

/**
 * A rule made ready for one product: names are columns, durations milliseconds, defaults are
 * applied. Shared by all devices of the product; never changes.
 */
export interface Plan extends HoldTimes {
  ruleKey: string
  subject: EpisodeSubject | 'recovery'
  component: string
  /** `hub` when silence is part of the condition: silence is about arrival, so all of it is judged by arrival. */
  axis: 'event' | 'hub'
  leaves: readonly Leaf[]
  /** The same, apart: comparisons of metrics, and all others. */
  comparisons: readonly MetricLeaf[]
  others: readonly Exclude<Leaf, MetricLeaf>[]
  /** The one plain comparison that is all of the condition, without levels; `null` for any other. */
  alone: MetricLeaf | null
  /** Those that change by time alone. */
  turning: readonly TurningLeaf[]
  root: TreeNode
  /** Levels above the first: each a life of its own at `at`. */
  levels: readonly { at: number }[]
  /** Of the condition itself, then of each level. */
  severities: readonly Severity[]
  levelTimes: HoldTimes
  /** Value and clear of each leaf, then of each level; `NaN` for a parameter. */
  limits: readonly number[]
  parameters: readonly ParameterLimit[]
  ages: readonly AgeLimit[]
  /** Numbers an instance needs. */
  length: number
  windows: number
  /** One bit per column it reads; columns from 31 on share the last. */
  columnMask: number
  columns: readonly number[]
  /** Where the value stands whose worst is kept, and which side is bad; −1 when there is none. */
  peakAt: number
  peakSide: -1 | 0 | 1
  resolveOnSilence: boolean
  /** Silence of the device after which `resolveOnSilence` acts. */
  noDataAfterMs: number
  rule: RuleDocument | null
}

export function isParameter(value: Value | undefined): value is Exclude<Value, number> {
  return typeof value === 'object'
}
