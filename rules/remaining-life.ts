import { UNKNOWN } from './alert-lifecycle.ts'
import type { Brand } from './brand.ts'
import type { Device } from './device.ts'
import type { FittedLife } from './fitted-lives.ts'
import type { Instance } from './instance.ts'
import { LEAF_LASTS_UNTIL, LEAF_TRUTH, type RemainingLeaf } from './leaf.ts'
import { PartCourse } from './part-course.ts'
import type { Plan } from './plan.ts'

/** Takes in what the fleet has taught; from here on forecasts of its devices rest on it. Returns the devices concerned. */
export function learnLife(brand: Brand, productKey: string, component: string, fitted: FittedLife): Device[] {
  brand.livesOf(productKey).set(component, fitted)
  const touched: Device[] = []
  for (const device of brand.devices.values()) {
    if (device.facts.productKey !== productKey) continue
    let concerned = false
    for (const instance of device.instances) {
      const leaves = remainingLeaves(instance.plan).filter((leaf) => leaf.component === component)
      if (leaves.length === 0) continue
      for (const leaf of leaves) foresee(instance, leaf)
      // Samples from before were judged by what was known then.
      device.settle(instance)
      concerned = true
    }
    if (concerned) touched.push(device)
  }
  return touched
}

export function remainingLeaves({ leaves }: Plan): RemainingLeaf[] {
  return leaves.filter((leaf) => leaf.kind === 'remaining')
}

/** Forecasts anew from the course as it is; the next reading weighs it. */
function foresee({ core, offset, windows, lives }: Instance, leaf: RemainingLeaf): void {
  const course = windows[leaf.window] as PartCourse
  core[offset + leaf.at + LEAF_LASTS_UNTIL] = course.outlastsUntilMs(
    lives.get(leaf.component)?.life ?? null,
    leaf.confidence,
  )
}

/** A part of the device was renewed: what was said of the one before is not said of it. */
export function forgetLife({ core, offset, windows }: Instance, leaf: RemainingLeaf, atMs: number): void {
  windows[leaf.window]!.forget(atMs)
  core[offset + leaf.at + LEAF_LASTS_UNTIL] = Number.NaN
  core[offset + leaf.at + LEAF_TRUTH] = UNKNOWN
}

/**
 * The course of a part is taken over from the version of the rule before, as of the start of the kept samples where a
 * warming version reads those next. Without one, use is counted from what was noted at the newest service.
 */
export function beginCourse(device: Device, instance: Instance, leaf: RemainingLeaf): Instance | null {
  for (const old of device.instances) {
    if (old.plan.ruleKey !== instance.plan.ruleKey) continue
    const before = remainingLeaves(old.plan).find((other) => sameCourse(leaf, other))
    if (!before) continue
    const from = instance.warming ? old.checkpointWindows : old.windows
    const windows = [...instance.windows]
    windows[leaf.window] = from[before.window]!.clone()
    instance.windows = windows
    if (!instance.warming) foresee(instance, leaf)
    return old
  }
  const service = device.services.get(leaf.component)
  if (!service || leaf.part.counterMetric === null) return null
  const counter = service.counters.find(([metric]) => metric === leaf.part.counterMetric)
  const course = instance.windows[leaf.window] as PartCourse
  course.startAt(counter ? { value: counter[1], atMs: service.atMs } : null)
  return null
}

/** Whether two leaves follow the same part in the same way. */
function sameCourse(a: RemainingLeaf, b: RemainingLeaf): boolean {
  return a.component === b.component && JSON.stringify(a.part) === JSON.stringify(b.part)
}

/**
 * Under a new version of the product an instance keeps what it knows, save the course of a part that is now measured
 * otherwise, which begins anew.
 */
export function carryCourses(instance: Instance, after: Plan): void {
  const old = remainingLeaves(instance.plan)
  const changed = remainingLeaves(after).filter((leaf, i) => !old[i] || !sameCourse(leaf, old[i]!))
  if (changed.length === 0) return
  const carried = [...instance.windows]
  for (const leaf of changed) {
    carried[leaf.window] = new PartCourse(leaf.part)
    instance.core[instance.offset + leaf.at + LEAF_LASTS_UNTIL] = Number.NaN
  }
  instance.windows = carried
}
