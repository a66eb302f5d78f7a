/** Weights of the standard profile: what a found window earns, a false alarm and a missed window cost. */
const FOUND = 1
const FALSE_ALARM = 0.11
const MISSED = 1
/** A stream's first part is not scored: this share of its rows, and of this many rows at most. */
const PROBATION_SHARE = 0.15
const PROBATION_ROWS_MOST = 750

/**
 * Score of the Numenta anomaly benchmark (Lavin and Ahmad, 2015): early within a window earns most, an alarm after
 * a window costs the more the later. 100 finds every window at its start without a false alarm, 0 says nothing.
 */
export class NabTally {
  windows = 0
  found = 0
  #sum = 0

  /** One stream: times of its rows, its windows, and the rows at which an alarm was raised. */
  add(times: readonly number[], windows: readonly (readonly [number, number])[], detections: readonly number[]): void {
    const probation = Math.min(Math.floor(PROBATION_SHARE * times.length), PROBATION_ROWS_MOST)
    const spans = windows.map(
      ([from, to]) => [times.findIndex((at) => at >= from), times.findLastIndex((at) => at <= to)] as const,
    )
    const best = new Map<number, number>()
    for (const row of detections) {
      if (row < probation) continue
      const inside = spans.findIndex(([left, right]) => row >= left && row <= right)
      if (inside >= 0) {
        const [left, right] = spans[inside]!
        const earned = (FOUND * sigmoid(-(right - row + 1) / (right - left + 1))) / sigmoid(-1)
        best.set(inside, Math.max(best.get(inside) ?? Number.NEGATIVE_INFINITY, earned))
        continue
      }
      const before = spans.findLast(([, right]) => right < row)
      this.#sum += before ? FALSE_ALARM * sigmoid((row - before[1]) / (before[1] - before[0])) : -FALSE_ALARM
    }
    for (const earned of best.values()) this.#sum += earned
    this.#sum -= MISSED * (spans.length - best.size)
    this.windows += spans.length
    this.found += best.size
  }

  score(): number {
    const nothing = -MISSED * this.windows
    return (100 * (this.#sum - nothing)) / (FOUND * this.windows - nothing)
  }
}

const sigmoid = (y: number): number => (y > 3 ? -1 : 2 / (1 + Math.exp(5 * y)) - 1)
