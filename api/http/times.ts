import { HubError } from '#platform'

/** Outside these a time is a mistake, and arithmetic on it would be too. */
const EARLIEST_MS = Date.UTC(1970, 0, 1)
const LATEST_MS = Date.UTC(2200, 0, 1)

/** Milliseconds of an instant the schema has let through; the calendar is checked here (there is no 31 February). */
export function msOf(text: string, pointer: string): number {
  const ms = Date.parse(text)
  // The parser carries 31 February over into March: what it gives back must be what was written.
  const carried = Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== text.slice(0, 19)
  if (carried) throw new HubError('VALIDATION_FAILED', `“${text}” is not a time that exists.`, { pointer })
  if (ms < EARLIEST_MS || ms >= LATEST_MS) {
    throw new HubError('VALIDATION_FAILED', `“${text}” lies outside 1970–2199.`, { pointer })
  }
  return ms
}

export function msOrNull(text: string | null | undefined, pointer: string): number | null {
  return text === null || text === undefined ? null : msOf(text, pointer)
}

/** The same for a query, where there is no pointer to give. */
export function queryMs(text: string, name: string): number {
  try {
    return msOf(text, '')
  } catch (error) {
    throw new HubError('BAD_REQUEST', `The query parameter ${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** True for a zone this machine's time-zone data knows. */
export function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
