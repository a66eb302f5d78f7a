import { expect, test } from 'vitest'
import type { HistoryStore } from '../history.ts'
import { DAY, HOUR, type MakePlace, NOW, openedAt, row, write } from './history-place.ts'

/** One device is read by time: rows, pages, buckets, the last of each metric. */
export function describeReading(makePlace: MakePlace): void {
  const opened = async (): Promise<HistoryStore> => openedAt(await makePlace())

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
}
