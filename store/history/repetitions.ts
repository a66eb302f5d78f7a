import { canonicalJson } from '#platform'
import type { HistoryRow } from './history.ts'

/**
 * Tells exact repetitions (same moment, same values) among the rows of one device that come
 * ordered by event time. Most moments have one row: only then nothing is compared.
 */
export function createRepetitionFilter(): (row: Pick<HistoryRow, 'measuredAtMs' | 'values'>) => boolean {
  let atMs = Number.NaN
  let first: HistoryRow['values'] | null = null
  let seen: Set<string> | null = null
  return function isRepetition(row) {
    if (row.measuredAtMs !== atMs) {
      atMs = row.measuredAtMs
      first = row.values
      seen = null
      return false
    }
    seen ??= new Set([canonicalJson(first)])
    const text = canonicalJson(row.values)
    if (seen.has(text)) return true
    seen.add(text)
    return false
  }
}

/** The same for the rows of many devices, each device's together but in the order of the log. Remembers one device at a time. */
export function createLogOrderRepetitionFilter(): (
  row: Pick<HistoryRow, 'deviceId' | 'measuredAtMs' | 'values'>,
) => boolean {
  let deviceId = ''
  const moments = new Map<number, HistoryRow['values'][]>()
  return function isRepetition(row) {
    if (row.deviceId !== deviceId) {
      deviceId = row.deviceId
      moments.clear()
    }
    const before = moments.get(row.measuredAtMs)
    if (!before) {
      moments.set(row.measuredAtMs, [row.values])
      return false
    }
    const text = canonicalJson(row.values)
    if (before.some((values) => canonicalJson(values) === text)) return true
    before.push(row.values)
    return false
  }
}
