import type { AlertEffect } from '#contracts'
import { Announcer } from './announcer.ts'
import type { Counters } from './counters.ts'
import type { Device } from './device.ts'
import type { Instance } from './instance.ts'

/** An effect before it has its place in the log. */
type Unplaced<T> = T extends unknown ? Omit<T, 'seq' | 'ordinal' | 'atMs'> : never
export type EffectBody = Unplaced<AlertEffect>

/**
 * The record or tick being applied. Gathers effects in order; their place in the log and their
 * ordinal make applying them twice do nothing.
 */
export class Turn {
  seq = 0
  /** Hub time: of the record, or the boundary of the tick. */
  atMs = 0
  /** The cause is older than the product's lateness: what follows is history (age, not disorder). */
  historical = false
  effects: AlertEffect[] = []
  /** The newest boundary whose tick has run. */
  tickMs = Number.NEGATIVE_INFINITY
  /** When the hub last came back: what it did not hear before says nothing about silence (T17). */
  resumedAtMs = Number.NEGATIVE_INFINITY
  readonly counters: Counters
  readonly #announcer = new Announcer(this)
  #ordinal = 0

  constructor(counters: Counters) {
    this.counters = counters
  }

  begin(seq: number): void {
    this.seq = seq
    // Whoever was given them keeps them; nearly every record has none.
    if (this.effects.length > 0) this.effects = []
    this.#ordinal = 0
    this.historical = false
  }

  /** Whom an instance tells what happened to it. One listener serves all: use it at once. */
  listenTo(device: Device, instance: Instance): Announcer {
    this.#announcer.device = device
    this.#announcer.instance = instance
    return this.#announcer
  }

  emit(body: EffectBody): void {
    this.effects.push({ ...body, seq: this.seq, ordinal: this.#ordinal++, atMs: this.atMs } as AlertEffect)
  }
}
