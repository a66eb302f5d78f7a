import type { Opening } from './instance.ts'

const DAY_MS = 86_400_000
/** Episodes within a day from which their notices collapse into one (T24). */
const FLAPPING_FROM = 4

/** Whether an instance flaps, its newest episode just opened. Once flapping it stays so until a day has at most one. */
export function isFlapping(openings: readonly Opening[], wasFlapping: boolean): boolean {
  return wasFlapping || episodesWithinDay(openings) >= FLAPPING_FROM
}

/** Episodes in the day up to the newest, of those remembered. */
export function episodesWithinDay(openings: readonly Opening[]): number {
  const newest = openings.at(-1)?.startedAtMs ?? 0
  return openings.filter((opening) => opening.startedAtMs > newest - DAY_MS).length
}

/** Event time from which at most one episode lies within a day. */
export function calmFromMs(openings: readonly Opening[]): number {
  const secondNewest = openings.at(-2)
  return secondNewest ? secondNewest.startedAtMs + DAY_MS : Number.NEGATIVE_INFINITY
}
