import { expect, test } from 'vitest'
import { DEAD_BODY_KEPT_MS, forgetOldDeliveries, ROW_KEPT_MS, SENT_BODY_KEPT_MS } from './delivery-retention.ts'
import { enqueueEvent } from './events.ts'
import type { DeliveryState } from './tables/delivery.ts'
import { testBrand, testDatabase } from './testing.ts'

const START_MS = 1_000_000_000_000
const DAY_MS = 86_400_000

async function deliveries() {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const add = (subject: string, state: DeliveryState, atMs = START_MS): Promise<string> =>
    db.asHub(async (tx) => {
      const id = await enqueueEvent(tx, {
        brandId,
        destination: { kind: 'partner', id: 'fixit' },
        type: 'beforehand.work_order.created',
        subject,
        body: () => ({ subject }),
        nowMs: atMs,
      })
      await tx
        .updateTable('deliveries')
        .set({
          state,
          sent_at_ms: state === 'sent' ? atMs : null,
          dead_at_ms: state === 'dead' ? atMs : null,
        })
        .where('delivery_id', '=', id)
        .execute()
      return id
    })
  const kept = () =>
    db.asHub(async (tx) => {
      const rows = await tx.selectFrom('deliveries').select(['subject', 'body']).orderBy('created_at_ms').execute()
      return rows.map((row) => [row.subject, row.body !== ''])
    })
  return { db, add, kept }
}

test('a delivered body goes after a month, a dead letter’s after three, what still waits never', async () => {
  const { db, add, kept } = await deliveries()
  await add('wo_sent', 'sent')
  await add('wo_dead', 'dead', START_MS + 1)
  await add('wo_waits', 'pending', START_MS + 2)
  expect(await forgetOldDeliveries(db, START_MS + SENT_BODY_KEPT_MS - 1)).toEqual({ bodies: 0, rows: 0 })
  expect(await forgetOldDeliveries(db, START_MS + SENT_BODY_KEPT_MS)).toEqual({ bodies: 1, rows: 0 })
  expect(await kept()).toEqual([
    ['wo_sent', false],
    ['wo_dead', true],
    ['wo_waits', true],
  ])
  await forgetOldDeliveries(db, START_MS + DEAD_BODY_KEPT_MS + 1)
  expect(await kept()).toEqual([
    ['wo_sent', false],
    ['wo_dead', false],
    ['wo_waits', true],
  ])
})

test('rows go with the last of their subject, so that its numbers go on', async () => {
  const { db, add, kept } = await deliveries()
  await add('wo_old', 'sent')
  await add('wo_long', 'sent', START_MS + 1)
  await add('wo_long', 'sent', START_MS + 100 * DAY_MS)
  const later = START_MS + ROW_KEPT_MS + 2
  expect((await forgetOldDeliveries(db, later)).rows).toBe(1)
  expect((await kept()).map(([subject]) => subject)).toEqual(['wo_long', 'wo_long'])
  expect((await forgetOldDeliveries(db, later + 100 * DAY_MS)).rows).toBe(2)
})
