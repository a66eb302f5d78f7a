import { expect, test } from 'vitest'
import { loadState, type StateEntry, saveState } from './evaluator-state.ts'
import { type PositionUpdate, readPosition, writePosition } from './positions.ts'
import { testDatabase } from './testing.ts'

async function rulesPosition() {
  const { db } = await testDatabase()
  const move = (update: Partial<PositionUpdate>): Promise<void> =>
    db.asHub((tx) => writePosition(tx, { consumer: 'rules', logId: 'log_a', fencingToken: 1, nowMs: 0, ...update }))
  const read = () => db.asHub((tx) => readPosition(tx, { consumer: 'rules' }))
  return { db, move, read }
}

test('effects run ahead of the state, and neither goes back', async () => {
  const { move, read } = await rulesPosition()
  expect(await read()).toBeNull()
  await move({ effectsSeq: 10 })
  expect(await read()).toMatchObject({ logId: 'log_a', stateSeq: 0, effectsSeq: 10 })
  await move({ stateSeq: 8 })
  expect(await read()).toMatchObject({ stateSeq: 8, effectsSeq: 10 })
  await move({ stateSeq: 5, effectsSeq: 6 })
  expect(await read()).toMatchObject({ stateSeq: 8, effectsSeq: 10 })
})

test('another log is refused, and an owner that was replaced writes nothing any more', async () => {
  const { db, move, read } = await rulesPosition()
  await move({ stateSeq: 5, effectsSeq: 5, fencingToken: 2 })
  await expect(move({ logId: 'log_b', effectsSeq: 6, fencingToken: 2 })).rejects.toMatchObject({ code: 'LOG_MISMATCH' })
  const late = db.asHub(async (tx) => {
    await tx.insertInto('hub_facts').values({ key: 'effect', value: '1', updated_at_ms: 0 }).execute()
    await writePosition(tx, { consumer: 'rules', logId: 'log_a', fencingToken: 1, effectsSeq: 9, nowMs: 0 })
  })
  await expect(late).rejects.toMatchObject({ code: 'FENCED' })
  expect(await read()).toMatchObject({ effectsSeq: 5, fencingToken: 2 })
  expect(await db.asHub((tx) => tx.selectFrom('hub_facts').selectAll().execute())).toEqual([])
})

test('checkpointed state comes back as last saved, beyond one page, without what is gone', async () => {
  const { db } = await testDatabase()
  const entries: StateEntry[] = Array.from({ length: 11_000 }, (_, i) => ({ key: `device ${i}`, value: `{"n":${i}}` }))
  await db.asHub((tx) => saveState(tx, entries))
  await db.asHub((tx) =>
    saveState(tx, [
      { key: 'device 1', value: 'early' },
      { key: 'device 1', value: 'late "quoted" 滤芯' },
      { key: 'device 2', value: null },
    ]),
  )
  const loaded = new Map<string, string>()
  const keep = (page: { key: string; value: string }[]): void => {
    for (const { key, value } of page) loaded.set(key, value)
  }
  await db.asHub((tx) => loadState(tx, keep))
  expect(loaded.size).toBe(10_999)
  expect(loaded.get('device 1')).toBe('late "quoted" 滤芯')
  expect(loaded.has('device 2')).toBe(false)
  expect(loaded.get('device 10999')).toBe('{"n":10999}')
})
