import { SINCE, STARTED, STATE, TRUTH } from './alert-clock.ts'
import { FALSE, FIRING, type Happening, isOpen, LATCHED, PENDING, RECOVERING, TRUE } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { clearEpisode, openEpisode, reopenEpisode, resolveEpisode, reviseEpisode } from './episodes.ts'
import { cloneWindows, type Instance } from './instance.ts'
import { AT, applySample, PEAK, type Place, passTime, type SampleListener } from './instance-core.ts'
import { rowConcerns } from './row.ts'
import type { Turn } from './turn.ts'

/** How the instance stood before. */
interface Before {
  state: number
  since: number
}

/** An episode as the samples in their true order would have it. */
interface TrueEpisode {
  startedAtMs: number
  /** Event time at which its hold was over. */
  openedAtMs: number
  open: boolean
  peak: number
  /** It was open at the checkpoint already. */
  inherited: boolean
}

/**
 * T13: a late sample has been put among the kept ones; runs them again from the checkpoint at
 * their start and brings what was decided into line. It may open, extend, and mark `revised`;
 * it never un-opens: an episode the true order does not have goes on through T8.
 *
 * @param nowMs device time up to which ticks have let time pass
 */
export function rerun(turn: Turn, device: Device, instance: Instance, nowMs: number): void {
  const { kept } = device
  const place: Place = {
    plan: instance.plan,
    limits: instance.limits,
    core: instance.checkpoint.slice(instance.offset, instance.offset + instance.plan.length),
    offset: 0,
    windows: cloneWindows(instance.checkpointWindows),
    zone: instance.zone,
    lives: instance.lives,
  }
  const notes = new Notes(place)
  const from = kept.find(instance.closedUntilMs)
  for (let at = from; at < kept.rows.length; at += kept.stride) {
    if (kept.rows[at]! <= instance.closedUntilMs || !rowConcerns(instance.plan, kept.rows, at + 1)) continue
    applySample(place, kept.rows, at + 1, kept.rows[at]!, notes)
  }
  passTime(place, nowMs, notes)
  if (notes.failure) turn.listenTo(device, instance).failed(notes.failure)

  const before: Before = {
    state: instance.core[instance.offset + STATE]!,
    since: instance.core[instance.offset + SINCE]!,
  }
  adopt(instance, place)
  if (instance.watch) {
    if (notes.episodes.length > 0) instance.watch.verified = true
  } else if (!instance.warming) reconcile(turn, device, instance, notes.episodes, before, nowMs)
}

function adopt(instance: Instance, place: Place): void {
  for (let i = 0; i < instance.plan.length; i++) instance.core[instance.offset + i] = place.core[i]!
  instance.windows = place.windows
}

/** Pairs the episodes of the true order with those that were announced, by their start, and says what differs. */
function reconcile(
  turn: Turn,
  device: Device,
  instance: Instance,
  episodes: readonly TrueEpisode[],
  before: Before,
  nowMs: number,
): void {
  const standing = instance.episode
  const checkpointMs = instance.closedUntilMs
  const counterpart = standing ? counterpartOf(standing.startedAtMs, episodes, instance) : undefined
  // Announced, ended, and not in the true order: it opened on what a late sample contradicts.
  const doubtful = instance.openings.filter(
    (opening) =>
      opening.openedAtMs > checkpointMs &&
      opening.episodeId !== standing?.id &&
      !episodes.some((episode) => episode.startedAtMs === opening.startedAtMs),
  )
  // Resolved too early, which cannot be taken back.
  const cutShort = instance.openings.filter(
    (opening) =>
      opening.episodeId !== standing?.id &&
      episodes.some((episode) => episode.open && episode.startedAtMs === opening.startedAtMs),
  )
  for (const opening of cutShort) reviseEpisode(turn, device, instance, opening, opening.startedAtMs)
  for (const episode of episodes) {
    const { startedAtMs, openedAtMs } = episode
    if (episode === counterpart) {
      if (startedAtMs !== standing?.startedAtMs) reviseStanding(turn, device, instance, startedAtMs)
      if (!episode.open) resolveEpisode(turn, device, instance, 'cleared', episode.peak)
      else sayWhatChanged(turn, device, instance, before.state)
    } else if (episode.open) {
      // Should it have been resolved too early, it is an episode of its own now, told apart by its ordinal.
      openEpisode(turn, device, instance, startedAtMs, openedAtMs)
      if (cutShort.length > 0) reviseStanding(turn, device, instance, startedAtMs)
    } else if (isNews(instance, episode)) {
      const moved = doubtful.shift()
      if (moved) {
        reviseEpisode(turn, device, instance, moved, startedAtMs)
        continue
      }
      const kept = instance.episode
      openEpisode(turn, device, instance, startedAtMs, openedAtMs, true)
      resolveEpisode(turn, device, instance, 'cleared', episode.peak)
      instance.episode = kept
    }
  }
  for (const opening of doubtful) reviseEpisode(turn, device, instance, opening, opening.startedAtMs)
  if (standing && !counterpart) keepFalsified(turn, device, instance, before, nowMs)
}

function reviseStanding(turn: Turn, device: Device, instance: Instance, startedAtMs: number): void {
  const opening = instance.openings.find((candidate) => candidate.episodeId === instance.episode?.id)
  if (opening) reviseEpisode(turn, device, instance, opening, startedAtMs)
}

/** Which true episode the announced one is: that of the same start, else the one still open, else the newest unheard of. */
function counterpartOf(
  startedAtMs: number,
  episodes: readonly TrueEpisode[],
  instance: Instance,
): TrueEpisode | undefined {
  return (
    episodes.find((episode) => episode.startedAtMs === startedAtMs) ??
    episodes.find((episode) => episode.open) ??
    episodes.findLast((episode) => episode.inherited || isNews(instance, episode))
  )
}

/** Whether this episode was never announced. What was open at the checkpoint was. */
function isNews(instance: Instance, episode: TrueEpisode): boolean {
  if (episode.inherited) return false
  return !instance.openings.some((opening) => opening.startedAtMs === episode.startedAtMs)
}

function sayWhatChanged(turn: Turn, device: Device, instance: Instance, before: number): void {
  const now = instance.core[instance.offset + STATE]!
  if (now === LATCHED && before !== LATCHED) clearEpisode(turn, device, instance)
  if (now !== LATCHED && before === LATCHED) reopenEpisode(turn, device, instance)
}

/** The true order has no such episode; it was announced, so it lives on until it is healthy for `keep` (T8, T10). */
function keepFalsified(turn: Turn, device: Device, instance: Instance, before: Before, nowMs: number): void {
  const { core, offset, plan } = instance
  reviseStanding(turn, device, instance, instance.episode!.startedAtMs)
  const truth = core[offset + TRUTH]
  const pendingSince = core[offset + STATE] === PENDING ? core[offset + SINCE]! : Number.NaN
  core[offset + STARTED] = instance.episode!.startedAtMs
  if (before.state === LATCHED) {
    core[offset + STATE] = LATCHED
    core[offset + SINCE] = pendingSince
  } else if (truth === TRUE) {
    core[offset + STATE] = FIRING
    core[offset + SINCE] = Number.NaN
  } else if (truth === FALSE) {
    core[offset + STATE] = RECOVERING
    // From now on, unless it was recovering already: that clock runs on.
    core[offset + SINCE] =
      before.state === RECOVERING && !Number.isNaN(before.since) ? before.since : core[offset + AT]!
  } else {
    core[offset + STATE] = before.state === RECOVERING ? RECOVERING : FIRING
    core[offset + SINCE] = Number.NaN
  }
  if (truth === FALSE && plan.keepMs === 0) passTime(instance, nowMs, turn.listenTo(device, instance))
}

/** Writes down what the true order opens and ends. */
class Notes implements SampleListener {
  readonly episodes: TrueEpisode[] = []
  failure: string | null = null
  readonly #place: Place

  constructor(place: Place) {
    this.#place = place
    const { core } = place
    if (isOpen(core[STATE]!)) this.#note(core[STARTED]!, Number.NEGATIVE_INFINITY, true)
  }

  happened(what: Happening, atMs: number, startedAtMs: number): void {
    if (what === 'opened') this.#note(startedAtMs, atMs, false)
    const last = this.episodes.at(-1)
    if (what !== 'resolved' || !last) return
    last.open = false
    last.peak = this.#place.core[PEAK]!
  }

  failed(detail: string): void {
    this.failure = detail
  }

  #note(startedAtMs: number, openedAtMs: number, inherited: boolean): void {
    this.episodes.push({ startedAtMs, openedAtMs, open: true, peak: Number.NaN, inherited })
  }
}
