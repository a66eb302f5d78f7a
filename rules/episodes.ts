import type { Episode, Hush, ResolveReason } from '#contracts'
import { derivedId } from '#platform'
import { STATE } from './alert-clock.ts'
import { FIRING, LATCHED } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { evidenceOf } from './evidence.ts'
import { episodesWithinDay, isFlapping } from './flapping.ts'
import { isInhibited } from './inhibition.ts'
import { type Instance, OPENINGS_KEPT, OPENINGS_KEPT_MAX, type OpenEpisode, type Opening } from './instance.ts'
import { levelHeld, PEAK } from './instance-core.ts'
import { inMaintenance, silencedBy } from './silences.ts'
import type { Turn } from './turn.ts'

/**
 * Opens an episode. Its id is given here, once, from who and when; should start and activation
 * recur (a late sample revives what was resolved), an ordinal tells the two apart.
 *
 * @param openedAtMs event time at which its hold was over
 * @param over It has ended already, as late samples show: history.
 */
export function openEpisode(
  turn: Turn,
  device: Device,
  instance: Instance,
  startedAtMs: number,
  openedAtMs: number,
  over = false,
): void {
  const { plan, activation, openings } = instance
  const number = (openings.at(-1)?.number ?? 0) + 1
  const ordinal = ordinalOf(openings, startedAtMs, number)
  const level = levelHeld(instance)
  const { brand, facts } = device
  const identity = [brand.brandId, plan.ruleKey, facts.deviceId, plan.component, activation, startedAtMs]
  const id = derivedId('ep', ...identity, ...(ordinal > 0 ? [ordinal] : []))
  const opening = { episodeId: id, namedStartMs: startedAtMs, ordinal, number, openedAtMs, startedAtMs, revised: false }
  // What is judged by arrival is never run again.
  const rerunFromMs = plan.axis === 'hub' ? Number.POSITIVE_INFINITY : device.kept.startMs
  instance.openings = remembered([...openings, opening], rerunFromMs)
  instance.episode = { ...blankEpisode(device, instance, id), startedAtMs, level, severity: plan.severities[level]! }
  const wasFlapping = instance.flapping
  instance.flapping = isFlapping(instance.openings, wasFlapping)
  const hush = over ? 'historical' : hushOf(turn, device, instance)
  instance.episode.told = hush === null
  if (hush) brand.hushed.add(device)
  turn.emit({
    kind: 'alert.firing',
    episode: describe(device, instance),
    evidence: evidenceOf(instance, device.kept, startedAtMs),
    silent: hush !== null,
    ...(hush ? { hush } : {}),
  })
  if (instance.flapping && !wasFlapping) instance.flappingTold = false
  tellFlapping(turn, device, instance, hush)
}

/**
 * What an episode of this start has beside it in its id, so that no two are the same: nothing, as long as none of the
 * start was before; else the next after those. Where one may have been forgotten, how many openings there were, which
 * is more than any ordinal given so far.
 */
function ordinalOf(openings: readonly Opening[], startedAtMs: number, number: number): number {
  let next = 0
  let newestMs = Number.NEGATIVE_INFINITY
  for (const { namedStartMs, ordinal } of openings) {
    if (namedStartMs === startedAtMs) next = Math.max(next, ordinal + 1)
    newestMs = Math.max(newestMs, namedStartMs)
  }
  const mayBeForgotten = number > openings.length + 1 && startedAtMs <= newestMs
  return next === 0 && mayBeForgotten ? number - 1 : next
}

/** The newest openings, and those before that running kept samples again would bring up. */
function remembered(openings: readonly Opening[], rerunFromMs: number): readonly Opening[] {
  const first = openings.findIndex(
    ({ openedAtMs }, i) => i >= openings.length - OPENINGS_KEPT || openedAtMs > rerunFromMs,
  )
  return openings.slice(Math.max(first, openings.length - OPENINGS_KEPT_MAX))
}

/** The one notice that stands for those of its episodes, once nothing else keeps it quiet (T24). */
function tellFlapping(turn: Turn, device: Device, instance: Instance, hush: Hush | null): void {
  if (hush !== 'flapping' || instance.flappingTold) return
  instance.flappingTold = true
  turn.emit({
    kind: 'alert.flapping',
    episode: describe(device, instance),
    episodesIn24h: episodesWithinDay(instance.openings),
  })
}

function blankEpisode({ brand }: Device, { plan, version }: Instance, id: string): OpenEpisode {
  return {
    id,
    startedAtMs: 0,
    ruleVersion: version,
    mode: brand.modeOf(plan.ruleKey),
    level: 0,
    severity: plan.severities[0]!,
    told: false,
    acknowledged: false,
    wavered: 0,
    serviced: null,
  }
}

/** Ends an episode; the one `alert.resolved` it will ever have (I2). */
export function resolveEpisode(
  turn: Turn,
  device: Device,
  instance: Instance,
  reason: ResolveReason,
  peak = instance.core[instance.offset + PEAK]!,
): void {
  if (!instance.episode) return
  turn.emit({
    kind: 'alert.resolved',
    episode: describe(device, instance),
    reason,
    peak: Number.isFinite(peak) ? peak : null,
  })
  instance.episode = null
}

export function clearEpisode(turn: Turn, device: Device, instance: Instance): void {
  if (instance.episode) turn.emit({ kind: 'alert.cleared', episode: describe(device, instance) })
}

export function reopenEpisode(turn: Turn, device: Device, instance: Instance): void {
  if (!instance.episode) return
  instance.episode.wavered++
  turn.emit({ kind: 'alert.reopened', episode: describe(device, instance) })
}

/** A late sample moved the start of an episode, or showed that it should not have opened (T13). Said once per start. */
export function reviseEpisode(
  turn: Turn,
  device: Device,
  instance: Instance,
  opening: Opening,
  startedAtMs: number,
): void {
  if (opening.revised && opening.startedAtMs === startedAtMs) return
  const revised = { ...opening, startedAtMs, revised: true }
  instance.openings = instance.openings.map((other) => (other === opening ? revised : other))
  turn.counters.revised++
  const { episode } = instance
  if (episode?.id === opening.episodeId) {
    episode.startedAtMs = startedAtMs
    turn.emit({ kind: 'alert.revised', episode: describe(device, instance) })
    return
  }
  // It has ended; what matters of it is who it was and that it is in doubt.
  instance.episode = { ...blankEpisode(device, instance, opening.episodeId), startedAtMs }
  turn.emit({ kind: 'alert.revised', episode: describe(device, instance) })
  instance.episode = episode
}

/** T7: says so when another level of the rule holds. A higher one speaks through an acknowledgement of a lower. */
export function announceLevel(turn: Turn, device: Device, instance: Instance): void {
  const { episode, plan } = instance
  if (!episode || plan.levels.length === 0) return
  const level = levelHeld(instance)
  if (level === episode.level) return
  const from = episode.severity
  const raised = level > episode.level
  episode.level = level
  episode.severity = plan.severities[level]!
  if (!raised) {
    turn.emit({ kind: 'alert.deescalated', episode: describe(device, instance), from })
    return
  }
  episode.acknowledged = false
  const hush = hushOf(turn, device, instance) ?? (episode.told ? null : 'historical')
  turn.emit({
    kind: 'alert.escalated',
    episode: describe(device, instance),
    from,
    evidence: evidenceOf(instance, device.kept, episode.startedAtMs),
    silent: hush !== null,
    ...(hush ? { hush } : {}),
  })
}

/** An episode that opened unheard and still stands is told once, with its true start, when nothing hushes it any more. */
export function tellIfCurrent(turn: Turn, device: Device, instance: Instance): void {
  const { episode } = instance
  if (!episode || episode.told) return
  const state = instance.core[instance.offset + STATE]
  // Recovering may be about to end; firing again or latched, it will be told then.
  if (state !== FIRING && state !== LATCHED) return
  const hush = hushOf(turn, device, instance)
  tellFlapping(turn, device, instance, hush)
  if (hush !== null) return
  episode.told = true
  turn.emit({
    kind: 'alert.current',
    episode: describe(device, instance),
    evidence: evidenceOf(instance, device.kept, episode.startedAtMs),
  })
}

/** Why nobody is to hear of this instance now. Suppression never touches the condition (I7). */
function hushOf(turn: Turn, device: Device, instance: Instance): Hush | null {
  if (turn.historical) return 'historical'
  const { brand, facts } = device
  const { ruleKey: key, rule, axis } = instance.plan
  const safety = (rule?.safety ?? null) !== null
  const silenced = silencedBy(brand.silences.values(), facts, { key, safety, aboutSilence: axis === 'hub' }, turn.atMs)
  if (silenced === 'maintenance' || inMaintenance(brand.windows, facts, key, turn.atMs)) return 'maintenance'
  if (silenced) return silenced
  if (isInhibited(device, instance)) return 'inhibited'
  if (instance.flapping && !safety) return 'flapping'
  return instance.episode?.acknowledged ? 'acknowledged' : null
}

export function describe({ brand, facts }: Device, { plan, activation, episode }: Instance): Episode {
  const { id, startedAtMs, ruleVersion, mode, severity } = episode as OpenEpisode
  return {
    episodeId: id,
    brandId: brand.brandId,
    ruleKey: plan.ruleKey,
    ruleVersion,
    deviceId: facts.deviceId,
    component: plan.component,
    activation,
    mode,
    startedAtMs,
    severity,
    safety: plan.rule?.safety ?? null,
    subject: plan.subject === 'silence' ? 'silence' : 'condition',
  }
}
