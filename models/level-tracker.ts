/** How fast a tracker forgets, in units of use (hours, litres, cycles, or days for calendar wear). */
export interface LevelTrackerOptions {
  /** Time constant of the level a person would read off: long enough to drown noise. */
  fast: number
  /** Time constant of the level the trend is read against; several times `fast`. */
  slow: number
}

/** What a tracker remembers: seven numbers, whatever the history. Plain, for a checkpoint. */
export interface LevelTrackerState {
  count: number
  firstUse: number
  use: number
  fast: number
  slow: number
  /** Mean age of what each mean remembers, in units of use. */
  fastAge: number
  slowAge: number
}

const NOTHING: LevelTrackerState = { count: 0, firstUse: 0, use: 0, fast: 0, slow: 0, fastAge: 0, slowAge: 0 }

export interface TrackedLevel {
  use: number
  level: number
  /** Level per unit of use. */
  slope: number
}

/**
 * The level of a wearing part and how fast it moves, from noisy readings at uneven steps of use.
 *
 * Two exponentially weighted means, one with a short and one with a long memory; their difference
 * over the difference of their mean ages is the slope: exact for a straight line from the second reading on.
 * Until a mean has seen its time constant it is the plain mean of what it has seen, so that the
 * first reading, often the worst, does not linger.
 * Source: Brown, "Smoothing, Forecasting and Prediction" (1963); uneven steps after Wright (1986).
 *
 * O(1) per reading, bounded state. A reading that is not finite, or whose use went backwards, changes nothing.
 */
export class LevelTracker {
  readonly #options: LevelTrackerOptions
  readonly #state: LevelTrackerState

  constructor(options: LevelTrackerOptions, saved: LevelTrackerState = NOTHING) {
    this.#options = options
    this.#state = { ...saved }
  }

  /** Takes one reading; whether it counted. */
  update(use: number, value: number): boolean {
    const state = this.#state
    if (!Number.isFinite(use) || !Number.isFinite(value)) return false
    if (state.count === 0) {
      Object.assign(state, { count: 1, firstUse: use, use, fast: value, slow: value })
      return true
    }
    const step = use - state.use
    if (step < 0) return false
    state.count += 1
    const fastShare = Math.max(1 - Math.exp(-step / this.#options.fast), 1 / state.count)
    const slowShare = Math.max(1 - Math.exp(-step / this.#options.slow), 1 / state.count)
    state.use = use
    state.fast += fastShare * (value - state.fast)
    state.slow += slowShare * (value - state.slow)
    state.fastAge = (1 - fastShare) * (state.fastAge + step)
    state.slowAge = (1 - slowShare) * (state.slowAge + step)
    return true
  }

  /** Null before the first reading. While both means have seen the same, the slope is 0: nothing known yet. */
  read(): TrackedLevel | null {
    const { count, use, fast, slow, fastAge, slowAge } = this.#state
    if (count === 0) return null
    const lag = slowAge - fastAge
    return { use, level: fast, slope: lag > 0 ? (fast - slow) / lag : 0 }
  }

  get count(): number {
    return this.#state.count
  }

  get span(): number {
    return this.#state.use - this.#state.firstUse
  }

  save(): LevelTrackerState {
    return { ...this.#state }
  }
}
