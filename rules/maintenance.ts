import type { DeviceFacts, MaintenanceWindow } from '#contracts'
import { instantOf, isTimeZone, localTime, minuteOf } from '#platform'

/** One stay in a maintenance window. `Infinity` where it never comes. */
export interface Occurrence {
  startMs: number
  endMs: number
}

const NEVER: Occurrence = { startMs: Number.POSITIVE_INFINITY, endMs: Number.POSITIVE_INFINITY }
/** A window comes on some day of the week; one more day for the hours of a zone, one for a night skipped by a clock change. */
const DAYS_AHEAD = 9

/**
 * The stay that goes on at `atMs`, or the next one. Its ends are what the clock of the zone shows, on days that have 23
 * or 25 hours too: a time that spring skips is the first after the gap, one that autumn repeats counts once.
 */
export function occurrenceAt(window: MaintenanceWindow, timeZone: string, atMs: number): Occurrence {
  const today = localTime(atMs, timeZone)
  const [from, to] = [minuteOf(window.from), minuteOf(window.to)]
  // From the day before: it may still be on, over midnight.
  for (let ahead = -1; ahead <= DAYS_AHEAD; ahead++) {
    const { year, month } = today
    const day = today.day + ahead
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7
    if (!window.days.includes(weekday)) continue
    const startMs = instantOf({ year, month, day, minute: from }, timeZone)
    const endMs = instantOf({ year, month, day: to > from ? day : day + 1, minute: to }, timeZone)
    if (endMs > atMs && endMs > startMs) return { startMs, endMs }
  }
  return NEVER
}

/** The maintenance windows of a brand, with the stay of each in each zone worked out once. */
export class MaintenanceWindows {
  readonly byId = new Map<string, MaintenanceWindow>()
  readonly #stays = new Map<string, Occurrence>()
  readonly #zones = new Set<string>()
  #nextEndMs = Number.NEGATIVE_INFINITY

  set(windowId: string, window: MaintenanceWindow | null): void {
    if (window === null) this.byId.delete(windowId)
    else this.byId.set(windowId, window)
    this.#stays.clear()
    this.#nextEndMs = Number.NEGATIVE_INFINITY
  }

  /** Whether one that `covers` is on for this device. */
  isOn(device: DeviceFacts, atMs: number, covers: (window: MaintenanceWindow) => boolean): boolean {
    for (const [windowId, window] of this.byId) {
      if (!covers(window)) continue
      const { startMs, endMs } = this.#stay(windowId, window, device.timeZone, atMs)
      if (startMs <= atMs && atMs < endMs) return true
    }
    return false
  }

  /** A zone in which a home of the brand lies. */
  addZone(timeZone: string): void {
    if (this.#zones.has(timeZone)) return
    this.#zones.add(timeZone)
    this.#nextEndMs = Number.NEGATIVE_INFINITY
  }

  /** When the next stay of any window ends, in any zone; `Infinity` when none will. Asked with every reading, so it is kept. */
  nextEndMs(atMs: number): number {
    if (atMs < this.#nextEndMs) return this.#nextEndMs
    let next = Number.POSITIVE_INFINITY
    for (const [windowId, window] of this.byId)
      for (const timeZone of window.zone === 'home' ? this.#zones : [window.zone])
        next = Math.min(next, this.#stay(windowId, window, timeZone, atMs).endMs)
    this.#nextEndMs = next
    return next
  }

  #stay(windowId: string, window: MaintenanceWindow, homeZone: string, atMs: number): Occurrence {
    const timeZone = window.zone === 'home' ? homeZone : window.zone
    const key = `${windowId} ${timeZone}`
    const known = this.#stays.get(key)
    if (known && atMs < known.endMs) return known
    const stay = isTimeZone(timeZone) ? occurrenceAt(window, timeZone, atMs) : NEVER
    this.#stays.set(key, stay)
    return stay
  }
}
