import { ENTERED, SINCE, STARTED, STATE, TRUTH } from './alert-clock.ts'
import { FALSE, FIRING, isOpen, LATCHED, PENDING, TRUE } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { setInstances } from './device-rules.ts'
import { openEpisode, resolveEpisode } from './episodes.ts'
import type { Instance } from './instance.ts'
import { levelHeld } from './instance-core.ts'
import { resetStates } from './lifecycle-end.ts'
import type { Turn } from './turn.ts'

/**
 * T19: the new version of a rule is warm and decides from here. An open episode goes on under it,
 * silently, unless the new version knows the condition to be false; what only the new version
 * sees opens now.
 *
 * @param anew the new activation when the rule was also enabled anew (T27): then nothing is carried over
 */
export function takeOver(turn: Turn, device: Device, ruleKey: string, anew: string | null): void {
  const mine = device.instances.filter((instance) => instance.plan.ruleKey === ruleKey && !instance.watch)
  const old = mine.filter((instance) => !instance.warming)
  const next = mine.filter((instance) => instance.warming)
  if (mine.length === 0) return
  for (const instance of old) {
    const successor = next.find((candidate) => candidate.plan.subject === instance.plan.subject)
    if (!successor || anew !== null) resolveEpisode(turn, device, instance, 'rule_changed')
    else carryOver(turn, device, instance, successor)
  }
  for (const instance of next) {
    instance.warming = false
    if (anew !== null) instance.activation = anew
    if (!instance.episode && isOpen(instance.core[instance.offset + STATE]!)) begin(turn, device, instance)
    device.settle(instance)
  }
  setInstances(
    device,
    device.instances.filter((instance) => !old.includes(instance)),
  )
}

function carryOver(turn: Turn, device: Device, old: Instance, next: Instance): void {
  next.activation = old.activation
  next.openings = old.openings
  next.flapping = old.flapping
  next.flappingTold = old.flappingTold
  if (!old.episode) return
  const { core, offset } = next
  if (core[offset + TRUTH] === FALSE) {
    resolveEpisode(turn, device, old, 'rule_changed')
    if (isOpen(core[offset + STATE]!)) resetStates(turn, next)
    return
  }
  next.episode = old.episode
  next.episode.ruleVersion = next.version
  // True or unknown: the same episode stands, and unknown ends nothing (I11).
  if (!isOpen(core[offset + STATE]!)) {
    core[offset + STATE] = FIRING
    core[offset + SINCE] = Number.NaN
  }
  core[offset + STARTED] = next.episode.startedAtMs
  next.episode.level = levelHeld(next)
  next.episode.severity = next.plan.severities[next.episode.level]!
}

/** What fires under the new version and did not under the old opens now; what was over before it decided never was. */
function begin(turn: Turn, device: Device, instance: Instance): void {
  const { core, offset } = instance
  if (core[offset + STATE] === FIRING)
    openEpisode(turn, device, instance, core[offset + STARTED]!, core[offset + ENTERED]!)
  else {
    const since = core[offset + SINCE]!
    const isBack = core[offset + STATE] === LATCHED && core[offset + TRUTH] === TRUE && !Number.isNaN(since)
    resetStates(turn, instance)
    if (!isBack) return
    // Healthy for a while and true again: it has not lasted yet, and need not wait for another reading to.
    core[offset + STATE] = PENDING
    core[offset + SINCE] = since
  }
}

/**
 * T27: a rule enabled anew, or turned from shadow to active. What was open belongs to the old
 * activation and ends; what is still true opens under the new one.
 */
export function reactivate(turn: Turn, device: Device, ruleKey: string, activation: string): void {
  for (const instance of device.instances) {
    if (instance.plan.ruleKey !== ruleKey || instance.watch || instance.warming) continue
    resolveEpisode(turn, device, instance, 'rule_changed')
    instance.activation = activation
    if (isOpen(instance.core[instance.offset + STATE]!)) begin(turn, device, instance)
    device.settle(instance)
  }
}
