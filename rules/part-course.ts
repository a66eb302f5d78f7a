import {
  daysOutlasted,
  LevelTracker,
  type LevelTrackerState,
  type LifeDay,
  type RemainingDays,
  remainingDays,
  type ServiceLife,
  type Unknown,
  unknown,
} from '#models'
import { LEAF_LAST, LEAF_LAST_AT, LEAF_VALUE } from './leaf.ts'
import type { PartSpec } from './part-spec.ts'
import { meter, restartMeter } from './usage-meter.ts'

const DAY_MS = 86_400_000
/** How fast a change of habits counts: a month's use says what the next will be, a holiday does not. */
const PACE_DAYS = 28

/** The days of a course, in the order in which they are saved. */
interface CourseDays {
  /** The open day: since the epoch, sum and count of its readings, use as the newest of them found it. */
  day: number
  sum: number
  count: number
  use: number
  /** Use per day, the days it has been learnt over, and the day and use it was learnt at last. */
  pace: number
  paceDays: number
  paceDay: number
  paceUse: number
  /** Use before it was seen is known: 1, or not: 0, and use is counted from where it was first seen. */
  ageKnown: number
  /** When it was put in, where its counter was never seen before; `NaN` otherwise. */
  putInMs: number
  /** The newest day that is closed; −1 for none. */
  closed: number
}

const NO_DAYS: CourseDays = {
  day: -1,
  sum: 0,
  count: 0,
  use: Number.NaN,
  pace: Number.NaN,
  paceDays: 0,
  paceDay: Number.NaN,
  paceUse: Number.NaN,
  ageKnown: 1,
  putInMs: Number.NaN,
  closed: -1,
}
/** Laid out as a usage leaf's numbers. */
const NO_METER: readonly number[] = [0, 0, Number.NaN, Number.NaN, Number.NaN, Number.NaN]
const DAYS_NUMBERS = Object.keys(NO_DAYS).length

/**
 * One part from its last service on: its use (by a counter, seen through resets and roll-overs, or by the calendar), its
 * level a mean a day, and how fast both move. What a forecast of its remaining life is made from, live and at night.
 * Bounded, 24 numbers whatever the history; O(1) per reading. A day counts when a reading of a later one has come.
 */
export class PartCourse {
  readonly #spec: PartSpec
  #days: CourseDays
  #meter: number[]
  #tracker: LevelTracker

  constructor(spec: PartSpec, saved: readonly number[] = []) {
    this.#spec = spec
    const fresh = saved.length === 0
    this.#days = fresh ? { ...NO_DAYS } : daysFrom(saved)
    this.#meter = fresh ? [...NO_METER] : saved.slice(DAYS_NUMBERS, DAYS_NUMBERS + NO_METER.length)
    this.#tracker = trackerFrom(spec, saved.slice(DAYS_NUMBERS + NO_METER.length))
  }

  clone(): PartCourse {
    return new PartCourse(this.#spec, this.save())
  }

  save(): readonly number[] {
    const { day, sum, count, use, pace, paceDays, paceDay, paceUse, ageKnown, putInMs, closed } = this.#days
    const tracked = this.#tracker.save()
    const { firstUse, fast, slow, fastAge, slowAge } = tracked
    return [
      ...[day, sum, count, use, pace, paceDays, paceDay, paceUse, ageKnown, putInMs, closed],
      ...this.#meter,
      ...[tracked.count, firstUse, tracked.use, fast, slow, fastAge, slowAge],
    ]
  }

  /**
   * A reading of the part. A day before the open one is left out: it is closed.
   *
   * @param level `NaN` when it does not count or there is none
   * @param counter what the counter of its use stands at; `NaN` when it was not read
   * @param bornMs when it was put in, for use by the calendar; `NaN` when nobody knows
   * @returns whether a day was closed, so that there is something new to say
   */
  add(atMs: number, level: number, counter: number, bornMs: number): boolean {
    const days = this.#days
    const day = Math.floor(atMs / DAY_MS)
    if (!(day >= days.day)) return false
    const closes = day > days.day && days.count > 0
    if (closes) this.#close()
    if (day > days.day) Object.assign(days, { day, sum: 0, count: 0 })
    if (this.#spec.counter === null) days.use = this.#daysOfUse(atMs, bornMs)
    else if (!Number.isNaN(counter)) {
      // Put in long before anybody looked at the counter: what it was used until then is not known.
      if (Number.isNaN(this.#meter[LEAF_LAST]!) && atMs - days.putInMs > DAY_MS) days.ageKnown = 0
      meter(this.#meter, 0, this.#spec.counter, counter, atMs)
      days.use = this.#meter[LEAF_VALUE]!
    }
    const value = this.#spec.levelIsUse ? days.use : level
    if (!Number.isNaN(value)) {
      days.sum += value
      days.count += 1
    }
    return closes
  }

  /** By the calendar; where nobody knows since when, from the day it was first seen. */
  #daysOfUse(atMs: number, bornMs: number): number {
    if (!Number.isNaN(bornMs)) return (atMs - bornMs) / DAY_MS
    this.#days.ageKnown = 0
    if (Number.isNaN(this.#meter[LEAF_LAST_AT]!)) this.#meter[LEAF_LAST_AT] = atMs
    return (atMs - this.#meter[LEAF_LAST_AT]!) / DAY_MS
  }

  #close(): void {
    const days = this.#days
    const level = days.sum / days.count
    if (!Number.isFinite(level) || !Number.isFinite(days.use)) return
    this.#tracker.update(days.use, level)
    days.closed = days.day
    const passed = days.day - days.paceDay
    if (this.#spec.counter === null) days.pace = 1
    else if (passed > 0 && days.use >= days.paceUse) {
      days.paceDays += passed
      const pace = (days.use - days.paceUse) / passed
      const share = Math.max(1 - Math.exp(-passed / PACE_DAYS), passed / days.paceDays)
      days.pace = Number.isNaN(days.pace) ? pace : days.pace + share * (pace - days.pace)
    }
    days.paceDay = days.day
    days.paceUse = days.use
  }

  /** A new part: level and use begin anew. How it is used goes on as before, because the household is the same. */
  forget(atMs: number): void {
    const { pace, paceDays } = this.#days
    const putInMs = Number.isNaN(this.#meter[LEAF_LAST]!) ? atMs : Number.NaN
    this.#days = { ...NO_DAYS, pace, paceDays, putInMs }
    restartMeter(this.#meter, 0, null)
    this.#tracker = trackerFrom(this.#spec, [])
  }

  /** It was put in when its counter stood at this, or (`null`) when nobody looked. To be called before the first reading. */
  startAt(counter: { value: number; atMs: number } | null): void {
    if (counter) restartMeter(this.#meter, 0, counter)
    else {
      // Counted from the first reading to come.
      this.#meter = [...NO_METER]
      this.#meter[LEAF_VALUE] = 0
      this.#days.ageKnown = 0
    }
  }

  /** Where it stands as of its newest closed day; `null` before the first. */
  read(): LifeDay | null {
    const at = this.#tracker.read()
    if (at === null) return null
    const use = this.#days.ageKnown === 1 ? at.use : Number.NaN
    return { ...at, use, day: this.#days.closed, pace: this.#days.pace }
  }

  /** Remaining days as of the noon of its newest closed day, by what the fleet has taught; or why nobody can say. */
  remaining(life: ServiceLife | null): RemainingDays | Unknown {
    const at = this.read()
    if (life === null) return unknown('no-fleet')
    if (at === null) return unknown('too-few-points')
    return remainingDays(life, at, { days: this.#tracker.count, span: this.#tracker.span })
  }

  /** The moment up to which it lasts with this probability, in epoch milliseconds; `NaN` when nobody can say. */
  outlastsUntilMs(life: ServiceLife | null, confidence: number): number {
    const said = this.remaining(life)
    return said.known ? asOfMs(this.#days.closed) + daysOutlasted(said, confidence) * DAY_MS : Number.NaN
  }
}

/** A day's mean stands for its noon, and what is left is counted from there. */
export function asOfMs(day: number): number {
  return (day + 0.5) * DAY_MS
}

function daysFrom(saved: readonly number[]): CourseDays {
  const names = Object.keys(NO_DAYS) as (keyof CourseDays)[]
  return Object.fromEntries(names.map((name, i) => [name, saved[i]])) as unknown as CourseDays
}

function trackerFrom(spec: PartSpec, saved: readonly number[]): LevelTracker {
  if (saved.length === 0) return new LevelTracker(spec.tracker)
  const [count, firstUse, use, fast, slow, fastAge, slowAge] = saved
  return new LevelTracker(spec.tracker, { count, firstUse, use, fast, slow, fastAge, slowAge } as LevelTrackerState)
}
