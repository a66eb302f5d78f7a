import type { ReadingValue } from '#contracts'
import type { HistoryRow } from './history.ts'

/** Readings of a fleet by metric, for whoever goes over millions of them. */
export interface ColumnQuery {
  brandId: string
  deviceIds: readonly string[]
  /** Values wanted; a reading without any of them comes all the same, because it was heard. */
  metrics: readonly string[]
  /** Time of arrival, inclusive …; imported readings arrived, as far as this goes, when they were measured. */
  fromMs: number
  /** … and exclusive. */
  toMs: number
}

/** Numbers with `NaN` where a reading has no such metric; words, where a metric has them, one by one. */
export type MetricColumn = Float64Array | (ReadingValue | null)[]

/** Some readings, column by column: device after device, each in the order of arrival, then of the log. */
export interface ColumnBatch {
  /** Whose rows these are: `from` inclusive, `to` exclusive. */
  runs: { deviceId: string; from: number; to: number }[]
  seq: Float64Array
  arrivedAtMs: Float64Array
  measuredAtMs: Float64Array
  /** `FLAG_SERVER_TIME`, `FLAG_IMPORTED`. */
  flags: Uint8Array
  /** In the order of the query's metrics. */
  values: MetricColumn[]
}

export const FLAG_SERVER_TIME = 1
export const FLAG_IMPORTED = 2

/** When a reading came, imports counting as of their own time. */
export function arrivedAtMs(row: Pick<HistoryRow, 'imported' | 'measuredAtMs' | 'receivedAtMs'>): number {
  return row.imported ? row.measuredAtMs : row.receivedAtMs
}

/** Rows as columns, for a store that has rows. Sorts what it is given. */
export function columnsOf(deviceId: string, rows: readonly HistoryRow[], metrics: readonly string[]): ColumnBatch {
  const sorted = [...rows].sort((a, b) => arrivedAtMs(a) - arrivedAtMs(b) || a.seq - b.seq)
  return {
    runs: [{ deviceId, from: 0, to: sorted.length }],
    seq: Float64Array.from(sorted, ({ seq }) => seq),
    arrivedAtMs: Float64Array.from(sorted, arrivedAtMs),
    measuredAtMs: Float64Array.from(sorted, ({ measuredAtMs }) => measuredAtMs),
    flags: Uint8Array.from(
      sorted,
      ({ serverTime, imported }) => (serverTime ? FLAG_SERVER_TIME : 0) | (imported ? FLAG_IMPORTED : 0),
    ),
    values: metrics.map((metric) => columnOf(sorted.map(({ values }) => values[metric]))),
  }
}

function columnOf(cells: readonly (ReadingValue | undefined)[]): MetricColumn {
  if (cells.some((cell) => typeof cell === 'string')) return cells.map((cell) => cell ?? null)
  return Float64Array.from(cells, (cell) => (cell === undefined ? Number.NaN : Number(cell)))
}

/** The buffers of a batch, to be handed to another thread without a copy. */
export function buffersOf({ seq, arrivedAtMs, measuredAtMs, flags, values }: ColumnBatch): ArrayBuffer[] {
  const numbers = values.filter((column) => column instanceof Float64Array)
  return [seq, arrivedAtMs, measuredAtMs, flags, ...numbers].map(({ buffer }) => buffer as ArrayBuffer)
}
