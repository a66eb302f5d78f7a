import type { RuleMode, Severity } from '#contracts'
import { AnomalyWatch } from './anomaly-watch.ts'
import { ChangeTrail } from './change-trail.ts'
import { EventTimes } from './event-times.ts'
import { type FittedLives, NO_LIVES } from './fitted-lives.ts'
import { ForecastTrail } from './forecast-trail.ts'
import { AT, freshCore, type Place } from './instance-core.ts'
import type { AnomalyLeaf, ChangeLeaf, EventLeaf, ForecastLeaf, Leaf, MetricLeaf, RemainingLeaf } from './leaf.ts'
import { PartCourse } from './part-course.ts'
import type { Plan } from './plan.ts'
import { type KeptWindow, SampleWindow } from './sample-window.ts'

/** The open episode of an instance: who it is and what has been said about it. */
export interface OpenEpisode {
  id: string
  /** Event time; a late sample may move it, the id stays. */
  startedAtMs: number
  ruleVersion: number
  mode: RuleMode
  /** Index of the rule's severities, as announced. */
  level: number
  severity: Severity
  /** People have been told, or are about to be. */
  told: boolean
  acknowledged: boolean
  /** T9 so far. */
  wavered: number
  /** The component was serviced then; the first known-false answer before the deadline ends the episode (T26). */
  serviced: { atMs: number; deadlineMs: number } | null
}

/** What a repair is watched for: becomes `verification.ended`. */
export interface Watch {
  caseId: string
  attempt: number
  repairedAtMs: number
  /** Hub time. Moved once when the recovery has begun but not lasted long enough. */
  deadlineMs: number
  extended: boolean
  minReadings: number
  verified: boolean
  /** A part is claimed replaced: where the signal stood before, by metric. */
  before?: Readonly<Record<string, number>>
}

/** An episode that opened not long ago, ended or not. */
export interface Opening {
  episodeId: string
  /** Start as of the opening: part of the id. */
  namedStartMs: number
  /** Tells apart episodes of the same named start. */
  ordinal: number
  /** Which of the instance's openings it is, from 1. */
  number: number
  /** Event time at which it opened: a sample, or the end of its hold. */
  openedAtMs: number
  /** Start as known by now. */
  startedAtMs: number
  revised: boolean
}

/** Openings remembered per instance whatever their age: enough to see flapping. */
export const OPENINGS_KEPT = 6
/** Beside them all that a late sample can bring up again, each on two at least of the 96 samples kept. */
export const OPENINGS_KEPT_MAX = 48

/**
 * One rule on one component of one device; or the silence of the device; or a watch over a
 * repair. Its numbers live in arrays shared with the device's other instances, at `offset`:
 * `core` as of now, `checkpoint` as of the start of the kept samples.
 */
export class Instance implements Place {
  plan: Plan
  /** Version of the rule the plan is of. */
  version: number
  /** Names the control change that made it live: part of every episode's id. */
  activation: string
  limits: readonly number[]
  core: number[]
  checkpoint: number[]
  offset = 0
  zone = 'UTC'
  lives: FittedLives = NO_LIVES
  windows: readonly KeptWindow[]
  checkpointWindows: readonly KeptWindow[]
  episode: OpenEpisode | null = null
  /** Recent episodes in the order they opened. */
  openings: readonly Opening[] = NONE
  flapping = false
  /** The one notice of it has been given. */
  flappingTold = true
  /** Why it cannot be evaluated (T12); frozen meanwhile. */
  failure: string | null = null
  /** The next version of its rule, getting warm: decides nothing and tells nobody (T19). */
  warming = false
  watch: Watch | null = null

  constructor(plan: Plan, version: number, activation: string) {
    this.plan = plan
    this.version = version
    this.activation = activation
    this.limits = plan.limits
    this.core = freshCore(plan)
    this.checkpoint = freshCore(plan)
    this.windows = freshWindows(plan)
    this.checkpointWindows = freshWindows(plan)
  }

  /** Sorts and names the instance within its device. */
  get key(): string {
    return this.watch ? watchKey(this.watch.caseId) : instanceKey(this.plan, this.warming)
  }

  /** Nothing at or before this time can be put among its samples any more. */
  get closedUntilMs(): number {
    return this.checkpoint[this.offset + AT]!
  }

  /**
   * Makes the present the checkpoint. After a change from outside (service, dismissal, another
   * limit) samples from before it no longer have a say.
   */
  settle(watermarkMs: number): void {
    for (let i = 0; i < this.plan.length; i++) this.checkpoint[this.offset + i] = this.core[this.offset + i]!
    this.checkpoint[this.offset + AT] = Math.max(watermarkMs, this.core[this.offset + AT]!)
    this.checkpointWindows = cloneWindows(this.windows)
  }
}

const NONE: readonly Opening[] = []

export function instanceKey(plan: Plan, warming: boolean): string {
  return `${plan.ruleKey} ${plan.subject}${warming ? ' next' : ''}`
}

/** Watches stand after all rules, whose keys start with a letter. */
function watchKey(caseId: string): string {
  return `~ ${caseId}`
}

/** Shared by the many instances that have none. */
const NO_WINDOWS: readonly KeptWindow[] = []

export function cloneWindows(windows: readonly KeptWindow[]): readonly KeptWindow[] {
  return windows.length === 0 ? NO_WINDOWS : windows.map((window) => window.clone())
}

function freshWindows(plan: Plan): readonly KeptWindow[] {
  return plan.windows === 0 ? NO_WINDOWS : plan.leaves.flatMap((leaf) => windowOf(leaf, []) ?? [])
}

/** The window a leaf keeps, holding what was saved of it; `null` for a leaf that keeps none. */
export function windowOf(leaf: Leaf, saved: readonly number[]): KeptWindow | null {
  if (!keepsWindow(leaf)) return null
  if (leaf.kind === 'change') return new ChangeTrail(leaf.overMs, saved)
  if (leaf.kind === 'anomaly') return new AnomalyWatch(leaf.pointMs, saved)
  if (leaf.kind === 'event') return new EventTimes(leaf.windowMs, leaf.count, saved)
  if (leaf.kind === 'forecast') return new ForecastTrail(saved)
  if (leaf.kind === 'remaining') return new PartCourse(leaf.part, saved)
  return new SampleWindow(leaf.agg!, leaf.windowMs, saved)
}

/** Leaves that keep more of the past than a few numbers. */
type KeepingLeaf = MetricLeaf | ChangeLeaf | EventLeaf | AnomalyLeaf | ForecastLeaf | RemainingLeaf

export function keepsWindow(leaf: Leaf): leaf is KeepingLeaf {
  return (
    leaf.kind === 'change' ||
    leaf.kind === 'event' ||
    leaf.kind === 'anomaly' ||
    leaf.kind === 'forecast' ||
    leaf.kind === 'remaining' ||
    (leaf.kind === 'metric' && leaf.agg !== null)
  )
}

/** Moves instances into arrays of their own device, one behind the other. */
export function shareArrays(instances: readonly Instance[]): void {
  const core: number[] = []
  const checkpoint: number[] = []
  const offsets: number[] = []
  for (const instance of instances) {
    offsets.push(core.length)
    for (let i = 0; i < instance.plan.length; i++) {
      core.push(instance.core[instance.offset + i]!)
      checkpoint.push(instance.checkpoint[instance.offset + i]!)
    }
  }
  instances.forEach((instance, i) => {
    instance.core = core
    instance.checkpoint = checkpoint
    instance.offset = offsets[i]!
  })
}
