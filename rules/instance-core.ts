import {
  afterSample,
  beforeSample,
  endHold,
  freshLife,
  holdEndsAt,
  LIFE_LENGTH,
  type Listener,
  NOBODY,
  STATE,
  TRUTH,
  UNTIL,
} from './alert-clock.ts'
import { FALSE, INACTIVE, isOpen, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import { knownUntil, truthAt } from './condition-tree.ts'
import type { FittedLives } from './fitted-lives.ts'
import {
  hasTurns,
  isCompared,
  LEAF_NEXT,
  LEAF_TRUTH,
  LEAF_UNTIL,
  LEAF_VALUE,
  type MetricLeaf,
  type NoDataLeaf,
} from './leaf.ts'
import type { Plan } from './plan.ts'
import { readOtherLeaf } from './read-leaf.ts'
import type { KeptWindow, SampleWindow } from './sample-window.ts'
import { compare, type Truth } from './truth.ts'
import { nextTurnMs, turnLeaves } from './turning.ts'

/**
 * The part of an instance that samples and time alone decide, as plain numbers in an array its
 * device shares out: copied, checkpointed and run again (T13) without knowing what they mean.
 * First the life of the condition, then these, then the leaves, then a life per further level.
 * Times are event time, or hub time where the plan says so.
 */
/** Newest sample applied; in a checkpoint, nothing at or before this can be put in any more. */
export const AT = LIFE_LENGTH
/** Worst value since the condition became true. */
export const PEAK = LIFE_LENGTH + 1
/** Event time at which time, not a sample, last changed the state: an earlier sample contradicts it. */
export const DECIDED = LIFE_LENGTH + 2
/** Samples applied. */
export const SAMPLES = LIFE_LENGTH + 3
export const CORE_LENGTH = LIFE_LENGTH + 4

/** Where an instance's numbers are, and what turns them. */
export interface Place {
  readonly plan: Plan
  /** Value and clear of each leaf, then of each further level. */
  limits: readonly number[]
  core: number[]
  offset: number
  windows: readonly KeptWindow[]
  /** IANA zone of the home: whose calendar counts. */
  zone: string
  /** What the fleet has taught of the product's components, by key. */
  lives: FittedLives
}

export interface SampleListener extends Listener {
  /** An aggregate came out that is no number (T12). */
  failed(detail: string): void
}

export function freshCore(plan: Plan): number[] {
  const core: number[] = []
  // A number that is no small integer first: the array then keeps plain doubles from the start.
  for (let i = 0; i < plan.length; i++) core.push(Number.NaN)
  freshLife(core, 0)
  core[AT] = Number.NEGATIVE_INFINITY
  core[DECIDED] = Number.NEGATIVE_INFINITY
  core[SAMPLES] = 0
  for (const leaf of plan.leaves) {
    core[leaf.at + LEAF_UNTIL] = Number.NEGATIVE_INFINITY
    core[leaf.at + LEAF_TRUTH] = UNKNOWN
    // Whether a change turns with time is the product's to say, and it may say otherwise one day.
    if (hasTurns(leaf)) core[leaf.at + LEAF_NEXT] = Number.POSITIVE_INFINITY
  }
  for (const level of plan.levels) freshLife(core, level.at)
  return core
}

/**
 * Applies a sample taken at `atMs`.
 *
 * @param row values by column starting at `rowAt`, `NaN` where the message has none
 */
export function applySample(
  place: Place,
  row: readonly number[],
  rowAt: number,
  atMs: number,
  listener: SampleListener,
): void {
  if (staysHealthy(place, row, rowAt, atMs)) return
  const turns = place.plan.turning.length > 0
  if (turns) passTurns(place, atMs - 1, listener)
  before(place, atMs, listener)
  readLeaves(place, row, rowAt, atMs, listener)
  // Leaves this sample says nothing to may turn at its very moment.
  if (turns) turnLeaves(place, atMs, listener)
  place.core[place.offset + AT] = atMs
  const samplesAt = place.offset + SAMPLES
  place.core[samplesAt] = place.core[samplesAt]! + 1
  conclude(place, atMs, listener)
}

/**
 * The way nearly every reading takes: an inactive instance of one plain comparison that stays known-false. Writes the
 * numbers the long way would write; whatever else it is goes that way.
 */
function staysHealthy(
  { plan, limits, core, offset }: Place,
  row: readonly number[],
  rowAt: number,
  atMs: number,
): boolean {
  const leaf = plan.alone
  if (leaf === null || core[offset + STATE] !== INACTIVE) return false
  const value = row[rowAt + leaf.column]!
  if (Number.isNaN(value)) return false
  if (compare(leaf.op, value, limits[leaf.limitAt + 1]!) || compare(leaf.op, value, limits[leaf.limitAt]!)) return false
  const at = offset + leaf.at
  const untilMs = atMs + leaf.speaksMs
  core[at + LEAF_VALUE] = value
  core[at + LEAF_UNTIL] = untilMs
  core[at + LEAF_TRUTH] = FALSE
  core[offset + TRUTH] = FALSE
  core[offset + UNTIL] = untilMs
  core[offset + PEAK] = Number.NaN
  core[offset + AT] = atMs
  core[offset + SAMPLES] = core[offset + SAMPLES]! + 1
  return true
}

/**
 * Looks at the clock of a condition about silence (hub time): a leaf whose metric has been
 * quiet for longer than it allows becomes true at this boundary.
 *
 * @param notBeforeMs silence counts from here at the earliest: when the hub itself was away
 */
export function noticeSilence(place: Place, boundaryMs: number, notBeforeMs: number, listener: SampleListener): void {
  const { plan, core, offset } = place
  if (!plan.leaves.some((leaf) => leaf.kind === 'noData' && falls(leaf))) return
  before(place, boundaryMs, listener)
  core[offset + AT] = boundaryMs
  for (const leaf of plan.leaves) {
    if (leaf.kind !== 'noData' || !falls(leaf)) continue
    core[offset + leaf.at + LEAF_TRUTH] = TRUE
    core[offset + leaf.at + LEAF_UNTIL] = Number.POSITIVE_INFINITY
  }
  conclude(place, boundaryMs, listener)

  function falls(leaf: NoDataLeaf): boolean {
    const at = offset + leaf.at
    return core[at + LEAF_TRUTH] !== TRUE && boundaryMs - Math.max(core[at + LEAF_VALUE]!, notBeforeMs) > leaf.forMs
  }
}

/** When the next leaf about silence could become true: the moment that must be exceeded. */
export function silenceEndsAt({ plan, core, offset }: Place, notBeforeMs: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const leaf of plan.leaves) {
    if (leaf.kind !== 'noData' || core[offset + leaf.at + LEAF_TRUTH] === TRUE) continue
    next = Math.min(next, Math.max(core[offset + leaf.at + LEAF_VALUE]!, notBeforeMs) + leaf.forMs)
  }
  return next
}

function before({ plan, core, offset }: Place, atMs: number, listener: Listener): void {
  beforeSample(core, offset, plan, atMs, listener)
  const { levels } = plan
  for (let k = 0; k < levels.length; k++) beforeSample(core, offset + levels[k]!.at, plan.levelTimes, atMs, NOBODY)
}

/** Begins a life at `atMs` with what its leaves say already, as if a sample had said it. */
export function beginWith(place: Place, atMs: number, listener: Listener): void {
  place.core[place.offset + AT] = atMs
  conclude(place, atMs, listener)
}

/** Weighs the leaves and takes the steps that follow. */
function conclude(place: Place, atMs: number, listener: Listener): void {
  const { plan, core, offset } = place
  const { levels } = plan
  const truth = truthAt(plan.root, core, offset, atMs)
  const untilMs = truth === UNKNOWN ? atMs : knownUntil(plan.root, truth, core, offset, atMs)
  if (core[offset + STATE] === INACTIVE) core[offset + PEAK] = Number.NaN
  if (truth === TRUE || core[offset + STATE] !== INACTIVE) notePeak(plan, core, offset)

  for (let k = 0; k < levels.length; k++) {
    const levelTruth = truth === UNKNOWN ? UNKNOWN : levelTruthOf(place, k)
    afterSample(core, offset + levels[k]!.at, plan.levelTimes, levelTruth, untilMs, atMs, NOBODY)
  }
  // Last, so that an episode opens with the severity that holds.
  afterSample(core, offset, plan, truth, untilMs, atMs, listener)
}

/**
 * Takes the turns up to `toMs` in their order: moments at which a leaf changes by time alone. Each is like a sample
 * that has no values, so that a life stays a function of samples and event time, however often somebody looks.
 */
function passTurns(place: Place, toMs: number, listener: SampleListener): number {
  let last = Number.NEGATIVE_INFINITY
  for (let turnMs = nextTurnMs(place); turnMs <= toMs; turnMs = nextTurnMs(place)) {
    before(place, turnMs, listener)
    turnLeaves(place, turnMs, listener)
    conclude(place, turnMs, listener)
    last = turnMs
  }
  return last
}

/** Weighs the leaves anew after a change from outside, without a step of the life. Returns what the condition says. */
export function reweigh({ plan, core, offset }: Place, atMs: number): Truth {
  const truth = truthAt(plan.root, core, offset, atMs)
  core[offset + TRUTH] = truth
  core[offset + UNTIL] = truth === UNKNOWN ? atMs : knownUntil(plan.root, truth, core, offset, atMs)
  return truth
}

/**
 * Lets time pass to `toMs`, no sample having come: a leaf may turn, and a hold may end while truth is still
 * known (T3, T10).
 */
export function passTime(place: Place, toMs: number, listener: SampleListener): void {
  const { plan, core, offset } = place
  const { levels } = plan
  if (plan.turning.length > 0)
    core[offset + DECIDED] = Math.max(core[offset + DECIDED]!, passTurns(place, toMs, listener))
  for (let k = 0; k < levels.length; k++) {
    const at = offset + levels[k]!.at
    const endsAt = holdEndsAt(core, at, plan.levelTimes)
    if (endsAt > toMs) continue
    core[offset + DECIDED] = Math.max(core[offset + DECIDED]!, endsAt)
    endHold(core, at, plan.levelTimes, endsAt, NOBODY)
  }
  const endsAt = holdEndsAt(core, offset, plan)
  if (endsAt > toMs) return
  core[offset + DECIDED] = Math.max(core[offset + DECIDED]!, endsAt)
  endHold(core, offset, plan, endsAt, listener)
}

/** The next moment at which time alone changes something; `Infinity` when nothing is running. */
export function nextByTime(place: Place): number {
  const { plan, core, offset } = place
  let next = holdEndsAt(core, offset, plan)
  if (plan.turning.length > 0) next = Math.min(next, nextTurnMs(place))
  for (const level of plan.levels) next = Math.min(next, holdEndsAt(core, offset + level.at, plan.levelTimes))
  return next
}

/** How many levels above the first hold now: an index of the rule's severities. */
export function levelHeld({ plan, core, offset }: Place): number {
  for (let k = plan.levels.length; k > 0; k--) if (isOpen(core[offset + plan.levels[k - 1]!.at + STATE]!)) return k
  return 0
}

function readLeaves(place: Place, row: readonly number[], rowAt: number, atMs: number, listener: SampleListener): void {
  const { plan, limits, core, offset } = place
  const { comparisons, others } = plan
  // Apart, because nearly every leaf is one of these and its path is the one every reading takes.
  for (let i = 0; i < comparisons.length; i++) {
    const leaf = comparisons[i]!
    const value = row[rowAt + leaf.column]!
    if (Number.isNaN(value)) continue
    const at = offset + leaf.at
    if (leaf.window >= 0) readWindow(place, leaf, value, atMs, listener)
    else {
      core[at + LEAF_VALUE] = value
      core[at + LEAF_UNTIL] = atMs + leaf.speaksMs
      if (compare(leaf.op, value, limits[leaf.limitAt]!)) core[at + LEAF_TRUTH] = TRUE
      else if (!compare(leaf.op, value, limits[leaf.limitAt + 1]!)) core[at + LEAF_TRUTH] = FALSE
    }
  }
  for (let i = 0; i < others.length; i++) readOtherLeaf(place, others[i]!, row, rowAt, atMs, listener)
}

function readWindow(place: Place, leaf: MetricLeaf, newest: number, atMs: number, listener: SampleListener): void {
  const window = place.windows[leaf.window]! as SampleWindow
  window.add(atMs, newest)
  weighWindow(place, leaf, atMs + leaf.speaksMs, listener)
}

/** What a window says as it is, and until when. */
export function weighWindow(
  { limits, core, offset, windows }: Place,
  leaf: MetricLeaf,
  untilMs: number,
  listener: SampleListener,
): void {
  const at = offset + leaf.at
  const window = windows[leaf.window]! as SampleWindow
  const value = window.value()
  core[at + LEAF_VALUE] = value
  core[at + LEAF_UNTIL] = untilMs
  let speaks = window.count() >= leaf.atLeast && !Number.isNaN(value)
  if (speaks && !Number.isFinite(value)) {
    listener.failed(`the ${leaf.agg} of ${leaf.metric} over the window is not a finite number`)
    speaks = false
  }
  if (!speaks) core[at + LEAF_TRUTH] = UNKNOWN
  else if (compare(leaf.op, value, limits[leaf.limitAt]!)) core[at + LEAF_TRUTH] = TRUE
  else if (!compare(leaf.op, value, limits[leaf.limitAt + 1]!)) core[at + LEAF_TRUTH] = FALSE
}

function levelTruthOf({ plan, limits, core, offset }: Place, k: number): Truth {
  const leaf = plan.leaves[0]!
  if (!isCompared(leaf)) return UNKNOWN
  const value = core[offset + leaf.at + LEAF_VALUE]!
  const limitAt = 2 * (plan.leaves.length + k)
  if (compare(leaf.op, value, limits[limitAt]!)) return TRUE
  return compare(leaf.op, value, limits[limitAt + 1]!) ? (core[offset + plan.levels[k]!.at + TRUTH]! as Truth) : FALSE
}

function notePeak(plan: Plan, core: number[], offset: number): void {
  const value = core[offset + plan.peakAt]!
  const peak = core[offset + PEAK]!
  if (plan.peakAt < 0 || Number.isNaN(value)) return
  if (Number.isNaN(peak) || (plan.peakSide > 0 ? value > peak : plan.peakSide < 0 ? value < peak : true))
    core[offset + PEAK] = value
}
