const DAY_MS = 86_400_000
/** Episodes within a day from which their notices collapse into one (T24). */
const FLAPPING_FROM = 4

/**
 * Whether an instance flaps, from the starts of its recent episodes (start and ordinal
 * alternating, the newest just opened). Once flapping it stays so until a day has at most one.
 */
export function isFlapping(openings: readonly number[], wasFlapping: boolean): boolean {
  if (wasFlapping) return true
  const newest = openings[openings.length - 2]!
  let withinDay = 0
  for (let i = 0; i < openings.length; i += 2) if (openings[i]! > newest - DAY_MS) withinDay++
  return withinDay >= FLAPPING_FROM
}

/** Event time from which at most one episode lies within a day. */
export function calmFromMs(openings: readonly number[]): number {
  return openings.length < 4 ? Number.NEGATIVE_INFINITY : openings[openings.length - 4]! + DAY_MS
}
