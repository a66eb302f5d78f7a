import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import { seasonAt } from './calendar.ts'
import type { Place, SampleListener } from './instance-core.ts'
import { type AgeLeaf, isCalendar, LEAF_NEXT, LEAF_TRUTH, LEAF_UNTIL, LEAF_VALUE, type SeasonLeaf } from './leaf.ts'
import { weighChange, weighEvents } from './weigh.ts'

const DAY_MS = 86_400_000

/** When the next leaf changes by time alone; `Infinity` for never. */
export function nextTurnMs({ plan, core, offset }: Place): number {
  let next = Number.POSITIVE_INFINITY
  for (let i = 0; i < plan.turning.length; i++) next = Math.min(next, core[offset + plan.turning[i]!.at + LEAF_NEXT]!)
  return next
}

/** Lets the leaves whose time has come at `atMs` say what they say from here on. */
export function turnLeaves(place: Place, atMs: number, listener: SampleListener): void {
  const { plan, core, offset } = place
  for (const leaf of plan.turning) {
    if (core[offset + leaf.at + LEAF_NEXT]! > atMs) continue
    if (leaf.kind === 'event') weighEvents(place, leaf, atMs)
    else if (leaf.kind === 'change') weighChange(place, leaf, atMs, listener)
    else lookAtCalendar(place, leaf, atMs)
  }
}

/** What the calendar says at `atMs`, and when it says otherwise. It needs no reading, so it is known for good. */
export function lookAtCalendar({ core, offset, limits, zone }: Place, leaf: AgeLeaf | SeasonLeaf, atMs: number): void {
  const at = offset + leaf.at
  core[at + LEAF_UNTIL] = Number.POSITIVE_INFINITY
  if (leaf.kind === 'season') {
    const { inside, nextMs } = seasonAt(leaf, atMs, zone)
    core[at + LEAF_TRUTH] = inside ? TRUE : FALSE
    core[at + LEAF_NEXT] = nextMs
    return
  }
  const reachedMs = limits[leaf.limitAt]!
  const bornMs = limits[leaf.limitAt + 1]!
  core[at + LEAF_VALUE] = (atMs - bornMs) / DAY_MS
  if (Number.isNaN(reachedMs)) {
    core[at + LEAF_TRUTH] = UNKNOWN
    core[at + LEAF_NEXT] = Number.POSITIVE_INFINITY
    return
  }
  const reached = atMs >= reachedMs
  const older = leaf.op === '>' || leaf.op === '>='
  core[at + LEAF_TRUTH] = reached === older ? TRUE : FALSE
  core[at + LEAF_NEXT] = reached ? Number.POSITIVE_INFINITY : reachedMs
}

/** Has the calendar looked at afresh at `atMs`: an instance that begins, or a device that was moved or serviced. */
export function wakeCalendar({ plan, core, offset }: Place, atMs: number): void {
  for (const leaf of plan.turning) {
    if (!isCalendar(leaf)) continue
    core[offset + leaf.at + LEAF_TRUTH] = UNKNOWN
    core[offset + leaf.at + LEAF_NEXT] = atMs
  }
}
