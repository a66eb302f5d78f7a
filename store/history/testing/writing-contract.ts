import { expect, test } from 'vitest'
import type { HealthPoint, HistoryStore } from '../history.ts'
import { all, DAY, HOUR, LOG, type MakePlace, NOW, openedAt, row, scanned, write } from './history-place.ts'

/** What is written is kept: whole, once, and with the position it was read up to. */
export function describeWriting(makePlace: MakePlace): void {
  const opened = async (): Promise<HistoryStore> => openedAt(await makePlace())

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
    const again = await openedAt(place)
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
}
