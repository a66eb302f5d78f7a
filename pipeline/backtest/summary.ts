import type { RuleDocument } from '#contracts'
import { instant } from '#contracts'
import { type KnownSpan, OutcomeScore, type PastOutcome } from './against-outcomes.ts'
import {
  type BacktestEpisode,
  type BacktestResult,
  EPISODES_LISTED_MAX,
  type EpisodeOutcome,
} from './backtest-result.ts'
import type { NotedEpisode } from './episode-notes.ts'
import { ServiceEstimator, type ServicePolicy } from './service-estimate.ts'

const DAY_MS = 86_400_000
const MONTH_MS = 30 * DAY_MS

export interface Acceptance {
  rate: number
  from: 'brand' | 'default'
  /** Offers answered that the rate was counted from. */
  answered: number
}

export interface SummaryOptions {
  rule: RuleDocument
  fromMs: number
  toMs: number
  known: KnownSpan | null
  policy: ServicePolicy
  acceptance: Acceptance
}

/** Adds up a backtest in the brand's terms, a device at a time, in bounded memory. */
export class Summary {
  readonly #options: SummaryOptions
  readonly #service: ServiceEstimator
  readonly #score: OutcomeScore
  readonly #episodes: BacktestEpisode[] = []
  #alerts = 0
  #devices = 0

  constructor(options: SummaryOptions) {
    this.#options = options
    this.#service = new ServiceEstimator(options.rule, options.policy)
    this.#score = new OutcomeScore({ component: options.rule.component, ...options })
  }

  add(device: { homeId: string | null; episodes: readonly NotedEpisode[]; outcomes: readonly PastOutcome[] }): void {
    const { episodes, outcomes, homeId } = device
    this.#devices++
    this.#alerts += episodes.length
    this.#service.add(episodes, homeId, this.#options.toMs)
    const judged = this.#score.add(episodes, outcomes)
    for (const episode of episodes) {
      if (this.#episodes.length >= EPISODES_LISTED_MAX) return
      this.#episodes.push(shown(episode, judged.get(episode.id) ?? null))
    }
  }

  result(about: {
    mode: BacktestResult['mode']
    version: number | null
    warmUpFromMs: number | null
    samples: number
    seconds: number
    notes: string[]
  }): BacktestResult {
    const { fromMs, toMs, acceptance, rule } = this.#options
    const { cases, offers, automatic } = this.#service.total
    const workOrders = Math.round((automatic + offers * acceptance.rate) * 10) / 10
    const deviceMonths = (this.#devices * (toMs - fromMs)) / MONTH_MS
    return {
      mode: about.mode,
      rule: rule.key,
      version: about.version,
      warmUpFrom: about.warmUpFromMs === null ? null : instant(about.warmUpFromMs),
      devices: this.#devices,
      from: instant(fromMs),
      to: instant(toMs),
      samples: about.samples,
      seconds: Math.round(about.seconds * 1_000) / 1_000,
      alerts: this.#alerts,
      cases,
      offers,
      workOrders,
      acceptance,
      perThousandDeviceMonths: deviceMonths > 0 ? Math.round((workOrders / deviceMonths) * 1_000_000) / 1_000 : 0,
      leadTimeDays: this.#score.leadTimeDays(),
      againstOutcomes: this.#score.result(),
      episodes: this.#episodes,
      episodesOmitted: this.#alerts - this.#episodes.length,
      notes: about.notes,
    }
  }
}

function shown(episode: NotedEpisode, outcome: EpisodeOutcome | null): BacktestEpisode {
  return {
    id: episode.id,
    device: episode.deviceId,
    component: episode.component,
    severity: episode.severity,
    startedAt: instant(episode.startedAtMs),
    openedAt: instant(episode.openedAtMs),
    resolvedAt: episode.resolvedAtMs === null ? null : instant(episode.resolvedAtMs),
    reason: episode.reason,
    silent: episode.silent,
    outcome,
    evidence: episode.evidence,
  }
}
