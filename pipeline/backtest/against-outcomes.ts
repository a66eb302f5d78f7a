import { wilsonInterval } from '#models'
import type { AgainstOutcomes, EpisodeOutcome, Quantiles } from './backtest-result.ts'
import type { NotedEpisode } from './episode-notes.ts'

const DAY_MS = 86_400_000
/** A failure counts as foreseen, and an alert as right, when at most this lies between the two. */
const FORESEEN_WITHIN_MS = 30 * DAY_MS
/** Open this long and still nothing failed: nothing was wrong, though nobody looked. */
const OPEN_IN_VAIN_MS = 90 * DAY_MS

/** Something that was wrong with a component, or was looked at and was not. */
export interface PastOutcome {
  deviceId: string
  /** Unknown: it may have been any of the device's. */
  component: string | null
  atMs: number
  kind: 'failure' | 'no_fault'
  /** The component was dealt with, and nothing else says so. */
  repaired: boolean
}

/** Time in which every repair is known, so that nothing after an alert means that nothing was wrong. */
export interface KnownSpan {
  fromMs: number
  toMs: number
}

/**
 * Compares episodes with what became of their components. An episode is confirmed by a failure or
 * a confirmed visit while it stood or within thirty days of its end; a failure is missed when no episode
 * stood in the thirty days before it. A failure of an unnamed component can confirm, and is never missed.
 */
export class OutcomeScore {
  readonly #component: string
  readonly #fromMs: number
  readonly #toMs: number
  readonly #known: KnownSpan | null
  readonly #leadDays: number[] = []
  readonly #counts = { confirmed: 0, noFault: 0, missed: 0, foreseen: 0, undecided: 0 }

  constructor(options: { component: string; fromMs: number; toMs: number; known: KnownSpan | null }) {
    this.#component = options.component
    this.#fromMs = options.fromMs
    this.#toMs = options.toMs
    this.#known = options.known
  }

  /** Judges one device: what each of its episodes turned out to be. */
  add(episodes: readonly NotedEpisode[], outcomes: readonly PastOutcome[]): Map<string, EpisodeOutcome | null> {
    const mine = outcomes.filter(({ component }) => component === null || component === this.#component)
    const judged = new Map<string, EpisodeOutcome | null>()
    const spoken = episodes.filter(({ silence }) => !silence)
    for (const episode of spoken) {
      const outcome = this.#judge(episode, mine)
      judged.set(episode.id, outcome)
      if (outcome === 'confirmed') this.#counts.confirmed++
      else if (outcome === 'noFault') this.#counts.noFault++
      else this.#counts.undecided++
    }
    for (const failure of mine) {
      if (failure.kind !== 'failure' || failure.atMs < this.#fromMs || failure.atMs >= this.#toMs) continue
      const before = spoken.find((episode) => foresaw(episode, failure.atMs))
      if (before) {
        this.#counts.foreseen++
        this.#leadDays.push((failure.atMs - before.openedAtMs) / DAY_MS)
      } else if (failure.component !== null) this.#counts.missed++
    }
    return judged
  }

  #judge(episode: NotedEpisode, outcomes: readonly PastOutcome[]): EpisodeOutcome | null {
    const near = outcomes.filter(({ atMs }) => foresaw(episode, atMs))
    if (near.some(({ kind }) => kind === 'failure')) return 'confirmed'
    if (near.length > 0) return 'noFault'
    if (!this.#known || episode.openedAtMs < this.#known.fromMs) return null
    const endMs = episode.resolvedAtMs
    const judgedFromMs = Math.min(
      endMs === null ? Number.POSITIVE_INFINITY : endMs + FORESEEN_WITHIN_MS,
      episode.openedAtMs + OPEN_IN_VAIN_MS,
    )
    return judgedFromMs <= Math.min(this.#known.toMs, this.#toMs) ? 'noFault' : null
  }

  leadTimeDays(): Quantiles | null {
    return quantilesOf(this.#leadDays)
  }

  result(): AgainstOutcomes {
    const { confirmed, noFault, missed, foreseen } = this.#counts
    const judged = confirmed + noFault
    const failures = foreseen + missed
    return {
      ...this.#counts,
      precision: judged > 0 ? confirmed / judged : null,
      precisionInterval: judged > 0 ? wilsonInterval(confirmed, judged) : null,
      recall: failures > 0 ? foreseen / failures : null,
    }
  }
}

/** Whether an episode stood in the thirty days before a moment. */
function foresaw({ openedAtMs, resolvedAtMs }: NotedEpisode, atMs: number): boolean {
  return openedAtMs <= atMs && (resolvedAtMs ?? Number.POSITIVE_INFINITY) >= atMs - FORESEEN_WITHIN_MS
}

/** Tenth, middle and ninetieth of a hundred, by nearest rank; `null` of nothing. */
export function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) }
}
