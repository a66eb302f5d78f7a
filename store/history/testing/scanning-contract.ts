import { expect, test } from 'vitest'
import type { HistoryStore } from '../history.ts'
import {
  BRAND,
  DAY,
  HOUR,
  LOG,
  type MakePlace,
  NOW,
  OTHER_BRAND,
  openedAt,
  row,
  scanned,
  write,
} from './history-place.ts'

/** Many devices are read one after the other, as rows or as columns. */
export function describeScanning(makePlace: MakePlace): void {
  const opened = async (): Promise<HistoryStore> => openedAt(await makePlace())

  test('a fleet is read device by device, each in the order of the log, over weeks', async () => {
    const store = await opened()
    const rows = Array.from({ length: 600 }, (_, i) => {
      const at = NOW - 9 * DAY + i * HOUR * 0.36
      return row({ seq: i + 1, device: `dev_${'cab'[i % 3]}`, at: at - (i % 7) * 1000, received: at })
    })
    await write(store, rows)
    const expected = [...rows].sort((a, b) =>
      a.deviceId < b.deviceId ? -1 : a.deviceId > b.deviceId ? 1 : a.seq - b.seq,
    )
    expect(await scanned(store)).toEqual(expected)
  })

  test('a fleet can be narrowed to a brand, to devices and to a span of arrival', async () => {
    const store = await opened()
    await write(store, [
      row({ seq: 1, device: 'dev_a', received: NOW, at: NOW - DAY }),
      row({ seq: 2, device: 'dev_b', at: NOW + 1 }),
      row({ seq: 3, device: 'dev_c', brand: OTHER_BRAND, at: NOW + 2 }),
      row({ seq: 4, device: 'dev_a', at: NOW + 3 }),
    ])
    const seqs = async (query: Parameters<typeof scanned>[1]): Promise<number[]> =>
      (await scanned(store, query)).map(({ seq }) => seq)
    expect(await seqs({ brandId: OTHER_BRAND })).toEqual([3])
    expect(await seqs({ brandId: BRAND, deviceIds: ['dev_b', 'dev_c'] })).toEqual([2])
    expect(await seqs({ fromMs: NOW, toMs: NOW + 3 })).toEqual([1, 2, 3])
    expect(await seqs({ deviceIds: [] })).toEqual([])
  })

  const columns = async (store: HistoryStore, query: Partial<Parameters<HistoryStore['scanColumns']>[0]> = {}) => {
    const found: unknown[] = []
    const wanted = { brandId: BRAND, deviceIds: ['dev_a', 'dev_b'], metrics: ['dp_pa', 'on', 'mode'] }
    for await (const batch of store.scanColumns({ ...wanted, fromMs: 0, toMs: NOW + DAY, ...query }))
      for (const { deviceId, from, to } of batch.runs)
        for (let i = from; i < to; i++)
          found.push([deviceId, batch.seq[i], batch.arrivedAtMs[i], ...batch.values.map((column) => column[i])])
    return found
  }

  test('columns: device by device in order of arrival, what is missing as NaN, words as words', async () => {
    const store = await opened()
    await write(store, [
      row({ seq: 1, device: 'dev_b', values: { dp_pa: 1.5 } }),
      row({ seq: 2, at: NOW, values: { dp_pa: 2, on: true, mode: 'eco' } }),
      row({ seq: 3, at: NOW - HOUR, received: NOW + HOUR, values: { on: false } }),
      row({ seq: 4, device: 'dev_c', values: { dp_pa: 9 } }),
      row({ seq: 5, device: 'dev_d', brand: OTHER_BRAND, values: { dp_pa: 9 } }),
    ])
    expect(await columns(store, { metrics: ['dp_pa', 'on'] })).toEqual([
      ['dev_a', 2, NOW, 2, 1],
      ['dev_a', 3, NOW + HOUR, Number.NaN, 0],
      ['dev_b', 1, NOW, 1.5, Number.NaN],
    ])
    expect(await columns(store, { metrics: ['mode'], deviceIds: ['dev_a'] })).toEqual([
      ['dev_a', 2, NOW, 'eco'],
      ['dev_a', 3, NOW + HOUR, expect.toSatisfy((value) => value === null || Number.isNaN(value))],
    ])
    expect(await columns(store, { deviceIds: ['dev_d'] })).toEqual([])
  })

  test('columns: what was imported arrived when it was measured, whenever it was written', async () => {
    const store = await opened()
    const past = NOW - 60 * DAY
    await write(store, [
      row({ seq: 1, at: NOW, values: { dp_pa: 1 } }),
      row({ seq: 2, at: past + HOUR, received: NOW, imported: true, values: { dp_pa: 3 } }),
      row({ seq: 3, at: past, received: NOW, imported: true, values: { dp_pa: 2 } }),
    ])
    expect(await columns(store, { metrics: ['dp_pa'] })).toEqual([
      ['dev_a', 3, past, 2],
      ['dev_a', 2, past + HOUR, 3],
      ['dev_a', 1, NOW, 1],
    ])
    expect(await columns(store, { metrics: ['dp_pa'], fromMs: past, toMs: past + HOUR })).toEqual([
      ['dev_a', 3, past, 2],
    ])
  })

  test('a reader may leave a scan half way', async () => {
    const store = await opened()
    await write(
      store,
      Array.from({ length: 9_000 }, (_, i) => row({ seq: i + 1, at: NOW + i, device: `dev_${i % 9}` })),
    )
    for await (const batch of store.scanFleet({ fromMs: 0, toMs: NOW + DAY })) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    await store.write([], { logId: LOG, seq: 9_001 })
  })
}
