/** Precisions a rule may have fallen to, as shares of the bar: from finding nothing to finding a bit too little. */
const FALLEN_TO = [0.05, 0.3, 0.55, 0.8]
/** Verdicts among which the fall is looked for as if it were equally likely at each; later ones get their share of the rest. */
const EVEN_STARTS = 500
const EVEN_WEIGHT = 0.5 / EVEN_STARTS

export interface PrecisionWatch {
  /** How many times likelier the verdicts are if the precision fell below the bar at some time than if it never did. */
  evidence: number
  /** The verdict, from 1, at which the evidence sufficed; `null` while it does not. */
  fellAt: number | null
}

/**
 * Watches whether a share of right answers has fallen below a bar, looking after every answer and for
 * as long as wanted: whatever the number of looks, a share that stays at or above the bar is
 * accused with probability `falseAlarm` at most.
 *
 * Evidence is a betting martingale: likelihood ratios of a lower share against the bar,
 * averaged over what it may have fallen to and over when. Under any share ≥ bar its expectation
 * never grows, so by Ville's inequality it passes 1/falseAlarm with probability ≤ falseAlarm. The start is
 * averaged with weights that sum to one, which finds a fall after a long good time as well.
 *
 * Ville, J. (1939), Étude critique de la notion de collectif; Shafer and Vovk (2019),
 * Game-Theoretic Foundations for Probability and Finance; Shin, Ramdas and Rinaldo (2023),
 * "E-detectors", New England Journal of Statistics in Data Science 2.
 *
 * No answers: evidence 1, which says nothing. O(1) per answer.
 *
 * @param right answers in order: `true` for a right one
 */
export function watchPrecision(
  right: readonly boolean[],
  { bar, falseAlarm = 0.01 }: { bar: number; falseAlarm?: number },
): PrecisionWatch {
  const sums = FALLEN_TO.map(() => 0)
  let begun = 0
  let evidence = 1
  for (const [i, isRight] of right.entries()) {
    const weight = startWeight(i + 1)
    begun += weight
    for (const [k, share] of FALLEN_TO.entries()) {
      const fallen = share * bar
      const ratio = isRight ? fallen / bar : (1 - fallen) / (1 - bar)
      sums[k] = (sums[k]! + weight) * ratio
    }
    // What is kept for falls that have not come yet is neither won nor lost.
    evidence = sums.reduce((sum, value) => sum + value, 0) / sums.length + (1 - begun)
    if (evidence >= 1 / falseAlarm) return { evidence, fellAt: i + 1 }
  }
  return { evidence, fellAt: null }
}

/** Weights of all starts together are one. */
function startWeight(verdict: number): number {
  if (verdict <= EVEN_STARTS) return EVEN_WEIGHT
  return (0.5 * (EVEN_STARTS + 1)) / (verdict * (verdict + 1))
}
