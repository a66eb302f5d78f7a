import { expect, test } from 'vitest'
import { markAppended, submitChange, waitingChanges } from './control-changes.ts'
import { enqueueEvent } from './events.ts'
import { testBrand, testDatabase } from './testing.ts'

const change = { type: 'device.removed', deviceId: 'dev_a' } as const

test('a change waits from its commit until the log has it, in order, and once per id', async () => {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const ids = await db.asBrand(brandId, async (tx) => [
    await submitChange(tx, { brandId, change, nowMs: 1 }),
    await submitChange(tx, { brandId, change, changeId: 'chg_same', nowMs: 2 }),
    await submitChange(tx, { brandId, change, changeId: 'chg_same', nowMs: 3 }),
  ])
  const waiting = await db.asHub((tx) => waitingChanges(tx, 10))
  expect(waiting.map(({ changeId }) => changeId)).toEqual([ids[0], 'chg_same'])
  expect(waiting[0]).toMatchObject({ brandId, change })
  await db.asHub((tx) => markAppended(tx, [{ ordinal: waiting[0]!.ordinal, seq: 41 }], 9))
  expect(await db.asHub((tx) => waitingChanges(tx, 10))).toHaveLength(1)
})

test('a change of a transaction that rolled back never waits', async () => {
  const { db } = await testDatabase()
  const attempt = db.asHub(async (tx) => {
    await submitChange(tx, { brandId: null, change, nowMs: 1 })
    throw new Error('no')
  })
  await expect(attempt).rejects.toThrow('no')
  expect(await db.asHub((tx) => waitingChanges(tx, 10))).toEqual([])
})

test('events of a subject are numbered without gaps or doubles, whoever sends them at once', async () => {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const send = (subject: string, deliveryId?: string) =>
    db.asBrand(brandId, (tx) =>
      enqueueEvent(tx, {
        brandId,
        destination: { kind: 'partner', id: 'fixers' },
        type: 'beforehand.work_order.created',
        subject,
        ...(deliveryId ? { deliveryId } : {}),
        body: ({ deliveryId: id, subjectSequence }) => ({ id, sequence: subjectSequence }),
        nowMs: 5,
      }),
    )
  await Promise.all(Array.from({ length: 12 }, () => send('wo_a')))
  await send('wo_b', 'msg_fixed')
  await send('wo_b', 'msg_fixed')
  const rows = await db.asBrand(brandId, (tx) =>
    tx.selectFrom('deliveries').selectAll().orderBy('subject').orderBy('subject_sequence').execute(),
  )
  expect(rows.map((r) => [r.subject, r.subject_sequence])).toEqual([
    ...Array.from({ length: 12 }, (_, i) => ['wo_a', i + 1]),
    ['wo_b', 1],
  ])
  expect(JSON.parse(rows.at(-1)!.body)).toEqual({ id: 'msg_fixed', sequence: 1 })
  expect(rows.at(-1)).toMatchObject({ state: 'pending', attempts: 0, next_at_ms: 5 })
})
