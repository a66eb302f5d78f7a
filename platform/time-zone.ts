import { HubError } from './errors.ts'

/** Wall-clock reading of a zone at an instant. */
export interface LocalTime {
  year: number
  month: number
  day: number
  /** Minutes since local midnight, 0–1439. */
  minute: number
  /** ISO week day, 1 = Monday. */
  weekday: number
}

const MINUTE_MS = 60_000
const DAY_MINUTES = 1_440
const formats = new Map<string, Intl.DateTimeFormat>()
/** Zones seen by one process; beyond this something is wrong, and the cache starts over. */
const FORMATS_MAX = 600

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  let made: Intl.DateTimeFormat
  try {
    made = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    })
  } catch (cause) {
    throw new HubError('VALIDATION_FAILED', `"${timeZone}" is not an IANA time zone.`, { cause })
  }
  if (formats.size >= FORMATS_MAX) formats.clear()
  formats.set(timeZone, made)
  return made
}

/** What clock and calendar show in the zone. */
export function localTime(atMs: number, timeZone: string): LocalTime {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(atMs)
      .map((part) => [part.type, Number(part.value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  return { year, month, day, minute: hour * 60 + minute, weekday: weekday === 0 ? 7 : weekday }
}

/** Minutes since midnight of `HH:MM`. */
export function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

/**
 * The instant at which the zone's clock shows that time on that day. A time that a spring
 * change skips becomes the first one after the gap; one that autumn repeats, its first pass.
 */
export function instantOf(
  local: { year: number; month: number; day: number; minute: number },
  timeZone: string,
): number {
  const asUtc = Date.UTC(local.year, local.month - 1, local.day, 0, local.minute)
  const offsetAt = (atMs: number): number => {
    const seen = localTime(atMs, timeZone)
    return Date.UTC(seen.year, seen.month - 1, seen.day, 0, seen.minute) - Math.floor(atMs / MINUTE_MS) * MINUTE_MS
  }
  // Offsets change by hours at most, so the two around the guess are all there can be.
  const before = offsetAt(asUtc - DAY_MINUTES * MINUTE_MS)
  const after = offsetAt(asUtc + DAY_MINUTES * MINUTE_MS)
  const candidates = [asUtc - Math.max(before, after), asUtc - Math.min(before, after)]
  for (const candidate of candidates) if (candidate + offsetAt(candidate) === asUtc) return candidate
  return asUtc - Math.min(before, after)
}

/** Whether this machine's time-zone data know the zone. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}
