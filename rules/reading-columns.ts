import type { ReadingValue } from '#contracts'

/** Readings of one device in the order of their arrival, metric by metric: how a history hands out millions. */
export interface ReadingColumns {
  brandId: string
  deviceId: string
  receivedAtMs: ArrayLike<number>
  measuredAtMs: ArrayLike<number>
  metrics: readonly string[]
  /** A column a metric; `NaN` or `null` where a reading has no such value. */
  values: readonly ArrayLike<ReadingValue | null>[]
}
