/** Samples kept per metric for late ones to be put among (T13). */
const KEPT_PER_METRIC = 64
/** Dropping in steps of half as much again costs one pass over many samples instead of one each. */
const KEPT_PER_METRIC_MAX = 96
const ROWS_BEFORE_FIRST_TRIM = 16

/**
 * The newest samples of one device in event time, a row per moment: its time, then a value per
 * column, `NaN` where there was none. With the checkpoint at their start, a late sample is put
 * in its place and everything after it runs again.
 */
export class KeptSamples {
  /** Values per row besides the time. */
  width: number
  rows: number[] = []
  /** Nothing at or before this is kept any more: what comes from there is backfill (T14). */
  startMs = Number.NEGATIVE_INFINITY
  #filled = 0
  #trimAtRows = ROWS_BEFORE_FIRST_TRIM

  constructor(width: number) {
    this.width = width
  }

  get stride(): number {
    return this.width + 1
  }

  get count(): number {
    return this.rows.length / this.stride
  }

  /** Index into `rows` of the row at or after `atMs`; the end when there is none. */
  find(atMs: number): number {
    const { rows, stride } = this
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (rows[middle * stride]! < atMs) low = middle + 1
      else high = middle
    }
    return low * stride
  }

  /** Adds a row newer than all others. */
  push(row: readonly number[]): void {
    for (let i = 0; i < this.stride; i++) {
      const value = row[i]!
      this.rows.push(value)
      if (!Number.isNaN(value)) this.#filled++
    }
  }

  /** Puts a row in its place; `at` from `find`, where no row of that time may be. */
  insert(at: number, row: readonly number[]): void {
    this.rows.splice(at, 0, ...row.slice(0, this.stride))
    for (let i = 0; i < this.stride; i++) if (!Number.isNaN(row[i]!)) this.#filled++
  }

  set(at: number, column: number, value: number): void {
    this.rows[at + 1 + column] = value
    this.#filled++
  }

  isFull(): boolean {
    return this.rows.length >= this.#trimAtRows * this.stride || this.#filled >= KEPT_PER_METRIC_MAX * this.stride
  }

  /** How many rows to let go: those before `fromMs`, and what exceeds the bound. */
  surplus(fromMs: number): number {
    const { rows, stride } = this
    let filled = this.#filled
    let at = 0
    while (at < rows.length && (rows[at]! < fromMs || filled > KEPT_PER_METRIC * stride)) {
      for (let i = 0; i < stride; i++) if (!Number.isNaN(rows[at + i]!)) filled--
      at += stride
    }
    return at / stride
  }

  drop(count: number): void {
    const { stride } = this
    if (count > 0) {
      this.startMs = this.rows[(count - 1) * stride]!
      for (const value of this.rows.splice(0, count * stride)) if (!Number.isNaN(value)) this.#filled--
    }
    this.#trimAtRows = Math.max(ROWS_BEFORE_FIRST_TRIM, 2 * this.count)
  }

  /** Makes room for metrics that rules began to use. */
  widen(width: number): void {
    const { rows, stride } = this
    const wide: number[] = []
    for (let at = 0; at < rows.length; at += stride) {
      for (let i = 0; i < stride; i++) wide.push(rows[at + i]!)
      for (let i = this.width; i < width; i++) wide.push(Number.NaN)
    }
    this.rows = wide
    this.width = width
  }

  save(into: number[]): void {
    into.push(this.width, this.startMs, this.#trimAtRows, this.count)
    for (const value of this.rows) into.push(value)
  }

  static restore(read: () => number): KeptSamples {
    const kept = new KeptSamples(read())
    kept.startMs = read()
    kept.#trimAtRows = read()
    const rows = read()
    for (let i = 0; i < rows * kept.stride; i++) {
      const value = read()
      kept.rows.push(value)
      if (!Number.isNaN(value)) kept.#filled++
    }
    return kept
  }
}
