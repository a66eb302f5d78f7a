/** 90 % of a normal distribution lie within this many standard deviations. */
const Z_90 = 1.644854

/**
 * Where the mean of a count probably lies when `count` was seen, by Byar's approximation to the exact
 * Poisson interval; within a percent of it from one event on.
 *
 * Rothman, K. J. and Boice, J. D. (1979), Epidemiologic Analysis with a Programmable Calculator.
 *
 * Nothing seen: from 0 to about 3 (90 %). O(1).
 *
 * @example poissonInterval(10) // => [5.43, 16.96]
 */
export function poissonInterval(count: number, z = Z_90): [low: number, high: number] {
  const cube = (n: number, sign: number): number => n * (1 - 1 / (9 * n) + (sign * z) / (3 * Math.sqrt(n))) ** 3
  return [count === 0 ? 0 : Math.max(0, cube(count, -1)), cube(count + 1, 1)]
}
