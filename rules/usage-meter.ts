import { LEAF_FELL_FROM, LEAF_LAST, LEAF_LAST_AT, LEAF_VALUE, type UsageLeaf } from './leaf.ts'

/** A counter that reads this much less than before, of what it was, has been rounded, not reset. */
const SAG = 0.01
/** A counter that was in the last tenth of its range and now is in the first has rolled over. */
const ROLLS_OVER_FROM = 0.9
const ROLLS_OVER_INTO = 0.1
/** Clocks of appliances are wrong by less than this: an hour meter may run so much faster than hours pass. */
const CLOCK_FAST = 1.1

/** Units whose counters cannot grow faster than time passes, in milliseconds. */
const TIME_UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** How fast a counter can grow, and where it starts over. */
export type UsagePace = Pick<UsageLeaf, 'perMsMax' | 'slack' | 'rollsOverAt'>

/** How fast a counter can grow: as the rule says, no faster than time for a counter of time, else as it likes. */
export function paceOf(unit: string, perDayMax?: number): { perMsMax: number; slack: number } {
  if (perDayMax !== undefined) return { perMsMax: perDayMax / 86_400_000, slack: perDayMax / 24 }
  const unitMs = TIME_UNITS_MS[unit]
  // A counter of whole hours may step just after it was read.
  return unitMs ? { perMsMax: CLOCK_FAST / unitMs, slack: 1 } : { perMsMax: 0, slack: Number.POSITIVE_INFINITY }
}

/**
 * Lets a usage leaf see the counter stand at `value`. What counts is growth:
 * - the first reading counts whole: the counter has been running since the device has;
 * - a slight fall is rounding and counts nothing, nor does growing back;
 * - a fall from the last tenth of the range into the first is a roll-over;
 * - any other fall is a reset: what it shows since counts. Should the very next reading stand at or above where
 *   it fell from, it was a hiccup and the fall is taken back;
 * - growth faster than the rule allows, or than time passes for a counter of time, is a jump and counts nothing.
 *
 * A total that cannot be known (`NaN`: serviced before the counter was first seen) stays so until the next service.
 */
export function meter(core: number[], at: number, leaf: UsagePace, value: number, atMs: number): void {
  const last = core[at + LEAF_LAST]!
  if (Number.isNaN(last)) {
    // Serviced before it was ever seen: counting begins here.
    if (Number.isNaN(core[at + LEAF_VALUE]!)) core[at + LEAF_VALUE] = Math.max(0, value)
    stand(core, at, value, atMs, Number.NaN)
    return
  }
  const most = leaf.perMsMax * (atMs - core[at + LEAF_LAST_AT]!) + leaf.slack
  const fellFrom = core[at + LEAF_FELL_FROM]!
  if (value >= last) {
    const hiccup = value >= fellFrom
    if (hiccup) count(core, at, -Math.max(0, last))
    const grown = value - (hiccup ? fellFrom : last)
    count(core, at, grown > most ? 0 : grown)
    stand(core, at, value, atMs, Number.NaN)
  } else if (last - value <= SAG * Math.abs(last)) {
    stand(core, at, last, atMs, Number.NaN)
  } else if (last >= ROLLS_OVER_FROM * leaf.rollsOverAt && value <= ROLLS_OVER_INTO * leaf.rollsOverAt) {
    const grown = leaf.rollsOverAt - last + Math.max(0, value)
    count(core, at, grown > most ? 0 : grown)
    stand(core, at, value, atMs, Number.NaN)
  } else {
    const shown = Math.max(0, value)
    const counts = shown <= most
    count(core, at, counts ? shown : 0)
    // A reset to more than can have been counted cannot be told from a jump back, and is not taken back.
    stand(core, at, value, atMs, counts ? last : Number.NaN)
  }
}

/** Counting begins anew, at what the counter shows. */
export function restartMeter(core: number[], at: number, counter: { value: number; atMs: number } | null): void {
  core[at + LEAF_VALUE] = 0
  core[at + LEAF_FELL_FROM] = Number.NaN
  if (counter) stand(core, at, counter.value, counter.atMs, Number.NaN)
  // Without a reading of that time: from where it stood last, or from the first one to come.
}

/** Serviced at a time when nobody looked at the counter: what it has counted since cannot be known. */
export function forgetMeter(core: number[], at: number): void {
  core[at + LEAF_VALUE] = Number.NaN
  stand(core, at, 0, Number.NEGATIVE_INFINITY, Number.NaN)
}

function count(core: number[], at: number, more: number): void {
  // Absurd counters may add up beyond every number; the largest is enough of a total.
  core[at + LEAF_VALUE] = Math.min(Math.max(0, core[at + LEAF_VALUE]! + more), Number.MAX_VALUE)
}

function stand(core: number[], at: number, value: number, atMs: number, fellFrom: number): void {
  core[at + LEAF_LAST] = value
  core[at + LEAF_LAST_AT] = atMs
  core[at + LEAF_FELL_FROM] = fellFrom
}
