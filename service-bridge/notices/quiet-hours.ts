import { instantOf, localTime, minuteOf } from '#platform'

/** When a home is left in peace: wall-clock times in its own zone. */
export interface QuietHours {
  /** `HH:MM`; may lie after `to`, over midnight. Equal times mean never quiet. */
  from: string
  to: string
  /** IANA zone. */
  timeZone: string
}

/** Whether nobody is to be disturbed now. `from` is quiet, `to` no longer. */
export function isQuiet(atMs: number, quiet: QuietHours): boolean {
  const now = localTime(atMs, quiet.timeZone).minute
  const from = minuteOf(quiet.from)
  const to = minuteOf(quiet.to)
  return from <= to ? now >= from && now < to : now >= from || now < to
}

/** The first instant from `atMs` on at which the home may be spoken to; `atMs` itself when it may be now. */
export function quietOverAt(atMs: number, quiet: QuietHours): number {
  if (!isQuiet(atMs, quiet)) return atMs
  const today = localTime(atMs, quiet.timeZone)
  const to = minuteOf(quiet.to)
  // Date.UTC carries a 32nd over into the next month.
  const day = today.minute < to ? today.day : today.day + 1
  return Math.max(atMs, instantOf({ year: today.year, month: today.month, day, minute: to }, quiet.timeZone))
}
