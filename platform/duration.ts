const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
/** A hundred years: no appliance lives so long, and the present plus one of these is still a date. */
export const DURATION_MS_MAX = 36_525 * 86_400_000
const SHORT = /^(?:\d+(?:ms|s|m|h|d|w))+$/
const SHORT_PART = /(\d+)(ms|s|m|h|d|w)/g
/** Years and months are refused: their length depends on the calendar. */
const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/

/**
 * Milliseconds of a duration written ISO 8601 (`PT10M`, `P14D`) or short (`10m`, `1h30m`);
 * `null` when it is neither, or longer than a hundred years. Months and years are not durations here.
 *
 * @example durationMs('PT30M') // => 1_800_000
 */
export function durationMs(text: string): number | null {
  if (SHORT.test(text)) {
    let total = 0
    for (const [, count, unit] of text.matchAll(SHORT_PART)) total += Number(count) * (UNIT_MS[unit!] ?? Number.NaN)
    return inRange(total)
  }
  const iso = ISO.exec(text)
  if (!iso || text === 'P' || text.endsWith('T')) return null
  const [, weeks, days, hours, minutes, seconds] = iso.map((part) => Number(part ?? 0))
  const total = Math.round(
    weeks! * UNIT_MS.w! + days! * UNIT_MS.d! + hours! * UNIT_MS.h! + minutes! * UNIT_MS.m! + seconds! * 1_000,
  ) // prettier-ignore
  return inRange(total)
}

function inRange(ms: number): number | null {
  return ms <= DURATION_MS_MAX ? ms : null
}

/** The same in ISO 8601, as events and API answers write it. @example isoDuration(1_800_000) // => 'PT30M' */
export function isoDuration(ms: number): string {
  const days = Math.floor(ms / UNIT_MS.d!)
  const hours = Math.floor((ms % UNIT_MS.d!) / UNIT_MS.h!)
  const minutes = Math.floor((ms % UNIT_MS.h!) / UNIT_MS.m!)
  const seconds = (ms % UNIT_MS.m!) / 1_000
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${seconds ? `${seconds}S` : ''}`
  return days || time ? `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}` : 'PT0S'
}
