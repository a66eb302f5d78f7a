import { durationMs } from '#platform'

const DAY_MS = 86_400_000
/** A year of age, leap days spread over four. */
const YEAR_DAYS = 365.25

/**
 * Days of an age as rules write it: `8y`, `180d`, `26w`, `P400D`; `null` when it is none.
 *
 * @example ageDays('8y') // => 2922
 */
export function ageDays(text: string): number | null {
  const years = /^(\d{1,3})y$/.exec(text)
  if (years) return Number(years[1]) * YEAR_DAYS
  const ms = durationMs(text)
  return ms === null ? null : ms / DAY_MS
}
