import type { Aggregate } from '#contracts'
import type { AnomalyWatch } from './anomaly-watch.ts'
import type { ChangeTrail } from './change-trail.ts'
import type { EventTimes } from './event-times.ts'
import type { ForecastTrail } from './forecast-trail.ts'
import type { PartCourse } from './part-course.ts'

/** What a leaf keeps of the past besides its few numbers. */
export type KeptWindow = SampleWindow | ChangeTrail | EventTimes | AnomalyWatch | ForecastTrail | PartCourse

/**
 * Slots of one window. A sample closer than a 64th of the window to the start of the newest
 * slot joins it, so memory is bounded at any rate; readings further apart are kept one by one
 * and the aggregate is exact.
 */
const SLOTS = 64
const STRIDE = 4
const COUNT = 1
/** Sum, mean, least, greatest or newest, by aggregate. */
const VALUE = 2
/** Sum of squared distances from the mean, for the standard deviation. */
const SPREAD = 3

/**
 * The last `windowMs` of one metric in event time, (t − window, t], reduced to one number. It
 * never looks further back: a slot leaves with its first sample. Samples must come in order;
 * late ones are put in place by running the kept samples again. Cost: O(slots) per sample, with
 * no running sums that could drift apart between a replay and the live run.
 */
export class SampleWindow {
  readonly #agg: Aggregate
  readonly #windowMs: number
  /** Start, count, value, spread of each slot, oldest first. */
  #slots: number[]

  constructor(agg: Aggregate, windowMs: number, slots: readonly number[] = []) {
    this.#agg = agg
    this.#windowMs = windowMs
    this.#slots = [...slots]
  }

  clone(): SampleWindow {
    return new SampleWindow(this.#agg, this.#windowMs, this.#slots)
  }

  save(): readonly number[] {
    return this.#slots
  }

  add(atMs: number, value: number): void {
    const slots = this.#slots
    let expired = 0
    while (expired < slots.length && slots[expired]! <= atMs - this.#windowMs) expired += STRIDE
    if (expired > 0) slots.splice(0, expired)
    const newest = slots.length - STRIDE
    if (newest >= 0 && atMs - slots[newest]! < this.#windowMs / SLOTS) this.#join(newest, value)
    else slots.push(atMs, 1, value, 0)
  }

  /** Lets go of what began at or before `atMs`; samples that share a slot with such a one go with it. */
  forget(atMs: number): void {
    const slots = this.#slots
    let gone = 0
    while (gone < slots.length && slots[gone]! <= atMs) gone += STRIDE
    if (gone > 0) slots.splice(0, gone)
  }

  /** Samples in the window. */
  count(): number {
    let count = 0
    for (let at = COUNT; at < this.#slots.length; at += STRIDE) count += this.#slots[at]!
    return count
  }

  /** The aggregate; `NaN` when the window cannot say (no sample, or one for a deviation). */
  value(): number {
    const slots = this.#slots
    if (slots.length === 0) return Number.NaN
    let result = slots[VALUE]!
    let count = slots[COUNT]!
    switch (this.#agg) {
      case 'count':
        return this.count()
      case 'last':
        return slots[slots.length - STRIDE + VALUE]!
      case 'min':
        for (let at = STRIDE; at < slots.length; at += STRIDE) result = Math.min(result, slots[at + VALUE]!)
        return result
      case 'max':
        for (let at = STRIDE; at < slots.length; at += STRIDE) result = Math.max(result, slots[at + VALUE]!)
        return result
      case 'sum':
      case 'mean': {
        for (let at = STRIDE; at < slots.length; at += STRIDE) {
          result += slots[at + VALUE]!
          count += slots[at + COUNT]!
        }
        return this.#agg === 'sum' ? result : result / count
      }
      case 'stddev': {
        // Chan, Golub and LeVeque: means and squared distances of parts combine without cancellation.
        let spread = slots[SPREAD]!
        for (let at = STRIDE; at < slots.length; at += STRIDE) {
          const more = slots[at + COUNT]!
          const apart = slots[at + VALUE]! - result
          spread += slots[at + SPREAD]! + (apart * apart * count * more) / (count + more)
          count += more
          result += (apart * more) / count
        }
        return count > 1 ? Math.sqrt(spread / (count - 1)) : Number.NaN
      }
    }
  }

  #join(slot: number, value: number): void {
    const slots = this.#slots
    const count = (slots[slot + COUNT] = slots[slot + COUNT]! + 1)
    const held = slots[slot + VALUE]!
    switch (this.#agg) {
      case 'count':
      case 'last':
        slots[slot + VALUE] = value
        break
      case 'min':
        slots[slot + VALUE] = Math.min(held, value)
        break
      case 'max':
        slots[slot + VALUE] = Math.max(held, value)
        break
      case 'sum':
      case 'mean':
        slots[slot + VALUE] = held + value
        break
      case 'stddev': {
        const mean = held + (value - held) / count
        slots[slot + SPREAD] = slots[slot + SPREAD]! + (value - held) * (value - mean)
        slots[slot + VALUE] = mean
        break
      }
    }
  }
}
