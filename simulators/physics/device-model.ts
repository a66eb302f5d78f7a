import type { ReadingValue } from '#contracts'

/** One simulated appliance: physics inside, telemetry outside. */
export interface DeviceModel {
  readonly category: string
  /** What its firmware and its product call the parts that wear. */
  readonly components: readonly string[]
  /** How often it measures, ms. */
  readonly everyMs: number
  /**
   * Lives from the last call until `atMs` and says what it then measures. Calls go forward in
   * time; the first only sets the clock.
   */
  measure(atMs: number): Record<string, ReadingValue>
  /** 0 new, 1 failed; may exceed 1 when it goes on in spite of it. */
  wear(component: string): number
  /**
   * Puts a new part in (or cleans, or aligns): wear falls to what a new one has. A bad part then wears `pace` times as
   * fast as a good one.
   */
  replace(component: string, pace?: number): void
}

export class UnknownComponentError extends Error {
  constructor(category: string, component: string) {
    super(`A ${category} has no component "${component}".`)
  }
}
