import type { RuleDocument, Severity } from '#contracts'
import { dispatchOf } from '#rules'
import type { NotedEpisode } from './episode-notes.ts'

/** The numbers of the case table that decide how many people would be asked. */
export interface ServicePolicy {
  settleMs: number
  coolDownMs: number
  offersPerHome: number
  offersPerHomeWindowMs: number
}

export interface ServiceEstimate {
  cases: number
  offers: number
  /** Dispatched without asking. */
  automatic: number
}

const NO_SERVICE: ServiceEstimate = { cases: 0, offers: 0, automatic: 0 }

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }

/**
 * Follows one device's episodes through the case table (C1, C4, C5, C8): one live case at a time,
 * peace after it, an offer for what outlasts the settling. Homes are taken to be reachable and to
 * consent, since what is asked is what a rule would cause, not what consent would prevent.
 */
export class ServiceEstimator {
  readonly #dispatch: 'notify' | 'offer' | 'auto'
  readonly #policy: ServicePolicy
  /** Times of the newest offers of a home, since two of its devices share its patience. */
  readonly #offersOfHome = new Map<string, number[]>()
  readonly total: ServiceEstimate = { ...NO_SERVICE }

  constructor(rule: Pick<RuleDocument, 'dispatch' | 'service'>, policy: ServicePolicy) {
    this.#dispatch = dispatchOf(rule)
    this.#policy = policy
  }

  /** @param episodes of one device and component, in order of opening */
  add(episodes: readonly NotedEpisode[], homeId: string | null, toMs: number): void {
    const { settleMs, coolDownMs } = this.#policy
    let live: { untilMs: number; severity: Severity } | null = null
    for (const { silence, silent, openedAtMs, resolvedAtMs, severity, safety } of episodes) {
      if (silence || silent) continue
      const untilMs = resolvedAtMs ?? Number.POSITIVE_INFINITY
      if (live && openedAtMs < live.untilMs) {
        live.untilMs = Math.max(live.untilMs, untilMs)
        if (RANK[severity] > RANK[live.severity]) live.severity = severity
        continue
      }
      const isWorse = live !== null && RANK[severity] > RANK[live.severity]
      if (live && !safety && !isWorse && openedAtMs < live.untilMs + coolDownMs) continue
      live = { untilMs, severity }
      this.total.cases++
      const askedAtMs = openedAtMs + settleMs
      if (untilMs <= askedAtMs || askedAtMs > toMs) continue
      if (this.#dispatch === 'auto') this.total.automatic++
      else if (this.#dispatch === 'offer' && (safety || this.#hasPatience(homeId, askedAtMs))) this.total.offers++
    }
  }

  #hasPatience(homeId: string | null, atMs: number): boolean {
    if (homeId === null) return true
    const { offersPerHome, offersPerHomeWindowMs } = this.#policy
    const recent = (this.#offersOfHome.get(homeId) ?? []).filter((at) => Math.abs(atMs - at) < offersPerHomeWindowMs)
    if (recent.length >= offersPerHome) return false
    this.#offersOfHome.set(homeId, [...recent, atMs])
    return true
  }
}
