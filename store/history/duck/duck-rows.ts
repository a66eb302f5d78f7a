import type { DuckDBDataChunk, DuckDBListVector } from '@duckdb/node-api'
import type { ReadingValue } from '#contracts'
import type { HistoryRow } from '../history.ts'
import type { DuckFile } from './duck-file.ts'
import { FLAG_IMPORTED, FLAG_SERVER_TIME } from './duck-writer.ts'
import type { MetricKind, Shape } from './shapes.ts'

/**
 * What every query of whole rows selects, in this order. Positions and times come as doubles:
 * exact below 2^53, and read without making a bigint of each.
 */
export function rowColumns(fileIndex: number): string {
  return `r.seq::DOUBLE AS seq, r.received_at_ms::DOUBLE AS received, r.measured_at_ms::DOUBLE AS measured,
          r.flags AS flags, ${fileIndex} AS file, r.shape AS shape, r.numbers AS numbers, r.texts AS texts`
}

/** Column after those of `rowColumns`. */
export const NEXT_COLUMN = 8

export interface Owner {
  deviceId: string
  brandId: string
}

/**
 * The rows of one chunk as objects.
 *
 * @param ownerAt whose row it is
 * @param wanted metrics to keep; all when null. Rows with none of them are left out.
 */
export function decodeRows(
  chunk: DuckDBDataChunk,
  files: readonly DuckFile[],
  ownerAt: (rowIndex: number) => Owner,
  wanted: ReadonlySet<string> | null = null,
): HistoryRow[] {
  const [seq, received, measured, flags, file, shape] = Array.from({ length: 6 }, (_, i) => chunk.getColumnVector(i))
  const numbers = chunk.getColumnVector(6) as DuckDBListVector
  const texts = chunk.getColumnVector(7) as DuckDBListVector
  const decoded: HistoryRow[] = []
  for (let i = 0; i < chunk.rowCount; i++) {
    const { shapes } = files[file!.getItem(i) as number]!.shapes
    const values = decodeValues(shapes[(shape!.getItem(i) as number) - 1]!, numbers, texts, i, wanted)
    if (!values) continue
    const bits = flags!.getItem(i) as number
    const { deviceId, brandId } = ownerAt(i)
    decoded.push({
      seq: seq!.getItem(i) as number,
      brandId,
      deviceId,
      receivedAtMs: received!.getItem(i) as number,
      measuredAtMs: measured!.getItem(i) as number,
      serverTime: (bits & FLAG_SERVER_TIME) !== 0,
      imported: (bits & FLAG_IMPORTED) !== 0,
      values,
    })
  }
  return decoded
}

function decodeValues(
  shape: Shape,
  numbers: DuckDBListVector,
  texts: DuckDBListVector,
  row: number,
  wanted: ReadonlySet<string> | null,
): Record<string, ReadingValue> | null {
  const values: Record<string, ReadingValue> = {}
  const doubles = numbers.childVector
  const doublesFrom = numbers.getEntryOffset(row)
  const strings = shape.textCount > 0 ? texts.childVector : null
  const stringsFrom = strings ? texts.getEntryOffset(row) : 0
  let some = false
  for (let m = 0; m < shape.metrics.length; m++) {
    const { key, kind } = shape.metrics[m]!
    if (wanted && !wanted.has(key)) continue
    const place = shape.places[m]!
    const stored = kind === 'text' ? strings!.getItem(stringsFrom + place) : doubles.getItem(doublesFrom + place)
    if (stored === null) continue
    values[key] = toReading(stored as number | string, kind)
    some = true
  }
  return some ? values : null
}

export function toReading(stored: number | string, kind: MetricKind): ReadingValue {
  return kind === 'boolean' ? stored === 1 : stored
}
