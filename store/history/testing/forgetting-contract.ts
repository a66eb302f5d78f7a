import { expect, test } from 'vitest'
import type { HistoryStore } from '../history.ts'
import { all, DAY, HOUR, LOG, type MakePlace, NOW, openedAt, row, scanned, write } from './history-place.ts'

/** What is deleted or past its time goes, and nothing else does. */
export function describeForgetting(makePlace: MakePlace): void {
  const opened = async (): Promise<HistoryStore> => openedAt(await makePlace())

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
    await expectGone(await openedAt(place))
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
    expect(await (await openedAt(place)).position()).toMatchObject({ logId: LOG, seq: 3 })
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
}
