import type { Episode, Hush, ResolveReason } from '#contracts'
import { derivedId } from '#platform'
import { STATE } from './alert-clock.ts'
import { FIRING, LATCHED } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { evidenceOf } from './evidence.ts'
import { isFlapping } from './flapping.ts'
import { type Instance, OPENINGS_KEPT, type OpenEpisode } from './instance.ts'
import { levelHeld, PEAK } from './instance-core.ts'
import { silencedBy } from './silences.ts'
import type { Turn } from './turn.ts'

/**
 * Opens an episode. Its id is given here, once, from who and when; should start and activation
 * recur (a late sample revives what was resolved), an ordinal tells the two apart.
 *
 * @param over It has ended already, as late samples show: history.
 */
export function openEpisode(turn: Turn, device: Device, instance: Instance, startedAtMs: number, over = false): void {
  const { plan, activation, version } = instance
  let { openings } = instance
  let ordinal = 0
  for (let i = 0; i < openings.length; i += 2)
    if (openings[i] === startedAtMs) ordinal = Math.max(ordinal, openings[i + 1]! + 1)
  openings = instance.openings = [...openings, startedAtMs, ordinal].slice(-2 * OPENINGS_KEPT)

  const level = levelHeld(instance)
  const { brand, facts } = device
  const identity = [brand.brandId, plan.ruleKey, facts.deviceId, plan.component, activation, startedAtMs]
  instance.episode = {
    id: derivedId('ep', ...identity, ...(ordinal > 0 ? [ordinal] : [])),
    startedAtMs,
    ruleVersion: version,
    mode: brand.modeOf(plan.ruleKey),
    level,
    severity: plan.severities[level]!,
    told: false,
    acknowledged: false,
    revised: false,
    wavered: 0,
    serviced: null,
  }
  const wasFlapping = instance.flapping
  instance.flapping = isFlapping(openings, wasFlapping)
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
  if (instance.flapping && !wasFlapping && hush === 'flapping') {
    turn.emit({
      kind: 'alert.flapping',
      episode: describe(device, instance),
      episodesIn24h: openings.length / 2,
    })
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

/** A late sample moved the start, or showed that the episode should not have opened (T13). */
export function reviseEpisode(turn: Turn, device: Device, instance: Instance, startedAtMs: number): void {
  const { episode } = instance
  if (!episode) return
  if (episode.revised && episode.startedAtMs === startedAtMs) return
  episode.startedAtMs = startedAtMs
  episode.revised = true
  turn.counters.revised++
  turn.emit({ kind: 'alert.revised', episode: describe(device, instance) })
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
  if (hushOf(turn, device, instance) !== null) return
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
  const silenced = silencedBy(brand.silences.values(), facts, instance.plan.ruleKey, turn.atMs)
  if (silenced) return silenced
  if (instance.flapping && !instance.plan.rule?.safety) return 'flapping'
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
