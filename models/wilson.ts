/** 95 % of a normal distribution lie within this many standard deviations. */
const Z_95 = 1.959964

/**
 * Where a share probably lies when `hits` of `trials` were seen: Wilson's score interval, which,
 * unlike the plain ±, stays inside 0 … 1 and says little after few trials.
 *
 * Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference",
 * Journal of the American Statistical Association 22, 209–212.
 *
 * Nothing tried: anything from 0 to 1. O(1).
 *
 * @param z standard deviations: 1.96 for 95 %
 * @example wilsonInterval(8, 10) // => [0.490, 0.943]
 */
export function wilsonInterval(hits: number, trials: number, z = Z_95): [low: number, high: number] {
  if (trials === 0) return [0, 1]
  const share = hits / trials
  const z2 = z * z
  const middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
  const reach = (z / (1 + z2 / trials)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials))
  return [hits === 0 ? 0 : Math.max(0, middle - reach), hits === trials ? 1 : Math.min(1, middle + reach)]
}
