import type { ReadingValue } from '#contracts'
import { type DeviceModel, UnknownComponentError } from './device-model.ts'

/** What every simulated appliance shares: a clock that goes forward, and parts that wear from 0 to 1. */
export abstract class Appliance implements DeviceModel {
  abstract readonly category: string
  readonly components: readonly string[]
  readonly everyMs: number = 1_800_000
  readonly #worn: Map<string, number>
  /** Of bad parts: how many times as fast they wear. */
  readonly #paces = new Map<string, number>()
  #atMs: number | null = null

  constructor(initialWear: Readonly<Record<string, number>>) {
    this.components = Object.keys(initialWear)
    this.#worn = new Map(Object.entries(initialWear))
  }

  measure(atMs: number): Record<string, ReadingValue> {
    const hours = this.#atMs === null ? 0 : Math.max(0, atMs - this.#atMs) / 3_600_000
    this.#atMs = atMs
    this.live(hours, atMs)
    return this.sense(atMs)
  }

  wear(component: string): number {
    const worn = this.#worn.get(component)
    if (worn === undefined) throw new UnknownComponentError(this.category, component)
    return worn
  }

  replace(component: string, pace = 1): void {
    if (!this.#worn.has(component)) throw new UnknownComponentError(this.category, component)
    this.#worn.set(component, 0)
    this.#paces.set(component, pace)
    this.renewed(component)
  }

  /** Lives on for so many hours until `atMs`. */
  protected abstract live(hours: number, atMs: number): void
  /** What its sensors say now. */
  protected abstract sense(atMs: number): Record<string, ReadingValue>
  /** A part is new: counters that its firmware resets, and a trial run that shows it. */
  protected renewed(_component: string): void {}

  /** Adds a share of a life. */
  protected wearBy(component: string, share: number): void {
    this.#worn.set(component, this.wear(component) + share * (this.#paces.get(component) ?? 1))
  }
}

/** A value with a sensor's relative error, rounded as firmware rounds it. */
export function sensed(value: number, normal: number, { error, digits }: { error: number; digits: number }): number {
  const scale = 10 ** digits
  return Math.round(value * (1 + error * normal) * scale) / scale
}
