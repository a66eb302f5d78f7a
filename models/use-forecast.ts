/** Use of one unit so far, read at equal steps of time: entry k is all use up to k steps. Never falls. */
export type UseProfile = readonly number[]

/** Profiles that differ by a twentieth of their use so far are the same way of living. */
const ALIKE = 0.05
/** Profiles whose likeness is below this say nothing about the device. */
const LIKENESS_LEAST = 1e-3
/** Without anyone alike the device's own recent pace goes on: that of this share of its past. */
const RECENT = 0.25
/** Steps looked at when profiles are compared: spread over the past, the latest included. */
const COMPARED = 32
/** A pace this small never gets there; the answer stays a number. */
const STEPS_MOST = 1e6

/**
 * Steps of time until a device has used `use` more: what turns remaining hours of running into a date.
 *
 * Units of the fleet that used theirs as this one did so far are asked how they went on, each weighted by its
 * likeness (a Gaussian of the mean relative difference of both courses of use); where a profile ends, its mean pace
 * goes on. With nobody alike the device's own recent pace goes on.
 * Source: Nadaraya–Watson regression on the course so far, after Wang's similarity-based prognosis (PHM 2008).
 *
 * O(profiles · (compared + steps ahead)). 0 for no use.
 *
 * @example timeForUse([], [0, 2, 4, 6, 8], 10) // => 5
 */
export function timeForUse(fleet: readonly UseProfile[], own: UseProfile, use: number): number {
  if (!(use > 0)) return 0
  let sum = 0
  let total = 0
  for (const profile of fleet) {
    const likeness = likenessOf(profile, own)
    if (likeness < LIKENESS_LEAST) continue
    sum += likeness * stepsAhead(profile, own.length - 1, use)
    total += likeness
  }
  return Math.min(total > 0 ? sum / total : use / recentPace(own), STEPS_MOST)
}

/** 1 for the same course of use, towards 0 for another; 0 for one that is not as old. */
function likenessOf(profile: UseProfile, own: UseProfile): number {
  const last = own.length - 1
  if (profile.length - 1 <= last) return 0
  let apart = 0
  let count = 0
  for (let k = 1; k <= COMPARED; k++) {
    const at = Math.round((k * last) / COMPARED)
    if (at === 0) continue
    const [a, b] = [own[at]!, profile[at]!]
    apart += Math.abs(a - b) / Math.max(a, b, Number.EPSILON)
    count += 1
  }
  if (count === 0) return 1
  return Math.exp(-0.5 * (apart / count / ALIKE) ** 2)
}

function stepsAhead(profile: UseProfile, from: number, use: number): number {
  const target = profile[from]! + use
  const last = profile.length - 1
  if (profile[last]! < target) {
    const pace = profile[last]! / last
    return Math.min(last - from + (target - profile[last]!) / pace, STEPS_MOST)
  }
  let low = from
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (profile[middle]! < target) low = middle
    else high = middle
  }
  const step = profile[high]! - profile[low]!
  return low - from + (step > 0 ? (target - profile[low]!) / step : 1)
}

function recentPace(own: UseProfile): number {
  const last = own.length - 1
  if (last < 1) return 0
  const back = Math.max(1, Math.round(last * RECENT))
  const recent = (own[last]! - own[last - back]!) / back
  return recent > 0 ? recent : own[last]! / last
}
