import { STATE, TRUTH } from './alert-clock.ts'
import { FALSE, isOpen } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { resolveLimits } from './device-rules.ts'
import type { Instance } from './instance.ts'
import { reweigh } from './instance-core.ts'
import type { KeptSamples } from './kept-samples.ts'
import { LEAF_LAST, LEAF_VALUE, type UsageLeaf } from './leaf.ts'
import { closeInstance, resetStates } from './lifecycle-end.ts'
import { PartCourse } from './part-course.ts'
import { forgetLife, remainingLeaves } from './remaining-life.ts'
import type { Turn } from './turn.ts'
import { lookAtCalendar } from './turning.ts'
import { meter, restartMeter } from './usage-meter.ts'
import { verificationWindowMs } from './verification.ts'
import { warmUpMs } from './warm-up.ts'
import { weigh } from './weigh.ts'

/** The newest service of a component, with how counters stood then: rules enabled later count from here too. */
export interface Service {
  atMs: number
  counters: readonly [metric: string, value: number][]
}

/**
 * T26: a component was renewed or repaired. Alerts of it end as serviced when their condition is
 * known-false now; otherwise at the first known-false answer within the verification window, or within the
 * rule's own where that is longer. One that is known-true after that was not fixed and stays the episode it is. Windows begin anew: what was
 * measured before says nothing of the new part, also where it arrives only now. Usage and age since service
 * begin anew, which their conditions feel at once.
 */
export function markServiced(turn: Turn, device: Device, component: string, atMs: number): void {
  const verificationMs = verificationWindowMs(device, component)
  const servicedMs = Math.min(atMs, turn.atMs)
  const renewed = noteService(device, component, servicedMs)
  for (const instance of device.instances) {
    const { episode, core, offset } = instance
    if (renewed && !instance.watch) forgetLives(device, instance, component, servicedMs)
    if (instance.plan.component !== component) continue
    if (renewed && instance.failure === null && !instance.watch) beginAnew(turn, device, instance, servicedMs)
    if (instance.windows.length > 0 && !instance.watch) {
      for (const window of instance.windows) if (!(window instanceof PartCourse)) window.forget(servicedMs)
      instance.settle(Math.max(device.watermarkMs, servicedMs))
    }
    if (!episode) continue
    if (core[offset + TRUTH] === FALSE && device.knows(turn, instance))
      closeInstance(turn, device, instance, 'serviced')
    else episode.serviced = { atMs: servicedMs, deadlineMs: turn.atMs + Math.max(verificationMs, viewMs(instance)) }
  }
}

/** An air conditioner serviced in autumn runs again in summer. */
const REMAINING_VIEW_MS = 400 * 86_400_000

/** A window that began anew must fill before the condition can be known at all: its answer may take that long. */
function viewMs({ plan, windows }: Instance): number {
  // What is left of a new part is known after days of use, which a season may put off; until then nothing is said of it.
  if (remainingLeaves(plan).length > 0) return REMAINING_VIEW_MS
  return plan.rule !== null && windows.length > 0 ? warmUpMs(plan.rule) : 0
}

/** The courses of the part begin anew in every rule that asks for its life, whatever component the rule is about. */
function forgetLives(device: Device, instance: Instance, component: string, servicedMs: number): void {
  const leaves = remainingLeaves(instance.plan).filter((leaf) => leaf.component === component)
  if (leaves.length === 0) return
  for (const leaf of leaves) forgetLife(instance, leaf, servicedMs)
  resolveLimits(device, instance)
  instance.settle(Math.max(device.watermarkMs, servicedMs))
}

/** Notes the service, unless a later one is known already: several sources may tell of the same. */
function noteService(device: Device, component: string, atMs: number): boolean {
  const known = device.services.get(component)
  if (known && known.atMs >= atMs) return false
  const counters = new Map<string, number>()
  const rated = device.layout.product.components?.find(({ key }) => key === component)?.ratedLife
  if (rated && 'metric' in rated) noteCounter(device.kept, counters, rated.metric, device.layout.of(rated.metric), atMs)
  for (const { plan } of device.instances)
    for (const leaf of plan.leaves)
      if (leaf.kind === 'usage' && plan.component === component)
        noteCounter(device.kept, counters, leaf.metric, leaf.column, atMs)
  device.services.set(component, { atMs, counters: [...counters] })
  return true
}

function noteCounter(kept: KeptSamples, into: Map<string, number>, metric: string, column: number, atMs: number): void {
  const at = lastBefore(kept, column, atMs)
  if (at >= 0) into.set(metric, kept.rows[at + 1 + column]!)
}

/** Place of the newest kept row at or before `atMs` that has the column; −1 for none. */
function lastBefore({ rows, stride, width }: KeptSamples, column: number, atMs: number): number {
  if (column >= width) return -1
  for (let at = rows.length - stride; at >= 0; at -= stride)
    if (rows[at]! <= atMs && !Number.isNaN(rows[at + 1 + column]!)) return at
  return -1
}

/** What is counted from the last service starts over; a condition that is no longer so says it at once. */
function beginAnew(turn: Turn, device: Device, instance: Instance, servicedMs: number): void {
  const { plan, core, offset } = instance
  const usages = plan.leaves.filter((leaf) => leaf.kind === 'usage' && leaf.sinceService) as UsageLeaf[]
  const ages = plan.ages.some(({ sinceService }) => sinceService)
  if (usages.length === 0 && !ages) return
  for (const leaf of usages) countSince(device.kept, instance, leaf, servicedMs)
  const nowMs = plan.axis === 'hub' ? turn.atMs : Math.max(device.nowMs(turn), device.watermarkMs)
  if (ages) {
    resolveLimits(device, instance)
    for (const leaf of plan.turning) if (leaf.kind === 'age') lookAtCalendar(instance, leaf, nowMs)
  }
  const truth = reweigh(instance, nowMs)
  if (truth === FALSE && !isOpen(core[offset + STATE]!)) resetStates(turn, instance)
  device.settle(instance)
}

/** Usage since the service, from the kept samples taken after it. */
function countSince(kept: KeptSamples, instance: Instance, leaf: UsageLeaf, servicedMs: number): void {
  const { core, offset } = instance
  const { rows, stride, width } = kept
  const at = offset + leaf.at
  const before = lastBefore(kept, leaf.column, servicedMs)
  const first = rows.findIndex((_, i) => i % stride === 0 && rows[i]! > servicedMs)
  const known = before >= 0 ? { value: rows[before + 1 + leaf.column]!, atMs: rows[before]! } : null
  restartMeter(core, at, known)
  // Only where the reading before is known can those after it be told from what went before.
  if (known && first >= 0 && leaf.column < width)
    for (let row = first; row < rows.length; row += stride) {
      const value = rows[row + 1 + leaf.column]!
      if (!Number.isNaN(value)) meter(core, at, leaf, value, rows[row]!)
    }
  if (!Number.isNaN(core[at + LEAF_LAST]!)) weigh(instance, leaf, core[at + LEAF_VALUE]!)
}
