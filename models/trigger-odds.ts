/** One occurrence of a trigger: what was known at that moment, and whether the component failed soon after. */
export interface TriggerCase {
  /** Named circumstances, each a class: component age in months, hour of day, other errors of the day. */
  circumstances: Readonly<Record<string, string>>
  failed: boolean
}

/** How much each circumstance speaks for a failure. Plain, for a versioned model. */
export interface TriggerOdds {
  base: number
  /** By circumstance and class: logarithm of how much more often it is seen before failures. */
  evidence: Record<string, Record<string, number>>
  /** Score at which an alert is worth it. */
  threshold: number
}

/** Cases of each sort imagined for every class, so that what was never seen is doubted, not excluded. */
const IMAGINED = 1
/** Share of past failures an alert must keep: a missed failure costs more than a second look. */
const RECALL_KEPT = 0.95

/**
 * Whether an error code is worth an alert this time, from what its past occurrences came to: "error 1 means a failing
 * valve when the valve is older than a month, and hardly ever when it is new".
 * Naive Bayes with add-one smoothing (Hastie et al., "Elements of Statistical Learning", 6.6.3): circumstances are taken as
 * independent, which ranks well even where it is not true. The threshold keeps {@link RECALL_KEPT} of the failures it
 * learned from. O(cases · circumstances). Null without both a failure and a false alarm to learn from.
 */
export function fitTriggerOdds(cases: readonly TriggerCase[]): TriggerOdds | null {
  const failures = cases.filter(({ failed }) => failed)
  const others = cases.length - failures.length
  if (failures.length === 0 || others === 0) return null
  const counts: Record<string, Record<string, { failed: number; other: number }>> = {}
  for (const { circumstances, failed } of cases)
    for (const [name, kind] of Object.entries(circumstances)) {
      const seen = ((counts[name] ??= {})[kind] ??= { failed: 0, other: 0 })
      seen[failed ? 'failed' : 'other'] += 1
    }
  const evidence = Object.fromEntries(
    Object.entries(counts).map(([name, kinds]) => {
      const classes = Object.keys(kinds).length * IMAGINED
      const rate = (seen: number, all: number) => (seen + IMAGINED) / (all + classes)
      const logs = Object.entries(kinds).map(([kind, seen]) => {
        return [kind, Math.log(rate(seen.failed, failures.length) / rate(seen.other, others))] as const
      })
      return [name, Object.fromEntries(logs)]
    }),
  )
  const odds = { base: Math.log(failures.length / others), evidence, threshold: 0 }
  const scores = failures.map(({ circumstances }) => triggerScore(odds, circumstances)).sort((a, b) => a - b)
  return { ...odds, threshold: scores[Math.floor((1 - RECALL_KEPT) * scores.length)]! }
}

/** Log odds that the component fails soon, here and now. A class never seen says nothing. */
export function triggerScore({ base, evidence }: TriggerOdds, circumstances: Readonly<Record<string, string>>): number {
  return Object.entries(circumstances).reduce((sum, [name, kind]) => sum + (evidence[name]?.[kind] ?? 0), base)
}
