import type { ControlChange, ControlRecord, ReadingValue } from '#contracts'
import { createEvaluator, type Evaluator } from '#rules'
import { type ColumnBatch, FLAG_IMPORTED, FLAG_SERVER_TIME } from '#store'
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
  #seq = 0
  samples = 0

  /** @param changes in order of time; the first of them introduce product, device and rule */
  constructor(options: { brandId: string; deviceId: string; changes: readonly TimedChange[] }) {
    this.#brandId = options.brandId
    this.#deviceId = options.deviceId
    this.#changes = options.changes
    this.#evaluator = createEvaluator()
  }

  /** Plays the rows `from` … `to` of a batch. */
  read(batch: ColumnBatch, { from, to, metrics }: { from: number; to: number; metrics: readonly string[] }): void {
    const { arrivedAtMs, measuredAtMs, flags, values } = batch
    for (let i = from; i < to; i++) {
      if (i > from && (flags[i]! & FLAG_IMPORTED) !== 0 && isRepetition(batch, i)) continue
      const atMs = arrivedAtMs[i]!
      this.#changeUntil(atMs)
      const read: Record<string, ReadingValue> = {}
      for (let m = 0; m < metrics.length; m++) {
        const value = values[m]![i]
        // NaN is not equal to itself: no such metric in this reading.
        // biome-ignore lint/suspicious/noSelfCompare: the cheapest test for NaN there is, a million times a second.
        if (value === null || value === undefined || value !== value) continue
        read[metrics[m]!] = value
        this.samples++
      }
      this.#apply({
        kind: 'readings',
        brandId: this.#brandId,
        deviceId: this.#deviceId,
        measuredAtMs: measuredAtMs[i]!,
        serverTime: (flags[i]! & FLAG_SERVER_TIME) !== 0,
        values: read,
        delivery: null,
        imported: false,
        seq: ++this.#seq,
        receivedAtMs: atMs,
      })
    }
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
  }

  #apply(record: Parameters<Evaluator['apply']>[0]): void {
    const effects = this.#evaluator.apply(record)
    for (let i = 0; i < effects.length; i++) this.notes.note(effects[i]!)
  }
}

/** What a file brought twice lies side by side; the evaluator would leave it out too, only counted. */
function isRepetition({ measuredAtMs, values }: ColumnBatch, i: number): boolean {
  return measuredAtMs[i] === measuredAtMs[i - 1] && values.every((column) => Object.is(column[i], column[i - 1]))
}
