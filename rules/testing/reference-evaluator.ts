import type { AlertState, Condition, MetricCondition, ProductDocument, RuleDocument } from '#contracts'
import { durationMs } from '#platform'
import { maxGapMs } from '../reporting.ts'

/**
 * What a rule means, written down once more and slowly: every question is answered from all the
 * samples of the device in true order, with no state carried along. O(n²) and more; for tests.
 */
export interface ReferenceSample {
  atMs: number
  values: Readonly<Record<string, number>>
}

export interface ReferenceEpisode {
  startedAtMs: number
  resolvedAtMs: number | null
}

export interface ReferenceResult {
  state: AlertState
  episodes: ReferenceEpisode[]
}

type Truth = true | false | null

/** An interval in which the condition is known to be the same; `to` belongs to it unless a sample ends it there. */
interface Run {
  truth: boolean
  from: number
  to: number
  endedBySample: boolean
}

/** State and episodes at `nowMs`, no sample after it having been taken. */
export function referenceEvaluate(
  rule: RuleDocument,
  product: ProductDocument,
  unordered: readonly ReferenceSample[],
  nowMs: number,
): ReferenceResult {
  const samples = inOrder(unordered).filter((sample) => sample.atMs <= nowMs)
  const forMs = durationMs(rule.for ?? '') ?? 0
  const keepMs = durationMs(rule.keep ?? '') ?? 0
  const latched = rule.latch === 'until-serviced'
  const episodes: ReferenceEpisode[] = []
  let state: AlertState = 'inactive'
  for (const run of runs(rule.when, product, samples, nowMs)) {
    const lasts = (holdMs: number): boolean =>
      holdMs === 0 || (run.endedBySample ? run.from + holdMs < run.to : run.from + holdMs <= run.to)
    const open = episodes.at(-1)
    if (run.truth) {
      if (state === 'inactive' || state === 'pending') {
        state = lasts(forMs) ? 'firing' : 'pending'
        if (state === 'firing') episodes.push({ startedAtMs: run.from, resolvedAtMs: null })
      } else if (state === 'recovering') state = 'firing'
      else if (state === 'cleared-latched' && lasts(forMs)) state = 'firing'
    } else {
      if (state === 'pending') state = 'inactive'
      else if (state === 'firing' || state === 'recovering') {
        state = 'recovering'
        if (lasts(keepMs)) {
          state = latched ? 'cleared-latched' : 'inactive'
          if (!latched) open!.resolvedAtMs = run.from + keepMs
        }
      }
    }
    // A pending condition whose run broke off is dropped by the next sample that knows anything;
    // no sample after the run means that nothing has judged it yet.
    if (
      state === 'pending' &&
      run.to < nowMs &&
      samples.some((sample) => sample.atMs > run.to && concerns(rule.when, sample))
    )
      state = 'inactive'
  }
  return { state, episodes }
}

/** Readings of one moment are one sample; the first value of a metric wins. */
function inOrder(samples: readonly ReferenceSample[]): ReferenceSample[] {
  const moments = new Map<number, Record<string, number>>()
  for (const { atMs, values } of samples) moments.set(atMs, { ...values, ...moments.get(atMs) })
  return [...moments].sort(([a], [b]) => a - b).map(([atMs, values]) => ({ atMs, values }))
}

function concerns(condition: Condition, sample: ReferenceSample): boolean {
  return leavesOf(condition).some((leaf) => sample.values[leaf.metric] !== undefined)
}

function leavesOf(condition: Condition): MetricCondition[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  if ('not' in condition) return leavesOf(condition.not)
  if ('noData' in condition) throw new Error('the reference knows no conditions about silence')
  return [condition]
}

/** Cuts time at every sample and at every moment a leaf falls silent, and joins what is known and alike. */
function runs(
  condition: Condition,
  product: ProductDocument,
  samples: readonly ReferenceSample[],
  nowMs: number,
): Run[] {
  const leaves = leavesOf(condition)
  const cuts = new Set<number>()
  for (const sample of samples) {
    if (!concerns(condition, sample)) continue
    cuts.add(sample.atMs)
    // Just after the last moment at which a leaf still speaks.
    for (const leaf of leaves) cuts.add(sample.atMs + speaksMs(leaf, product) + 1)
  }
  const times = [...cuts].filter((cut) => cut <= nowMs && Number.isFinite(cut)).sort((a, b) => a - b)
  const found: Run[] = []
  times.forEach((from, i) => {
    const truth = truthAt(condition, product, samples, from)
    const next = times[i + 1]
    const bySample = next !== undefined && samples.some((sample) => sample.atMs === next && concerns(condition, sample))
    // A leaf speaks up to and including its last moment, which lies one before the cut.
    const to = next === undefined ? nowMs : bySample ? next : next - 1
    if (truth === null) return
    const last = found.at(-1)
    if (last && last.truth === truth && (last.to === from || last.to === from - 1)) {
      last.to = to
      last.endedBySample = bySample
    } else found.push({ truth, from, to, endedBySample: bySample })
  })
  return found
}

function truthAt(
  condition: Condition,
  product: ProductDocument,
  samples: readonly ReferenceSample[],
  atMs: number,
): Truth {
  if ('all' in condition) {
    const truths = condition.all.map((child) => truthAt(child, product, samples, atMs))
    return truths.includes(false) ? false : truths.includes(null) ? null : true
  }
  if ('any' in condition) {
    const truths = condition.any.map((child) => truthAt(child, product, samples, atMs))
    return truths.includes(true) ? true : truths.includes(null) ? null : false
  }
  if ('not' in condition) {
    const truth = truthAt(condition.not, product, samples, atMs)
    return truth === null ? null : !truth
  }
  if ('noData' in condition) throw new Error('the reference knows no conditions about silence')
  return leafAt(condition, product, samples, atMs)
}

function leafAt(leaf: MetricCondition, product: ProductDocument, all: readonly ReferenceSample[], atMs: number): Truth {
  const samples = all.filter((sample) => sample.atMs <= atMs && sample.values[leaf.metric] !== undefined)
  const newest = samples.at(-1)
  if (!newest || atMs > newest.atMs + speaksMs(leaf, product)) return null
  const value = reduced(leaf, samples)
  if (value === null) return null
  if (passes(leaf.op, value, leaf.value as number)) return true
  if (!passes(leaf.op, value, (leaf.clear ?? leaf.value) as number)) return false
  // In the band: as it was at the sample before, however long ago that was.
  const before = samples.at(-2)
  return before ? leafAt(leaf, product, all, before.atMs) : null
}

/** The value compared: the newest, or the aggregate of the samples in (t − window, t]. */
function reduced(leaf: MetricCondition, samples: readonly ReferenceSample[]): number | null {
  const newest = samples.at(-1)!
  if (!leaf.window || !leaf.agg) return newest.values[leaf.metric]!
  const windowMs = durationMs(leaf.window)!
  const values = samples
    .filter((sample) => sample.atMs > newest.atMs - windowMs)
    .map((sample) => sample.values[leaf.metric]!)
  if (values.length < (leaf.atLeast ?? (leaf.agg === 'stddev' ? 2 : 1))) return null
  const sum = values.reduce((total, value) => total + value, 0)
  switch (leaf.agg) {
    case 'last':
      return values.at(-1)!
    case 'count':
      return values.length
    case 'sum':
      return sum
    case 'mean':
      return sum / values.length
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'stddev': {
      const mean = sum / values.length
      return Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - 1))
    }
  }
}

function speaksMs(leaf: MetricCondition, product: ProductDocument): number {
  const metric = product.metrics.find((candidate) => candidate.key === leaf.metric)!
  const gapMs = maxGapMs(product, metric)
  return leaf.window ? Math.min(gapMs, durationMs(leaf.window)!) : gapMs
}

function passes(op: MetricCondition['op'], value: number, limit: number): boolean {
  switch (op) {
    case '>':
      return value > limit
    case '>=':
      return value >= limit
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    case '==':
      return value === limit
    case '!=':
      return value !== limit
  }
}
