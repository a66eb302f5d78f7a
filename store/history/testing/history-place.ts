import { onTestFinished } from 'vitest'
import type { ReadingValue } from '#contracts'
import type { HistoryRow, HistoryStore } from '../history.ts'

/** Empty at first; every further opening finds what the last store left. */
export interface HistoryPlace {
  open(): Promise<HistoryStore>
}

export type MakePlace = () => Promise<HistoryPlace>

export const HOUR = 3_600_000
export const DAY = 86_400_000
/** A Wednesday noon, so that a day on either side is in the same week. */
export const NOW = Date.UTC(2026, 10, 18, 12)
export const LOG = 'log_00000000000000000000000000'

export const BRAND = 'brand_a'
export const OTHER_BRAND = 'brand_b'

interface RowSketch {
  seq: number
  device?: string
  brand?: string
  /** Both times, unless `received` is given. */
  at?: number
  received?: number
  imported?: boolean
  serverTime?: boolean
  values?: Record<string, ReadingValue>
}

export function row({
  seq,
  device = 'dev_a',
  brand = BRAND,
  at = NOW,
  values = { dp_pa: seq },
  ...rest
}: RowSketch): HistoryRow {
  return {
    seq,
    brandId: brand,
    deviceId: device,
    receivedAtMs: rest.received ?? at,
    measuredAtMs: at,
    serverTime: rest.serverTime ?? false,
    imported: rest.imported ?? false,
    values,
  }
}

/** A store that closes with the test that opened it. */
export async function openedAt(place: HistoryPlace): Promise<HistoryStore> {
  const store = await place.open()
  onTestFinished(() => store.close())
  return store
}

export const write = (store: HistoryStore, rows: readonly HistoryRow[]): Promise<void> =>
  store.write(rows, { logId: LOG, seq: rows.at(-1)!.seq })

export const all = async (store: HistoryStore, deviceId = 'dev_a'): Promise<HistoryRow[]> =>
  (await store.range({ deviceId, fromMs: 0, toMs: NOW + DAY })).rows

export async function scanned(
  store: HistoryStore,
  query: Partial<Parameters<HistoryStore['scanFleet']>[0]> = {},
): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = []
  for await (const batch of store.scanFleet({ fromMs: 0, toMs: NOW + DAY, ...query })) rows.push(...batch)
  return rows
}
