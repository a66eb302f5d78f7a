import type { ReadingValue } from '#contracts'
import type { HistoryRow } from '../history.ts'
import type { Series } from './influx-client.ts'
import { FIELD, FLAG_IMPORTED, FLAG_SERVER_TIME, metricOf } from './line-protocol.ts'

/** Rows of a `SELECT *`, columns found by name; a metric nobody asked for, or nobody sent, is null. */
export function decodeSeries({ columns, values }: Series, deviceId: string): HistoryRow[] {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]))
  const metrics = columns.flatMap((name, index) =>
    name === 'time' || name === 'device' || name === 'brand' || name.startsWith(':')
      ? []
      : [{ index, ...metricOf(name) }],
  )
  const rows: HistoryRow[] = []
  for (const cells of values) {
    const read: Record<string, ReadingValue> = {}
    let some = false
    for (const { index, key } of metrics) {
      const value = cells[index] as ReadingValue | null
      if (value === null) continue
      read[key] = value
      some = true
    }
    if (!some) continue
    const flags = cells[at[FIELD.flags]!] as number
    rows.push({
      seq: cells[at[FIELD.seq]!] as number,
      brandId: cells[at.brand!] as string,
      deviceId,
      receivedAtMs: cells[at[FIELD.received]!] as number,
      measuredAtMs: cells[at.time!] as number,
      serverTime: (flags & FLAG_SERVER_TIME) !== 0,
      imported: (flags & FLAG_IMPORTED) !== 0,
      values: read,
    })
  }
  return rows
}
