import { describe, expect, onTestFinished, test } from 'vitest'
import type { ReadingValue } from '#contracts'
import type { HealthPoint, HistoryRow, HistoryStore } from './history.ts'

/** Opens an empty store; `again` opens what an earlier store of the same place left. */
export interface HistoryPlace {
  open(): Promise<HistoryStore>
}

const HOUR = 3_600_000
const DAY = 86_400_000
/** A Wednesday noon, so that a day on either side is in the same week. */
const NOW = Date.UTC(2026, 10, 18, 12)
const LOG = 'log_00000000000000000000000000'

const BRAND = 'brand_a'
const OTHER_BRAND = 'brand_b'

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

/** What any telemetry history has to do, whichever store is behind it. */
export function describeHistoryContract(name: string, makePlace: () => Promise<HistoryPlace>): void {
  describe(`${name} keeps the contract of a telemetry history`, () => {
    const opened = async (place?: HistoryPlace): Promise<HistoryStore> => {
      const store = await (place ?? (await makePlace())).open()
      onTestFinished(() => store.close())
      return store
    }
    const write = (store: HistoryStore, rows: readonly HistoryRow[]): Promise<void> =>
      store.write(rows, { logId: LOG, seq: rows.at(-1)!.seq })
    const all = async (store: HistoryStore, deviceId = 'dev_a'): Promise<HistoryRow[]> =>
      (await store.range({ deviceId, fromMs: 0, toMs: NOW + DAY })).rows
    const scanned = async (store: HistoryStore, query: Partial<Parameters<HistoryStore['scanFleet']>[0]> = {}) => {
      const rows: HistoryRow[] = []
      for await (const batch of store.scanFleet({ fromMs: 0, toMs: NOW + DAY, ...query })) rows.push(...batch)
      return rows
    }

    test('what was written is read back whole, every type and every digit of it', async () => {
      const store = await opened()
      const values = {
        dp_pa: 131.2,
        tiny: 5e-324,
        huge: 1.7976931348623157e308,
        precise: 0.1 + 0.2,
        beyond: 2 ** 53 + 2,
        zero: 0,
        negative: -17.25,
        on: true,
        off: false,
        mode: 'auto "quoted", a=b\\ 滤芯\n2',
        empty: '',
      }
      const rows = [
        row({ seq: 1, values }),
        row({ seq: 2, at: NOW + 5, received: NOW + 70, serverTime: true, imported: true, values: { dp_pa: 1 } }),
      ]
      await write(store, rows)
      expect(await all(store)).toEqual(rows)
    })

    test('the position comes back with the rows, over a restart', async () => {
      const place = await makePlace()
      const store = await place.open()
      expect(await store.position()).toBeNull()
      await write(store, [row({ seq: 7 })])
      // Records without readings count too.
      await store.write([], { logId: LOG, seq: 9 })
      expect(await store.position()).toMatchObject({ logId: LOG, seq: 9 })
      await store.close()
      const again = await opened(place)
      expect(await again.position()).toEqual({ logId: LOG, seq: 9, safeSeq: 9 })
      expect(await all(again)).toHaveLength(1)
    })

    test('writing the same rows again changes nothing', async () => {
      const store = await opened()
      const rows = [row({ seq: 1 }), row({ seq: 2, at: NOW + 1 })]
      await write(store, rows)
      await write(store, rows)
      expect(await all(store)).toEqual(rows)
      expect(await store.position()).toMatchObject({ seq: 2 })
    })

    test('an exact repetition is read once; another value of the same moment is kept', async () => {
      const store = await opened()
      const at = NOW
      await write(store, [
        row({ seq: 1, at, values: { dp_pa: 10 } }),
        row({ seq: 2, at: at + 1, values: { dp_pa: 11 } }),
        row({ seq: 3, at, values: { dp_pa: 10 } }),
        row({ seq: 4, at, values: { dp_pa: 12 } }),
      ])
      expect((await all(store)).map(({ seq }) => seq)).toEqual([1, 4, 2])
      expect((await scanned(store)).map(({ seq }) => seq)).toEqual([1, 2, 4])
      const query = { deviceId: 'dev_a', metrics: ['dp_pa'], fromMs: at, toMs: at + 1000, everyMs: 1000 }
      const [counted] = await store.downsample({ ...query, aggregation: 'count' })
      expect(counted?.values).toEqual({ dp_pa: 3 })
      const [summed] = await store.downsample({ ...query, aggregation: 'sum' })
      expect(summed?.values).toEqual({ dp_pa: 33 })
    })

    test('a thousand readings of one millisecond are a thousand readings', async () => {
      const store = await opened()
      const rows = Array.from({ length: 1_000 }, (_, i) => row({ seq: i + 1, values: { dp_pa: i } }))
      await write(store, rows)
      expect((await all(store)).map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq))
    })

    test('a range has the start and not the end, and comes by event time whatever the arrival', async () => {
      const store = await opened()
      await write(store, [
        row({ seq: 1, at: NOW + 2 }),
        row({ seq: 2, at: NOW + 1, received: NOW + 3 }),
        row({ seq: 3, at: NOW, received: NOW + 4 }),
        row({ seq: 4, at: NOW + 3, device: 'dev_b' }),
      ])
      const { rows } = await store.range({ deviceId: 'dev_a', fromMs: NOW, toMs: NOW + 2 })
      expect(rows.map(({ seq }) => seq)).toEqual([3, 2])
    })

    test('pages go through everything once, also through one crowded moment', async () => {
      const store = await opened()
      const moments = [0, 1, 1, 1, 1, 1, 2, 3]
      const rows = moments.map((at, i) => row({ seq: i + 1, at: NOW + at, values: { dp_pa: i } }))
      await write(store, [...rows, row({ seq: 9, at: NOW + 1, values: { dp_pa: 1 } })])
      const seen: number[] = []
      let cursor: string | undefined
      do {
        const query = { deviceId: 'dev_a', fromMs: NOW, toMs: NOW + 10, limit: 2, ...(cursor ? { cursor } : {}) }
        const page = await store.range(query)
        expect(page.rows.length).toBeLessThanOrEqual(2)
        seen.push(...page.rows.map(({ seq }) => seq))
        cursor = page.nextCursor ?? undefined
      } while (cursor)
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    })

    test('a cursor somebody made up is refused', async () => {
      const store = await opened()
      await write(store, [row({ seq: 1 })])
      const query = { deviceId: 'dev_a', fromMs: 0, toMs: NOW, cursor: "1' OR 1=1" }
      await expect(store.range(query)).rejects.toMatchObject({ code: 'VALIDATION_FAILED', pointer: '/cursor' })
    })

    test('asked for some metrics, rows without any of them are left out', async () => {
      const store = await opened()
      await write(store, [
        row({ seq: 1, at: NOW, values: { dp_pa: 1, fan_rpm: 900 } }),
        row({ seq: 2, at: NOW + 1, values: { fan_rpm: 901 } }),
        row({ seq: 3, at: NOW + 2, values: { dp_pa: 3 } }),
      ])
      const { rows } = await store.range({ deviceId: 'dev_a', metrics: ['dp_pa'], fromMs: NOW, toMs: NOW + 9 })
      expect(rows.map(({ seq, values }) => [seq, values])).toEqual([
        [1, { dp_pa: 1 }],
        [3, { dp_pa: 3 }],
      ])
    })

    test('downsampling: every aggregate, in buckets of whole multiples, gaps left out', async () => {
      const store = await opened()
      const at = Math.floor(NOW / HOUR) * HOUR
      const readings: [minute: number, value: number][] = [
        [0, 2],
        [20, 8],
        [40, 5],
        [125, 7],
      ]
      await write(
        store,
        readings.map(([minute, value], i) => row({ seq: i + 1, at: at + minute * 60_000, values: { dp_pa: value } })),
      )
      const expected = { mean: [5, 7], min: [2, 7], max: [8, 7], last: [5, 7], sum: [15, 7], count: [3, 1] } as const
      for (const [aggregation, [first, second]] of Object.entries(expected)) {
        const query = { deviceId: 'dev_a', metrics: ['dp_pa'], fromMs: at, toMs: at + 4 * HOUR, everyMs: HOUR }
        expect(await store.downsample({ ...query, aggregation: aggregation as 'mean' }), aggregation).toEqual([
          { atMs: at, values: { dp_pa: first } },
          { atMs: at + 2 * HOUR, values: { dp_pa: second } },
        ])
      }
    })

    test('downsampling booleans and text', async () => {
      const store = await opened()
      await write(store, [
        row({ seq: 1, at: NOW, values: { on: true, mode: 'auto' } }),
        row({ seq: 2, at: NOW + 1, values: { on: false, mode: 'night' } }),
      ])
      const query = { deviceId: 'dev_a', metrics: ['on', 'mode'], fromMs: NOW, toMs: NOW + 1000, everyMs: 1000 }
      expect((await store.downsample({ ...query, aggregation: 'last' }))[0]?.values).toEqual({
        on: false,
        mode: 'night',
      })
      expect((await store.downsample({ ...query, aggregation: 'count' }))[0]?.values).toEqual({ on: 2, mode: 2 })
      expect((await store.downsample({ ...query, aggregation: 'mean' }))[0]?.values).toEqual({ on: 0.5 })
    })

    test('too many buckets are refused', async () => {
      const store = await opened()
      const query = {
        deviceId: 'dev_a',
        metrics: ['dp_pa'],
        fromMs: 0,
        toMs: NOW,
        everyMs: 1,
        aggregation: 'mean',
      } as const
      await expect(async () => store.downsample(query)).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        pointer: '/every',
      })
    })

    test('the last value of each metric is the newest by event time; of one moment the first to arrive wins', async () => {
      const store = await opened()
      await write(store, [
        row({ seq: 1, at: NOW - DAY, values: { firmware: '1.4.2', dp_pa: 1 } }),
        row({ seq: 2, at: NOW, values: { dp_pa: 5, on: true } }),
        row({ seq: 3, at: NOW, received: NOW + 1, values: { dp_pa: 6 } }),
        row({ seq: 4, at: NOW - 10, received: NOW + 2, values: { dp_pa: 7 } }),
      ])
      expect(await store.last('dev_a')).toEqual({
        firmware: { value: '1.4.2', measuredAtMs: NOW - DAY },
        dp_pa: { value: 5, measuredAtMs: NOW },
        on: { value: true, measuredAtMs: NOW },
      })
      expect(await store.last('dev_a', ['on', 'missing'])).toEqual({ on: { value: true, measuredAtMs: NOW } })
      expect(await store.last('dev_unknown')).toEqual({})
    })

    test('the last messages come newest first by arrival, over weeks', async () => {
      const store = await opened()
      await write(store, [
        row({ seq: 1, at: NOW - 8 * DAY }),
        row({ seq: 2, at: NOW - 7 * DAY }),
        row({ seq: 3, at: NOW }),
        row({ seq: 4, at: NOW - 1000, received: NOW + 1 }),
      ])
      expect((await store.lastMessages('dev_a', 3)).map(({ seq }) => seq)).toEqual([4, 3, 2])
    })

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

    test('a deleted device is gone at once, is not recorded again, and takes nobody with it', async () => {
      const place = await makePlace()
      const store = await place.open()
      await write(store, [row({ seq: 1 }), row({ seq: 2, device: 'dev_b', at: NOW + 1 })])
      await store.deleteDevice('dev_a')
      const expectGone = async (from: HistoryStore): Promise<void> => {
        expect(await all(from)).toEqual([])
        expect(await from.last('dev_a')).toEqual({})
        expect(await from.lastMessages('dev_a', 5)).toEqual([])
        expect((await scanned(from)).map(({ deviceId }) => deviceId)).toEqual(['dev_b'])
      }
      await expectGone(store)
      await store.write([row({ seq: 3, at: NOW + 2 })], { logId: LOG, seq: 3 })
      await expectGone(store)
      await store.tidy(NOW + HOUR)
      await expectGone(store)
      expect(await store.position()).toMatchObject({ seq: 3 })
      await store.close()
      await expectGone(await opened(place))
    })

    test('tidying drops raw readings after ninety days and keeps the position', async () => {
      const place = await makePlace()
      const store = await place.open()
      await write(store, [row({ seq: 1, at: NOW - 100 * DAY }), row({ seq: 2, at: NOW - 80 * DAY }), row({ seq: 3 })])
      await store.tidy(NOW)
      expect((await all(store)).map(({ seq }) => seq)).toEqual([2, 3])
      await store.tidy(NOW + 200 * DAY)
      expect(await all(store)).toEqual([])
      await store.close()
      expect(await (await opened(place)).position()).toMatchObject({ logId: LOG, seq: 3 })
    })

    test('tidying a week that is over changes nothing a reader sees', async () => {
      const store = await opened()
      const rows = Array.from({ length: 40 }, (_, i) =>
        row({ seq: i + 1, device: `dev_${i % 2 ? 'a' : 'b'}`, at: NOW - 20 * DAY + i * HOUR * 12 }),
      )
      await write(store, rows)
      const before = await scanned(store)
      await store.tidy(NOW)
      expect(await scanned(store)).toEqual(before)
      expect(await all(store)).toEqual(rows.filter(({ deviceId }) => deviceId === 'dev_a'))
    })

    test('what is known of parts is kept beside the readings, by device and time; the same point again is one', async () => {
      const store = await opened()
      const point = (over: Partial<HealthPoint> = {}): HealthPoint => ({
        brandId: 'brand_a',
        deviceId: 'dev_a',
        productKey: 'ap-300',
        component: 'hepa-filter',
        atMs: NOW,
        wear: 0.25,
        p10Days: 40.5,
        p50Days: 60,
        p90Days: 81,
        ...over,
      })
      const unknown = point({ component: 'fan', wear: 0.5, p10Days: null, p50Days: null, p90Days: null })
      await store.writeHealth([point(), unknown, point({ deviceId: 'dev_b' })])
      await store.writeHealth([point({ atMs: NOW + DAY, wear: 0.3 }), point()])
      const of = (deviceId: string, toMs: number) => store.health({ deviceId, fromMs: NOW, toMs })
      expect(await of('dev_a', NOW + DAY)).toEqual([unknown, point()])
      expect((await of('dev_a', NOW + 2 * DAY)).map(({ wear }) => wear)).toEqual([0.5, 0.25, 0.3])
      await store.deleteDevice('dev_a')
      await store.tidy(NOW + HOUR)
      expect(await of('dev_a', NOW + 2 * DAY)).toEqual([])
      expect(await of('dev_b', NOW + DAY)).toHaveLength(1)
    })
  })
}
