import type {
  AlertState,
  ChangeCondition,
  Condition,
  EventCondition,
  LeafCondition,
  MetricCondition,
  ProductDocument,
  ReadingValue,
  RuleDocument,
  UsageCondition,
} from '#contracts'
import { durationMs } from '#platform'
import { maxGapMs } from '../reporting.ts'

/**
 * What a rule means, written down once more and slowly: every question is answered from all the
 * samples of the device in true order, with no state carried along. O(n²) and more; for tests.
 */
export interface ReferenceSample {
  atMs: number
  values: Readonly<Record<string, ReadingValue>>
}

export interface ReferenceEpisode {
  startedAtMs: number
  resolvedAtMs: number | null
}

export interface ReferenceResult {
  state: AlertState
  episodes: ReferenceEpisode[]
}

/** The device: what its calendar conditions go by. Its home is in Shanghai, eight hours ahead all year. */
export interface ReferenceDevice {
  installedAtMs: number | null
  /** When the rule first looks at the calendar. */
  fromMs: number
}

/** The version of a rule before this one decided up to `atMs`; this one watched from the first sample on (T19). */
export interface ReferenceEdit {
  /** Device time of the switch. */
  atMs: number
  /** As of then, by the version before. */
  before: readonly ReferenceEpisode[]
}

interface World {
  rule: RuleDocument
  product: ProductDocument
  device: ReferenceDevice
  samples: readonly ReferenceSample[]
  nowMs: number
  /** What each leaf has said, once found out: an answer does not depend on what came later. */
  said: Map<LeafCondition, readonly Said[]>
}

type Truth = true | false | null

/** An interval in which the condition is known to be the same; `to` belongs to it unless a moment ends it there. */
interface Run {
  truth: boolean
  from: number
  to: number
  endedByMoment: boolean
}

/** State and episodes at `nowMs`, no sample after it having been taken. */
export function referenceEvaluate(
  rule: RuleDocument,
  product: ProductDocument,
  unordered: readonly ReferenceSample[],
  nowMs: number,
  device: ReferenceDevice = { installedAtMs: null, fromMs: Number.NEGATIVE_INFINITY },
  edit: ReferenceEdit | null = null,
): ReferenceResult {
  const samples = inOrder(unordered).filter((sample) => sample.atMs <= nowMs)
  const world: World = { rule, product, device, samples, nowMs, said: new Map() }
  const moments = momentsOf(world, nowMs)
  const forMs = durationMs(rule.for ?? '') ?? 0
  const keepMs = durationMs(rule.keep ?? '') ?? 0
  const latched = rule.latch === 'until-serviced'
  let episodes: ReferenceEpisode[] = []
  let state = 'inactive' as AlertState

  /** What a run of truth does, known up to `knownMs`. Asked again with more known, it goes on from there. */
  const live = (run: Run, knownMs: number): void => {
    const lasts = (holdMs: number): boolean =>
      holdMs === 0 || (run.endedByMoment ? run.from + holdMs < run.to : run.from + holdMs <= run.to)
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
          if (!latched) episodes.at(-1)!.resolvedAtMs = run.from + keepMs
        }
      }
    }
    // A pending condition whose run broke off is dropped by the next moment that weighs it;
    // none after the run means that nothing has judged it yet.
    if (state === 'pending' && run.to < knownMs && moments.some((moment) => moment > run.to && moment <= knownMs))
      state = 'inactive'
  }

  /** The episode that stands goes on unless the condition was last said to be false; what was over by itself never was. */
  const takeOver = ({ atMs, before }: ReferenceEdit): void => {
    const isOpen = state !== 'inactive' && state !== 'pending'
    const opened = state === 'firing' ? episodes.at(-1)! : null
    const standing = before.at(-1)?.resolvedAtMs === null ? before.at(-1)! : null
    const lastMs = moments.findLast((moment) => moment <= atMs)
    const said = lastMs === undefined ? null : truthAt(rule.when, world, lastMs)
    episodes = before.map((episode) => ({ ...episode }))
    if (standing === null) {
      if (opened) episodes.push(opened)
      else if (isOpen) state = 'inactive'
    } else if (said === false) {
      episodes.at(-1)!.resolvedAtMs = atMs
      if (isOpen) state = 'inactive'
    } else if (!isOpen) state = 'firing'
  }

  let waits = edit !== null && edit.atMs <= nowMs ? edit : null
  for (const run of runs(world, moments, nowMs)) {
    // What a moment at the switch says is said before it.
    const isOn = waits !== null && (run.to > waits.atMs || (run.to === waits.atMs && !run.endedByMoment))
    if (waits && isOn) {
      if (run.from <= waits.atMs) live({ ...run, to: waits.atMs, endedByMoment: false }, waits.atMs)
      takeOver(waits)
      waits = null
    }
    live(run, waits?.atMs ?? nowMs)
  }
  if (waits) {
    takeOver(waits)
    const endedMs = runs(world, moments, waits.atMs).at(-1)?.to ?? nowMs
    if (state === 'pending' && moments.some((moment) => moment > endedMs && moment <= nowMs)) state = 'inactive'
  }
  return { state, episodes }
}

/** Readings of one moment are one sample; the first value of a metric wins. */
function inOrder(samples: readonly ReferenceSample[]): ReferenceSample[] {
  const moments = new Map<number, Record<string, ReadingValue>>()
  for (const { atMs, values } of samples) moments.set(atMs, { ...values, ...moments.get(atMs) })
  return [...moments].sort(([a], [b]) => a - b).map(([atMs, values]) => ({ atMs, values }))
}

/** The metric a leaf reads; `null` for the calendar. */
function metricOf(leaf: LeafCondition): string | null {
  if ('change' in leaf) return leaf.change.metric
  if ('usage' in leaf) return leaf.usage.metric
  if ('event' in leaf) return leaf.event.metric
  if ('age' in leaf || 'season' in leaf) return null
  if ('noData' in leaf || 'anomaly' in leaf || 'forecast' in leaf || 'remaining' in leaf)
    throw new Error('the reference knows no silence and no models')
  return leaf.metric
}

function leavesOf(condition: Condition): LeafCondition[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  if ('not' in condition) return leavesOf(condition.not)
  return [condition]
}

/** The moments at which the condition is weighed: samples of its metrics, and when a leaf turns by time alone. */
function momentsOf(world: World, nowMs: number): number[] {
  const leaves = leavesOf(world.rule.when)
  const metrics = new Set(leaves.map(metricOf))
  const moments = new Set<number>()
  for (const { atMs, values } of world.samples)
    if (Object.keys(values).some((metric) => metrics.has(metric))) moments.add(atMs)
  for (const leaf of leaves) for (const turn of turnsOf(leaf, world, nowMs)) moments.add(turn)
  return [...moments].filter((moment) => moment <= nowMs).sort((a, b) => a - b)
}

const DAY_MS = 86_400_000
const SHANGHAI_MS = 8 * 3_600_000

function turnsOf(leaf: LeafCondition, world: World, nowMs: number): number[] {
  const { fromMs } = world.device
  if ('age' in leaf) return [fromMs, reachedMs(leaf.age.value as number, world.device)].filter((at) => at >= fromMs)
  if ('season' in leaf) {
    const turns = [fromMs]
    // Every midnight in Shanghai at which the answer changes.
    for (let at = Math.ceil((fromMs + SHANGHAI_MS) / DAY_MS) * DAY_MS - SHANGHAI_MS; at <= nowMs; at += DAY_MS)
      if (inSeason(leaf.season, at) !== inSeason(leaf.season, at - 1)) turns.push(at)
    return turns
  }
  // Each answer of these was asked for at a sample or by time.
  if ('event' in leaf || 'change' in leaf) return truthsOf(leaf, world, nowMs).map(({ atMs }) => atMs)
  return []
}

/** When an age is reached: at the next boundary of ticks. */
function reachedMs(days: number, { installedAtMs }: ReferenceDevice): number {
  return installedAtMs === null ? Number.NaN : Math.ceil((installedAtMs + days * DAY_MS) / 10_000) * 10_000
}

function inSeason({ from, to }: { from: string; to: string }, atMs: number): boolean {
  const today = `-${new Date(atMs + SHANGHAI_MS).toISOString().slice(4, 10)}`
  return from <= to ? from <= today && today <= to : from <= today || today <= to
}

/** Cuts time at every moment and wherever a leaf falls silent, and joins what is known and alike. */
function runs(world: World, moments: readonly number[], nowMs: number): Run[] {
  const leaves = leavesOf(world.rule.when)
  const cuts = new Set<number>(moments)
  // Just after the last moment at which a leaf still speaks.
  for (const leaf of leaves) for (const { untilMs } of truthsOf(leaf, world, nowMs)) cuts.add(untilMs + 1)
  const times = [...cuts].filter((cut) => cut <= nowMs && Number.isFinite(cut)).sort((a, b) => a - b)
  const found: Run[] = []
  times.forEach((from, i) => {
    const truth = truthAt(world.rule.when, world, from)
    const next = times[i + 1]
    const byMoment = next !== undefined && moments.includes(next)
    // A leaf speaks up to and including its last moment, which lies one before the cut.
    const to = next === undefined ? nowMs : byMoment ? next : next - 1
    if (truth === null) return
    const last = found.at(-1)
    if (last && last.truth === truth && (last.to === from || last.to === from - 1)) {
      last.to = to
      last.endedByMoment = byMoment
    } else found.push({ truth, from, to, endedByMoment: byMoment })
  })
  return found
}

function truthAt(condition: Condition, world: World, atMs: number): Truth {
  if ('all' in condition) {
    const truths = condition.all.map((child) => truthAt(child, world, atMs))
    return truths.includes(false) ? false : truths.includes(null) ? null : true
  }
  if ('any' in condition) {
    const truths = condition.any.map((child) => truthAt(child, world, atMs))
    return truths.includes(true) ? true : truths.includes(null) ? null : false
  }
  if ('not' in condition) {
    const truth = truthAt(condition.not, world, atMs)
    return truth === null ? null : !truth
  }
  const newest = truthsOf(condition, world, atMs).at(-1)
  return newest && atMs <= newest.untilMs ? newest.truth : null
}

/** What a leaf said at one moment, and until when. */
interface Said {
  atMs: number
  truth: Truth
  untilMs: number
}

/** Everything a leaf has said up to `atMs`, in order. */
function truthsOf(leaf: LeafCondition, world: World, atMs: number): readonly Said[] {
  const known = world.said.get(leaf) ?? everythingSaid(leaf, world, world.nowMs)
  world.said.set(leaf, known)
  return known.filter((said) => said.atMs <= atMs)
}

function everythingSaid(leaf: LeafCondition, world: World, atMs: number): Said[] {
  if ('age' in leaf || 'season' in leaf) return calendarTruths(leaf, world, atMs)
  const metric = metricOf(leaf)!
  const samples = world.samples.filter((sample) => sample.atMs <= atMs && sample.values[metric] !== undefined)
  if ('event' in leaf) return eventTruths(leaf, samples, world, atMs)
  if ('change' in leaf) return changeTruths(leaf, samples, world, atMs)
  const said: Said[] = []
  samples.forEach((sample, i) => {
    const upTo = samples.slice(0, i + 1)
    const compared = 'usage' in leaf ? leaf.usage : (leaf as MetricCondition)
    const value = 'usage' in leaf ? used(leaf, upTo, world.product) : reduced(leaf as MetricCondition, upTo)
    const gapMs = speaksMs(metric, world.product)
    const window = 'metric' in leaf && leaf.window ? durationMs(leaf.window)! : Number.POSITIVE_INFINITY
    const truth = weighed(compared, value, said.at(-1)?.truth ?? null)
    said.push({ atMs: sample.atMs, truth, untilMs: sample.atMs + Math.min(gapMs, window) })
  })
  return said
}

/** A threshold with its band: in it, as it was said before. */
function weighed(
  { op, value, clear }: Pick<MetricCondition, 'op' | 'value' | 'clear'>,
  number: number | null,
  before: Truth,
): Truth {
  if (number === null) return null
  if (passes(op, number, value as number)) return true
  return passes(op, number, (clear ?? value) as number) ? before : false
}

function calendarTruths(
  leaf: Extract<LeafCondition, { age: unknown } | { season: unknown }>,
  world: World,
  atMs: number,
): Said[] {
  return turnsAndSamples(leaf, world, atMs).map((at) => {
    if ('season' in leaf) return { atMs: at, truth: inSeason(leaf.season, at), untilMs: Number.POSITIVE_INFINITY }
    const reached = reachedMs(leaf.age.value as number, world.device)
    const truth = Number.isNaN(reached) ? null : leaf.age.op.startsWith('>') ? at >= reached : at < reached
    return { atMs: at, truth, untilMs: Number.POSITIVE_INFINITY }
  })
}

/** The calendar is first looked at by a tick, or by a sample that comes before it. */
function turnsAndSamples(leaf: LeafCondition, world: World, atMs: number): number[] {
  return [...turnsOf(leaf, world, atMs), ...world.samples.map((sample) => sample.atMs)]
    .filter((at) => at <= atMs)
    .sort((a, b) => a - b)
}

/** The times at which something happened: it became so, or was reported so. */
function eventsOf({ event }: EventCondition, all: readonly ReferenceSample[]): number[] {
  const samples = all.filter((sample) => sample.values[event.metric] !== undefined)
  const is = (i: number): boolean => i >= 0 && samples[i]!.values[event.metric] === event.equals
  return samples.flatMap(({ atMs }, i) => (is(i) && (event.each === 'report' || !is(i - 1)) ? [atMs] : []))
}

function eventTruths(leaf: EventCondition, samples: readonly ReferenceSample[], world: World, atMs: number): Said[] {
  const { count, clear = count, window, metric } = leaf.event
  const windowMs = durationMs(window)!
  const happened = eventsOf(leaf, samples)
  const said: Said[] = []
  const asked = [...samples.map((sample) => sample.atMs), ...happened.map((at) => at + windowMs)]
  for (const at of [...new Set(asked)].filter((moment) => moment <= atMs).sort((a, b) => a - b)) {
    const newest = samples.findLast((sample) => sample.atMs <= at)!
    const number = happened.filter((time) => time <= at && time > at - windowMs).length
    const before = said.at(-1)?.truth ?? null
    const truth = number >= count ? true : number < clear ? false : before
    const isSample = newest.atMs === at
    // Between samples it is asked only when it may have become too few.
    if (!isSample && (before === false || truth === before)) continue
    said.push({ atMs: at, truth, untilMs: newest.atMs + speaksMs(metric, world.product) })
  }
  return said
}

/** The newest value less the one that stood so long before; on devices that report on change, asked as time passes. */
function changeTruths(
  { change }: ChangeCondition,
  samples: readonly ReferenceSample[],
  world: World,
  atMs: number,
): Said[] {
  const overMs = durationMs(change.over)!
  const gapMs = speaksMs(change.metric, world.product)
  const number = (sample: ReferenceSample): number => Number(sample.values[change.metric])
  const asked = samples.map((sample) => sample.atMs)
  if (world.product.reporting?.mode === 'onChange')
    for (const sample of samples) {
      const at = sample.atMs + overMs
      const newest = samples.findLast((other) => other.atMs < at)!
      if (at <= newest.atMs + gapMs) asked.push(at)
    }
  const said: Said[] = []
  for (const at of [...new Set(asked)].filter((moment) => moment <= atMs).sort((a, b) => a - b)) {
    const newest = samples.findLast((sample) => sample.atMs <= at)!
    const standing = samples.findLast((sample) => sample.atMs <= at - overMs)
    const changed = standing ? number(newest) - number(standing) : null
    const untilMs = standing ? Math.min(newest.atMs, standing.atMs + overMs) + gapMs : at
    said.push({ atMs: at, truth: weighed(change, changed, said.at(-1)?.truth ?? null), untilMs })
  }
  return said
}

/** What a counter has counted, seen from all its readings. */
function used({ usage }: UsageCondition, samples: readonly ReferenceSample[], product: ProductDocument): number {
  const range = product.metrics.find((metric) => metric.key === usage.metric)!.max ?? Number.POSITIVE_INFINITY
  const perDay = usage.perDayMax ?? Number.POSITIVE_INFINITY
  let total = 0
  /** Readings that stand: one that has only sagged keeps the value before. */
  const seen: { atMs: number; value: number; fall: { from: number; counted: number } | null }[] = []
  for (const sample of samples) {
    const value = Number(sample.values[usage.metric])
    const last = seen.at(-1)
    const stand = (kept: number, fall: { from: number; counted: number } | null = null): void => {
      seen.push({ atMs: sample.atMs, value: kept, fall })
    }
    const allowed = (grown: number): number =>
      grown > (perDay / DAY_MS) * (sample.atMs - (last?.atMs ?? 0)) + perDay / 24 ? 0 : grown
    if (!last) {
      total = value
      stand(value)
    } else if (value >= last.value) {
      const hiccup = last.fall !== null && value >= last.fall.from
      if (hiccup) total -= last.fall!.counted
      total += allowed(value - (hiccup ? last.fall!.from : last.value))
      stand(value)
    } else if (last.value - value <= 0.01 * last.value) stand(last.value)
    else if (last.value >= 0.9 * range && value <= 0.1 * range) {
      total += allowed(range - last.value + value)
      stand(value)
    } else {
      const counted = allowed(value)
      total += counted
      stand(value, counted === value ? { from: last.value, counted } : null)
    }
  }
  return total
}

/** The value compared: the newest, or the aggregate of the samples in (t − window, t]. */
function reduced(leaf: MetricCondition, samples: readonly ReferenceSample[]): number | null {
  const newest = samples.at(-1)!
  if (!leaf.window || !leaf.agg) return Number(newest.values[leaf.metric])
  const windowMs = durationMs(leaf.window)!
  const values = samples
    .filter((sample) => sample.atMs > newest.atMs - windowMs)
    .map((sample) => Number(sample.values[leaf.metric]))
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

function speaksMs(key: string, product: ProductDocument): number {
  return maxGapMs(product, product.metrics.find((metric) => metric.key === key)!)
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
