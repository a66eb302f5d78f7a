import type { ControlChange, VerificationEnd } from '#contracts'
import { durationMs } from '#platform'
import { SINCE, TRUTH } from './alert-clock.ts'
import { FALSE, TRUE } from './alert-lifecycle.ts'
import { levelsBefore, partShows } from './claimed-part.ts'
import { findComponent } from './compile.ts'
import { markServiced } from './component-reset.ts'
import type { Device } from './device.ts'
import { inOrder, nextLookMs, resolveLimits } from './device-rules.ts'
import { evidenceOf } from './evidence.ts'
import { Instance, shareArrays } from './instance.ts'
import { AT, applySample, SAMPLES } from './instance-core.ts'
import { rowConcerns } from './row.ts'
import type { Turn } from './turn.ts'
import { wakeCalendar } from './turning.ts'

type VerificationStarted = Extract<ControlChange, { type: 'verification.started' }>

/** How long a repair may take to show, where the product does not say. */
const WITHIN_MS = 7 * 86_400_000
/** Readings before "not fixed" may be said, where the product does not say. */
const MIN_READINGS = 10

/** The verification window of a component of this device. */
export function verificationWindowMs(device: Device, component: string): number {
  const within = findComponent(device.layout.product, component)?.recovery?.within
  return durationMs(within ?? '') ?? WITHIN_MS
}

/**
 * Begins to watch whether a reported repair shows. Only readings taken after the repair count;
 * those that have come already are looked at first. A product that does not say how a repair of
 * the component would show leaves it unverified at once.
 */
export function startWatch(turn: Turn, device: Device, change: VerificationStarted): void {
  const { caseId, attempt, component } = change
  dropWatch(device, caseId)
  const plan = device.layout.recovery(component)
  const repairedAtMs = Math.min(change.repairedAtMs, turn.atMs)
  if (!plan) {
    turn.emit({
      kind: 'verification.ended',
      brandId: device.brand.brandId,
      caseId,
      deviceId: device.facts.deviceId,
      component,
      attempt,
      end: 'unverified',
      readings: 0,
      evidence: [],
    })
    return
  }
  const watch = new Instance(plan, 0, caseId)
  watch.watch = {
    caseId,
    attempt,
    repairedAtMs,
    deadlineMs: repairedAtMs + verificationWindowMs(device, component),
    extended: false,
    minReadings: findComponent(device.layout.product, component)?.recovery?.minReadings ?? MIN_READINGS,
    verified: false,
    ...(change.partReplaced ? { before: levelsBefore(plan, device.kept, repairedAtMs, change.before) } : {}),
  }
  resolveLimits(device, watch)
  wakeCalendar(watch, nextLookMs(turn, device, plan))
  device.settle(watch)
  // Nothing before the repair has a say, and nothing that is no longer kept.
  watch.checkpoint[AT] = Math.max(device.kept.startMs, repairedAtMs - 1)
  const { kept } = device
  if (kept.width < device.layout.metrics.length) kept.widen(device.layout.metrics.length)
  for (let at = 0; at < kept.rows.length; at += kept.stride)
    if (
      plan.axis === 'event' &&
      watch.failure === null &&
      kept.rows[at]! > watch.checkpoint[AT] &&
      rowConcerns(plan, kept.rows, at + 1)
    )
      applySample(watch, kept.rows, at + 1, kept.rows[at]!, turn.listenTo(device, watch))
  device.instances.push(watch)
  inOrder(device.brand, device.instances)
  shareArrays(device.instances)
  endWatches(turn, device)
}

export function cancelWatch(device: Device, caseId: string): void {
  dropWatch(device, caseId)
}

/** Ends the watches that have their answer or have run out of time. */
export function endWatches(turn: Turn, device: Device): void {
  for (const instance of device.instances) {
    if (!instance.watch) continue
    const end = endOf(turn, device, instance)
    if (!end) continue
    const { caseId, attempt, repairedAtMs } = instance.watch
    turn.emit({
      kind: 'verification.ended',
      brandId: device.brand.brandId,
      caseId,
      deviceId: device.facts.deviceId,
      component: instance.plan.component,
      attempt,
      end,
      readings: instance.core[instance.offset + SAMPLES]!,
      evidence: evidenceOf(instance, device.kept, repairedAtMs),
    })
    dropWatch(device, caseId)
    // A repair that shows releases what was latched, part replaced or not.
    if (end === 'verified') markServiced(turn, device, instance.plan.component, repairedAtMs)
  }
}

/**
 * `verified`: recovery known-true for its hold. At the end of the window, when it is known-false with
 * enough readings: `not_observed` where a part is claimed and the signal stands where it stood
 * before, else `not_fixed`. A recovery that has begun gets its hold to finish; otherwise nobody can say, and
 * unknown blames nobody.
 */
function endOf(turn: Turn, device: Device, instance: Instance): VerificationEnd | null {
  const watch = instance.watch!
  const { core, offset, plan } = instance
  if (watch.verified) return 'verified'
  if (turn.atMs < watch.deadlineMs) return null
  const known = device.knows(turn, instance)
  const truth = core[offset + TRUTH]
  if (known && truth === TRUE && !watch.extended) {
    watch.extended = true
    const since = core[offset + SINCE]!
    watch.deadlineMs += plan.forMs - Math.max(0, device.nowMs(turn) - since)
    return turn.atMs < watch.deadlineMs ? null : 'unverified'
  }
  if (!known || truth !== FALSE || core[offset + SAMPLES]! < watch.minReadings) return 'unverified'
  const shows = watch.before && partShows(instance, device.kept, watch.before, watch.repairedAtMs)
  return shows === false ? 'not_observed' : 'not_fixed'
}

function dropWatch(device: Device, caseId: string): void {
  const left = device.instances.filter((instance) => instance.watch?.caseId !== caseId)
  if (left.length === device.instances.length) return
  device.instances = left
  shareArrays(left)
}
