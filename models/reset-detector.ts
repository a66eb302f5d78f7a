/** What is remembered: the wear positions of the last readings, oldest first. Plain, for a checkpoint. */
export interface ResetState {
  recent: number[]
}

/** Readings on each side of a step that must agree: one is a glitch, three a new part. */
const SIDE = 3
/** Wear that must go away at once, as a share of the way from new to worn out. */
const STEP_LEAST = 0.25
/** After the step the part must stand like a new one. */
const NEW_MOST = 0.35

/**
 * Whether the signal shows that a part was replaced (or serviced) with this reading's step: wear that had built up
 * is gone at once, stays gone for three readings, and what stands there now stands like a new one. Dirt shaken off
 * and a cold morning take away less; a sensor's glitch does not stay.
 *
 * `position` is {@link wearPosition}: 0 new, 1 worn out. Updates `state` in place; O(1), six numbers.
 * A position that is not a number changes nothing.
 */
export function sawReset(state: ResetState, position: number): boolean {
  if (!Number.isFinite(position)) return false
  state.recent.push(position)
  if (state.recent.length > 2 * SIDE) state.recent.shift()
  if (state.recent.length < 2 * SIDE) return false
  const before = Math.min(...state.recent.slice(0, SIDE))
  const after = Math.max(...state.recent.slice(SIDE))
  if (before - after < STEP_LEAST || after > NEW_MOST) return false
  state.recent = state.recent.slice(SIDE)
  return true
}

/** Somebody, or something, says that a part was replaced. */
export interface ResetClaim {
  source: 'signal' | 'device' | 'technician' | 'homeowner'
  atMs: number
}

/** Claims this near each other are of one replacement: a visit is booked as the day it was, and devices report late. */
const SAME_VISIT_MS = 3 * 86_400_000
/** Whose word on the time counts most: what was measured, then who was there. */
const TRUST: Record<ResetClaim['source'], number> = { signal: 4, device: 3, technician: 2, homeowner: 1 }

/** One replacement, as far as all who spoke of it agree. */
export interface ReconciledReset {
  atMs: number
  /** Whose time was taken. */
  source: ResetClaim['source']
  /** The signal shows it, or two independent claims do; else it is one person's or one button's word. */
  confirmed: boolean
}

/**
 * Makes one list of replacements from what signal, device, technician and homeowner say. Claims within three days
 * of each other are one replacement; its time is the signal's if that shows it, else the device's, and so on.
 * O(n log n). A filter button pressed by mistake stays, unconfirmed: rules ask for a recovery, not for a button.
 */
export function reconcileResets(claims: readonly ResetClaim[]): ReconciledReset[] {
  const sorted = claims.filter(({ atMs }) => Number.isFinite(atMs)).sort((a, b) => a.atMs - b.atMs)
  const visits: ResetClaim[][] = []
  for (const claim of sorted) {
    const visit = visits.at(-1)
    if (visit && claim.atMs - visit[0]!.atMs <= SAME_VISIT_MS) visit.push(claim)
    else visits.push([claim])
  }
  return visits.map((visit) => {
    const best = visit.reduce((most, claim) => (TRUST[claim.source] > TRUST[most.source] ? claim : most))
    const sources = new Set(visit.map(({ source }) => source))
    return { atMs: best.atMs, source: best.source, confirmed: sources.has('signal') || sources.size > 1 }
  })
}
