import { NOBODY } from './alert-clock.ts'
import type { Device } from './device.ts'
import { type Instance, keepsWindow } from './instance.ts'
import { beginWith, weighWindow } from './instance-core.ts'
import {
  LEAF_FELL_FROM,
  LEAF_LAST,
  LEAF_LAST_AT,
  LEAF_UNTIL,
  LEAF_VALUE,
  LEAF_WAS,
  type Leaf,
  type UsageLeaf,
} from './leaf.ts'
import { beginCourse } from './remaining-life.ts'
import { forgetMeter, restartMeter } from './usage-meter.ts'
import { weighChange, weighEvents } from './weigh.ts'

/**
 * What a new instance is given of the past that the version of the rule before it saw: counters, courses of parts and
 * windows of the very same samples, so that a limit or a hold can be changed without waiting a month for a month's mean (T19).
 *
 * Returns the event time up to which that past is known; a warming instance reads on from there.
 */
export function inheritPast(device: Device, instance: Instance): number {
  let knownUntilMs = Number.NEGATIVE_INFINITY
  let windows = false
  for (const leaf of instance.plan.leaves) {
    const from = inheritLeaf(device, instance, leaf)
    if (!from) continue
    windows ||= leaf.kind !== 'usage'
    knownUntilMs = Math.max(knownUntilMs, from.closedUntilMs)
  }
  if (windows && instance.failure === null && knownUntilMs !== Number.NEGATIVE_INFINITY)
    beginWith(instance, knownUntilMs, NOBODY)
  return knownUntilMs
}

/** From whom it was taken over; `null` when there was nobody. */
function inheritLeaf(device: Device, instance: Instance, leaf: Leaf): Instance | null {
  if (leaf.kind === 'usage') return beginMeter(device, instance, leaf)
  if (leaf.kind === 'remaining') return beginCourse(device, instance, leaf)
  return instance.warming && keepsWindow(leaf) ? inheritWindow(device, instance, leaf) : null
}

/** Windows are as of the start of the kept samples, which a warming instance reads next. */
function inheritWindow(device: Device, instance: Instance, leaf: WindowLeaf): Instance | null {
  for (const old of device.instances) {
    if (old.plan.ruleKey !== instance.plan.ruleKey || old.plan.component !== instance.plan.component) continue
    // One that was frozen by an error has not seen all it should have.
    if (old.warming || old.watch || old.failure !== null) continue
    const before = old.plan.leaves.filter(keepsWindow).find((other) => sameWindow(leaf, other))
    if (!before) continue
    const windows = [...instance.windows]
    windows[leaf.window] = old.checkpointWindows[before.window]!.clone()
    instance.windows = windows
    weighInherited(instance, leaf, old, before)
    return old
  }
  return null
}

/** What the window says of the new limits. A score and a forecast are asked for with the next reading. */
function weighInherited(instance: Instance, leaf: WindowLeaf, old: Instance, before: WindowLeaf): void {
  const was = (place: number): number => old.checkpoint[old.offset + before.at + place]!
  const atMs = old.closedUntilMs
  if (leaf.kind === 'metric') weighWindow(instance, leaf, was(LEAF_UNTIL), UNHEARD)
  else if (leaf.kind === 'change') weighChange(instance, leaf, atMs, UNHEARD)
  else if (leaf.kind === 'event') {
    instance.core[leaf.at + LEAF_WAS] = was(LEAF_WAS)
    instance.core[leaf.at + LEAF_UNTIL] = was(LEAF_UNTIL)
    weighEvents(instance, leaf, atMs)
  }
}

const UNHEARD = { ...NOBODY, failed: () => {} }
type WindowLeaf = Extract<Leaf, { window: number }>

/** Whether two leaves keep the same of the past, whatever they ask of it. `lookBackOf` says the same of documents. */
function sameWindow(a: Leaf, b: Leaf): boolean {
  if (a.kind === 'metric' && b.kind === 'metric')
    return a.metric === b.metric && a.agg === b.agg && a.windowMs === b.windowMs
  if (a.kind === 'change' && b.kind === 'change') return a.metric === b.metric && a.overMs === b.overMs
  if (a.kind === 'event' && b.kind === 'event')
    return (
      a.metric === b.metric &&
      a.equals === b.equals &&
      a.eachReport === b.eachReport &&
      a.windowMs === b.windowMs &&
      a.count === b.count
    )
  if (a.kind === 'anomaly' && b.kind === 'anomaly') return a.metric === b.metric && a.pointMs === b.pointMs
  return a.kind === 'forecast' && b.kind === 'forecast' && a.metric === b.metric
}

/**
 * What a counter has counted is taken over from the version before, as of the start of the kept samples, which a
 * warming version reads next. Without one, counting since a service begins at what was noted then.
 */
function beginMeter(device: Device, instance: Instance, leaf: UsageLeaf): Instance | null {
  const { component } = instance.plan
  for (const old of device.instances) {
    const same = old.plan.component === component && old.plan.ruleKey === instance.plan.ruleKey
    const before = same ? old.plan.leaves.find((other) => sameMeter(leaf, other)) : undefined
    if (!before) continue
    const from = instance.warming ? old.checkpoint : old.core
    for (const place of [LEAF_VALUE, LEAF_LAST, LEAF_LAST_AT, LEAF_FELL_FROM])
      instance.core[leaf.at + place] = from[old.offset + before.at + place]!
    return old
  }
  const service = leaf.sinceService ? device.services.get(component) : undefined
  if (!service) return null
  const counter = service.counters.find(([metric]) => metric === leaf.metric)
  if (counter) restartMeter(instance.core, leaf.at, { value: counter[1], atMs: service.atMs })
  else forgetMeter(instance.core, leaf.at)
  return null
}

function sameMeter(leaf: UsageLeaf, other: Leaf): boolean {
  return (
    other.kind === 'usage' &&
    other.metric === leaf.metric &&
    other.sinceService === leaf.sinceService &&
    other.perMsMax === leaf.perMsMax
  )
}
