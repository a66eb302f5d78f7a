import type { AlertEffect, ControlChange, ControlRecord } from '#contracts'
import { isMissing } from '#models'
import { createEvaluator, type Evaluator } from '#rules'
import { type ColumnBatch, FLAG_IMPORTED, FLAG_SERVER_TIME, type MetricColumn } from '#store'
import { EpisodeNotes } from './episode-notes.ts'

/** A change with the time at which it came into force. */
export interface TimedChange {
  atMs: number
  change: ControlChange
}

/**
 * One device played again through the evaluator that decides live: its readings and the changes
 * that concern it, in the order in which they came. The evaluator sees one device, so a fleet is as
 * many of these, one after the other.
 */
export class DeviceReplay {
  readonly notes = new EpisodeNotes()
  readonly #evaluator: Evaluator
  readonly #brandId: string
  readonly #deviceId: string
  #changes: readonly TimedChange[]
  #next = 0
  #nextChangeMs: number
  #seq = 0
  samples = 0

  /** @param changes in order of time; the first of them introduce product, device and rule */
  constructor(options: { brandId: string; deviceId: string; changes: readonly TimedChange[] }) {
    this.#brandId = options.brandId
    this.#deviceId = options.deviceId
    this.#changes = options.changes
    this.#nextChangeMs = options.changes[0]?.atMs ?? Number.POSITIVE_INFINITY
    this.#evaluator = createEvaluator()
  }

  /** Plays the rows `from` … `to` of a batch. */
  read(batch: ColumnBatch, { from, to, metrics }: { from: number; to: number; metrics: readonly string[] }): void {
    const { arrivedAtMs: receivedAtMs, measuredAtMs, flags, values } = batch
    const readings = { brandId: this.#brandId, deviceId: this.#deviceId, receivedAtMs, measuredAtMs, metrics, values }
    const place = { seq: this.#seq, serverTime: false }
    for (let i = from; i < to; i++) {
      const flag = flags[i]!
      if (i > from && (flag & FLAG_IMPORTED) !== 0 && isRepetition(batch, i)) {
        for (const column of values) this.samples -= present(column, i, i + 1)
        continue
      }
      if (receivedAtMs[i]! >= this.#nextChangeMs) {
        this.#seq = place.seq
        this.#changeUntil(receivedAtMs[i]!)
        place.seq = this.#seq
      }
      place.seq++
      place.serverTime = (flag & FLAG_SERVER_TIME) !== 0
      this.#note(this.#evaluator.applyRow(readings, i, place))
    }
    this.#seq = place.seq
    for (const column of values) this.samples += present(column, from, to)
  }

  /** Lets time pass to the end of the span. */
  end(toMs: number): EpisodeNotes {
    this.#changeUntil(toMs)
    this.#apply({ kind: 'tick', seq: ++this.#seq, receivedAtMs: toMs })
    return this.notes
  }

  #changeUntil(atMs: number): void {
    for (let next = this.#changes[this.#next]; next && next.atMs <= atMs; next = this.#changes[++this.#next])
      this.#apply({
        kind: 'control',
        changeId: `chg_${this.#next}`,
        brandId: next.change.type === 'hub.resumed' ? null : this.#brandId,
        change: next.change,
        seq: ++this.#seq,
        receivedAtMs: next.atMs,
      } satisfies ControlRecord)
    this.#nextChangeMs = this.#changes[this.#next]?.atMs ?? Number.POSITIVE_INFINITY
  }

  #apply(record: Parameters<Evaluator['apply']>[0]): void {
    this.#note(this.#evaluator.apply(record))
  }

  #note(effects: readonly AlertEffect[]): void {
    for (let i = 0; i < effects.length; i++) this.notes.note(effects[i]!)
  }
}

/** Values there are among these rows of a metric. */
function present(column: MetricColumn, from: number, to: number): number {
  let count = 0
  for (let i = from; i < to; i++) if (!isMissing(column[i])) count++
  return count
}

/** What a file brought twice lies side by side; the evaluator would leave it out too, only counted. */
function isRepetition({ measuredAtMs, values }: ColumnBatch, i: number): boolean {
  return measuredAtMs[i] === measuredAtMs[i - 1] && values.every((column) => Object.is(column[i], column[i - 1]))
}
