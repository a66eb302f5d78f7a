import type { ReadingsRecord, ReadingValue } from '#contracts'
import type { ColumnBatch, ColumnQuery } from './columns.ts'

/** What history keeps of an accepted reading: one wide row per message, in the order of the log. */
export type HistoryRow = Pick<
  ReadingsRecord,
  'seq' | 'brandId' | 'deviceId' | 'receivedAtMs' | 'measuredAtMs' | 'serverTime' | 'imported' | 'values'
>

/** How far the recorder has come, stored with the rows themselves. */
export interface HistoryPosition {
  logId: string
  seq: number
}

export interface StoredPosition extends HistoryPosition {
  /**
   * Up to here the rows are beyond even a lost write-ahead file. The log keeps what lies above,
   * because the recorder may have to write it again.
   */
  safeSeq: number
}

export interface RangeQuery {
  deviceId: string
  /** All when left out. A row appears when it has one of them. */
  metrics?: readonly string[]
  /** Event time, inclusive … */
  fromMs: number
  /** … and exclusive. */
  toMs: number
  limit?: number
  cursor?: string
}

export interface RangePage {
  /** By event time, then by position; exact repetitions left out. */
  rows: HistoryRow[]
  nextCursor: string | null
}

const AGGREGATIONS = ['mean', 'min', 'max', 'last', 'sum', 'count'] as const
export type Aggregation = (typeof AGGREGATIONS)[number]

export interface DownsampleQuery {
  deviceId: string
  metrics: readonly string[]
  fromMs: number
  toMs: number
  everyMs: number
  aggregation: Aggregation
}

/** One bucket that has a reading. Booleans count as 0 and 1; text has only `last` and `count`. */
export interface Bucket {
  /** Start of the bucket: a whole multiple of `everyMs`. */
  atMs: number
  values: Record<string, ReadingValue>
}

export interface LastValue {
  value: ReadingValue
  measuredAtMs: number
}

export interface FleetQuery {
  brandId?: string
  /** All of the brand when left out. Which devices a product has is known to Postgres, not here. */
  deviceIds?: readonly string[]
  /** Time of arrival, inclusive … */
  fromMs: number
  /** … and exclusive. */
  toMs: number
}

/** What is known of a part at a moment: for whoever draws it beside the readings. */
export interface HealthPoint {
  brandId: string
  deviceId: string
  productKey: string
  component: string
  atMs: number
  /** 0 new, 1 worn out. */
  wear: number
  /** Remaining life; null while nobody can say. */
  p10Days: number | null
  p50Days: number | null
  p90Days: number | null
}

/** Rows of one answer of `range`. */
export const RANGE_LIMIT = 1_000
/** Beyond this a page is the memory of one answer: ask for the next, or downsample. */
export const RANGE_LIMIT_MAX = 10_000
/** A chart has fewer pixels; a report asks in parts. */
export const BUCKETS_MAX = 20_000

/**
 * The telemetry history: everything recorded from the log, to be read by device and time.
 * Two readings of one moment with different values are both kept; exact repetitions are read once.
 *
 * Throws `HISTORY_UNAVAILABLE` while the store behind it does not answer.
 */
export interface HistoryStore {
  /**
   * Adds rows, in the order of the log, and moves the position; both or, where the store has no
   * transactions, the position after the rows: writing the same rows again then changes nothing.
   */
  write(rows: readonly HistoryRow[], position: HistoryPosition): Promise<void>
  /** Null before the first write. Ask again after an error: the store may have fallen back. */
  position(): Promise<StoredPosition | null>
  range(query: RangeQuery): Promise<RangePage>
  /** Buckets in order of time; those without a reading are left out. */
  downsample(query: DownsampleQuery): Promise<Bucket[]>
  /** The newest value of each metric by event time; all metrics when none are named. */
  last(deviceId: string, metrics?: readonly string[]): Promise<Record<string, LastValue>>
  /** The newest messages by arrival, newest first. */
  lastMessages(deviceId: string, count: number): Promise<HistoryRow[]>
  /** Device by device, each in the order of the log: what a backtest and the fitting of models read. */
  scanFleet(query: FleetQuery): AsyncIterable<HistoryRow[]>
  /**
   * The same as columns of the metrics asked for: device by device, each in order of arrival, where
   * imported readings arrived when they were measured. Exact repetitions are left in: they follow one another.
   */
  scanColumns(query: ColumnQuery): AsyncIterable<ColumnBatch>
  /** Adds what is known of parts; the same point again changes nothing. */
  writeHealth(points: readonly HealthPoint[]): Promise<void>
  /** What was known of a device's parts, oldest first; `toMs` exclusive. */
  health(query: { deviceId: string; fromMs: number; toMs: number }): Promise<HealthPoint[]>
  /** Nothing of the device is readable from here on, nor recorded any more; `tidy` removes it from the disk. */
  deleteDevice(deviceId: string): Promise<void>
  /** Removes what is past its time and what was deleted. To be run daily at least. */
  tidy(nowMs: number): Promise<void>
  close(): Promise<void>
}
