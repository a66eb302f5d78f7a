import type { Evidence, ResolveReason, Severity } from '#contracts'

/** One stay of the condition, as a backtest found it. */
export interface BacktestEpisode {
  id: string
  device: string
  component: string
  severity: Severity
  /** Event time at which the condition became true. */
  startedAt: string
  /** Hub time at which it fired. */
  openedAt: string
  resolvedAt: string | null
  reason: ResolveReason | null
  /** History when it was found: nobody would have been told. */
  silent: boolean
  /** What it foresaw, or what was found instead; `null` while nobody knows. */
  outcome: EpisodeOutcome | null
  evidence: readonly Evidence[]
}

export type EpisodeOutcome = 'confirmed' | 'noFault'

export interface Quantiles {
  p10: number
  p50: number
  p90: number
}

export interface AgainstOutcomes {
  /** Episodes a failure, a repair or a technician's verdict confirmed. */
  confirmed: number
  /** Episodes a technician found nothing behind, or that nothing followed although repairs of that time are known. */
  noFault: number
  /** Failures and fault reports with no episode in the thirty days before. */
  missed: number
  /** Failures and fault reports that an episode foresaw. */
  foreseen: number
  /** Episodes nobody can judge yet. */
  undecided: number
  precision: number | null
  /** 95 % of them, by Wilson's interval. */
  precisionInterval: [low: number, high: number] | null
  recall: number | null
}

export interface BacktestResult {
  mode: 'as-run' | 'what-if'
  rule: string
  /** Version of the rule; `null` for a draft, or where several were in force. */
  version: number | null
  /** From here readings were read, so that windows were full at `from`; `null` as run, which needs none. */
  warmUpFrom: string | null
  devices: number
  from: string
  to: string
  /** Values of the rule's metrics that were read. */
  samples: number
  seconds: number
  alerts: number
  cases: number
  offers: number
  /** An estimate: offers by the acceptance rate, and what is dispatched without asking. */
  workOrders: number
  acceptance: { rate: number; from: 'brand' | 'default'; answered: number }
  /** Work orders, that is visits, per thousand device-months of thirty days. */
  perThousandDeviceMonths: number
  leadTimeDays: Quantiles | null
  againstOutcomes: AgainstOutcomes
  episodes: BacktestEpisode[]
  /** Episodes counted above and left out of the list. */
  episodesOmitted: number
  /** As run: whether what happened came out again, ids and times included. */
  identical?: { compared: number; missing: string[]; unexpected: string[]; different: string[] }
  notes: string[]
}

export interface BacktestProgress {
  devicesDone: number
  devices: number
  samples: number
  alerts: number
}

/** Episodes listed with their evidence; a rule with more of them has its answer in the counts. */
export const EPISODES_LISTED_MAX = 5_000
