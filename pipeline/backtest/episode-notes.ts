import type { AlertEffect, Episode, Evidence, ResolveReason, Severity } from '#contracts'

/** An episode while effects about it are gathered; times in milliseconds. */
export interface NotedEpisode {
  id: string
  ruleKey: string
  ruleVersion: number
  deviceId: string
  component: string
  severity: Severity
  safety: boolean
  /** About the silence of the device; it orders no service. */
  silence: boolean
  startedAtMs: number
  openedAtMs: number
  resolvedAtMs: number | null
  reason: ResolveReason | null
  silent: boolean
  evidence: readonly Evidence[]
}

/** Points of an episode's chart in a result: enough to see a rise. */
const SERIES_POINTS_MAX = 16

/** Gathers what effects say of episodes. */
export class EpisodeNotes {
  readonly #episodes = new Map<string, NotedEpisode>()

  note(effect: AlertEffect): void {
    if (!('episode' in effect)) return
    const { episode, atMs } = effect
    if (effect.kind === 'alert.firing') {
      this.#episodes.set(episode.episodeId, opened(episode, atMs, effect.silent, effect.evidence))
      return
    }
    const known = this.#episodes.get(episode.episodeId)
    if (!known) return
    if (effect.kind === 'alert.current') known.silent = false
    else if (effect.kind === 'alert.revised') known.startedAtMs = episode.startedAtMs
    else if (effect.kind === 'alert.escalated') known.severity = episode.severity
    else if (effect.kind === 'alert.resolved') {
      known.resolvedAtMs = atMs
      known.reason = effect.reason
    }
  }

  /** In order of opening. */
  all(): NotedEpisode[] {
    return [...this.#episodes.values()].sort((a, b) => a.openedAtMs - b.openedAtMs || (a.id < b.id ? -1 : 1))
  }
}

function opened(episode: Episode, atMs: number, silent: boolean, evidence: readonly Evidence[]): NotedEpisode {
  return {
    id: episode.episodeId,
    ruleKey: episode.ruleKey,
    ruleVersion: episode.ruleVersion,
    deviceId: episode.deviceId,
    component: episode.component,
    severity: episode.severity,
    safety: episode.safety !== null,
    silence: episode.subject === 'silence',
    startedAtMs: episode.startedAtMs,
    openedAtMs: atMs,
    resolvedAtMs: null,
    reason: null,
    silent,
    evidence: evidence.map((leaf) => ({ ...leaf, series: leaf.series.slice(-SERIES_POINTS_MAX) })),
  }
}
