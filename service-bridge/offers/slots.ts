import { type AgreementDocument, instant, type ServiceHours, type Slot } from '#contracts'
import { durationMs, instantOf, localTime, minuteOf } from '#platform'
import { SLOT_DAYS, SLOTS_MAX } from '../policy.ts'

/** What a partner that states no hours is taken to work: days and times most field services share. */
const DEFAULT_HOURS: Required<ServiceHours> = {
  days: [1, 2, 3, 4, 5, 6],
  from: '09:00',
  to: '18:00',
  slot: 'PT3H',
  lead: 'PT18H',
}

/**
 * Visits to choose from, in the home's zone: whole slots inside the partner's hours, from its
 * lead time (and the part's) on, over the next two weeks.
 */
export function slotsOf(
  agreement: Pick<AgreementDocument, 'hours'>,
  options: { atMs: number; timeZone: string; partLeadMs?: number; visitMs?: number },
): Slot[] {
  const hours = { ...DEFAULT_HOURS, ...agreement.hours }
  const windowMinutes = Math.max(30, Math.round((durationMs(hours.slot) ?? 0) / 60_000))
  // Several jobs take several windows on end, up to the whole of a working day.
  const dayMinutes = minuteOf(hours.to) - minuteOf(hours.from)
  const windows = Math.max(1, Math.ceil((options.visitMs ?? 0) / 60_000 / windowMinutes))
  const slotMinutes = Math.min(windows * windowMinutes, Math.max(windowMinutes, dayMinutes))
  const leadMs = Math.max(durationMs(hours.lead) ?? 0, options.partLeadMs ?? 0)
  const first = localTime(options.atMs + leadMs, options.timeZone)
  const slots: Slot[] = []
  for (let ahead = 0; ahead < SLOT_DAYS && slots.length < SLOTS_MAX; ahead++) {
    const noon = new Date(Date.UTC(first.year, first.month - 1, first.day + ahead))
    const weekday = noon.getUTCDay() === 0 ? 7 : noon.getUTCDay()
    if (!hours.days.includes(weekday)) continue
    const day = { year: noon.getUTCFullYear(), month: noon.getUTCMonth() + 1, day: noon.getUTCDate() }
    for (let at = minuteOf(hours.from); at + slotMinutes <= minuteOf(hours.to); at += windowMinutes) {
      const fromMs = instantOf({ ...day, minute: at }, options.timeZone)
      if (fromMs < options.atMs + leadMs || slots.length >= SLOTS_MAX) continue
      slots.push({
        from: instant(fromMs),
        to: instant(instantOf({ ...day, minute: at + slotMinutes }, options.timeZone)),
      })
    }
  }
  return slots
}
