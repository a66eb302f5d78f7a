import { type AnomalyScore, StreamAnomaly } from '#models'

/**
 * The model of one metric's usual course, fed with the means of evenly spaced points as readings complete them. Bounded,
 * about 4 KB, and beside the 2 KB of what rules keep.
 */
export class AnomalyWatch {
  readonly #pointMs: number
  #model: StreamAnomaly
  /** The point being filled: its number since the epoch, how many readings, their sum. */
  #point: number
  #count: number
  #sum: number

  constructor(pointMs: number, saved: readonly number[] = []) {
    this.#pointMs = pointMs
    const [point = Number.NaN, count = 0, sum = 0, ...model] = saved
    this.#point = point
    this.#count = count
    this.#sum = sum
    this.#model = new StreamAnomaly(model.length > 0 ? fill(FRESH, model.values()) : undefined)
  }

  clone(): AnomalyWatch {
    return new AnomalyWatch(this.#pointMs, this.save())
  }

  save(): readonly number[] {
    return [this.#point, this.#count, this.#sum, ...numbersOf(this.#model.save())]
  }

  /** A reading. Says how unusual the point before was when this one begins another; `undefined` while none is complete. */
  add(atMs: number, value: number): AnomalyScore | null | undefined {
    const point = Math.floor(atMs / this.#pointMs)
    let score: AnomalyScore | null | undefined
    if (point !== this.#point) {
      if (this.#count > 0) score = this.#model.update(this.#point * this.#pointMs, this.#sum / this.#count)
      this.#point = point
      this.#count = 0
      this.#sum = 0
    }
    this.#count++
    this.#sum += value
    return score
  }

  /** A new part has a course of its own: the model starts over. */
  forget(_atMs: number): void {
    this.#model = new StreamAnomaly()
    this.#count = 0
    this.#sum = 0
  }
}

const FRESH = new StreamAnomaly().save()

/** The numbers of a plain state, in the order of its members. */
function numbersOf(state: unknown): number[] {
  return typeof state === 'number' ? [state] : Object.values(state as object).flatMap(numbersOf)
}

/** A state of the same shape with other numbers. */
function fill<T>(shape: T, numbers: Iterator<number>): T {
  if (typeof shape === 'number') return numbers.next().value
  if (Array.isArray(shape)) return shape.map((member) => fill(member, numbers)) as T
  return Object.fromEntries(Object.entries(shape as object).map(([key, member]) => [key, fill(member, numbers)])) as T
}
