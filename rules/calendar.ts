import { instantOf, localTime } from '#platform'
import type { MonthDay, SeasonLeaf } from './leaf.ts'

/** Whether a season is on, and when that changes. */
export interface Season {
  inside: boolean
  nextMs: number
}

/**
 * A part of the year by the calendar of a home: from the first moment of `from` to the last of `to`, over the year's
 * end when `to` comes before `from`. In years without a 29 February it begins on 1 March, or ends on the 28th.
 */
export function seasonAt({ from, to }: Pick<SeasonLeaf, 'from' | 'to'>, atMs: number, timeZone: string): Season {
  const { year, month, day } = localTime(atMs, timeZone)
  const today = rank({ month, day })
  const inside =
    rank(from) <= rank(to) ? today >= rank(from) && today <= rank(to) : today >= rank(from) || today <= rank(to)
  const startOf = (of: number): number =>
    inside
      ? instantOf({ year: of, month: to.month, day: Math.min(to.day, lastDay(of, to.month)) + 1, minute: 0 }, timeZone)
      : instantOf({ year: of, month: from.month, day: from.day, minute: 0 }, timeZone)
  // A season that fills the year is left and entered at the same moment, and so never left.
  const nextMs = [year, year + 1, year + 2].map(startOf).find((candidate) => candidate > atMs)!
  return { inside, nextMs }
}

function rank({ month, day }: MonthDay): number {
  return month * 100 + day
}

/** Days of a month. */
export function lastDay(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** `--05-01` of a checked rule. */
export function monthDayOf(text: string): MonthDay {
  return { month: Number(text.slice(2, 4)), day: Number(text.slice(5, 7)) }
}
