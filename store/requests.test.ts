import { expect, test } from 'vitest'
import { IDEMPOTENCY_KEPT_MS, withIdempotency } from './idempotency.ts'
import { nextNumber } from './number-series.ts'
import { page } from './page.ts'
import { testBrand, testDatabase } from './testing.ts'
import { forgetOldReceipts, noteReceipt, RECEIPT_KEPT_MS } from './webhook-receipts.ts'

const answer = { status: 201, response: '{"id":"home_1"}' }

async function request() {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const sent = { brandId, route: 'POST /api/homes', key: 'k1', bodySha256: 'a', nowMs: 1_000 }
  return { db, brandId, sent }
}

test('a repeated request gets the first answer and does nothing', async () => {
  const { db, brandId, sent } = await request()
  let done = 0
  const send = () =>
    db.asBrand(brandId, (tx) =>
      withIdempotency(tx, sent, async () => {
        done++
        return answer
      }),
    )
  expect(await send()).toEqual({ ...answer, repeated: false })
  expect(await send()).toEqual({ ...answer, repeated: true })
  expect(done).toBe(1)
})

test('the same key with another body, while at work, and after its time', async () => {
  const { db, brandId, sent } = await request()
  const once = (over: Partial<typeof sent> = {}) =>
    db.asBrand(brandId, (tx) => withIdempotency(tx, { ...sent, ...over }, async () => answer))
  await db.asBrand(brandId, (tx) =>
    withIdempotency(tx, sent, async () => {
      await expect(once()).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' })
      return answer
    }),
  )
  await expect(once({ bodySha256: 'b' })).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
  const muchLater = { bodySha256: 'b', nowMs: 1_000 + IDEMPOTENCY_KEPT_MS }
  expect(await once(muchLater)).toMatchObject({ repeated: false })
})

test('work that failed leaves the key free', async () => {
  const { db, brandId, sent } = await request()
  const failing = db.asBrand(brandId, (tx) => withIdempotency(tx, sent, () => Promise.reject(new Error('no'))))
  await expect(failing).rejects.toThrow('no')
  expect(await db.asBrand(brandId, (tx) => withIdempotency(tx, sent, async () => answer))).toMatchObject({
    repeated: false,
  })
})

test('a webhook id counts once per sender until it is forgotten', async () => {
  const { db } = await testDatabase()
  const note = (sender: string, nowMs = 0) => db.asHub((tx) => noteReceipt(tx, { sender, webhookId: 'msg_1', nowMs }))
  expect([await note('fixers'), await note('fixers'), await note('others')]).toEqual([true, false, true])
  await db.asHub((tx) => forgetOldReceipts(tx, RECEIPT_KEPT_MS))
  expect(await note('fixers', RECEIPT_KEPT_MS)).toBe(true)
})

test('numbers of a series have no gaps, not even where a transaction rolled back', async () => {
  const { db, brandId } = await request()
  const next = () => db.asBrand(brandId, (tx) => nextNumber(tx, { brandId, series: 'order', year: 2026 }))
  const failing = db.asBrand(brandId, async (tx) => {
    await nextNumber(tx, { brandId, series: 'order', year: 2026 })
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect((await Promise.all([next(), next(), next()])).sort()).toEqual([1, 2, 3])
})

test('pages hold every row once while others come and go, in both directions', async () => {
  const { db, brandId } = await request()
  const alert = (n: number) => ({
    brand_id: brandId,
    kind: 'rule' as const,
    target: `rule-${n}`,
    closed_at_ms: n % 3,
    closed_by: 'k',
    reason: 'r',
  })
  await db.asBrand(brandId, (tx) =>
    tx
      .insertInto('gates')
      .values([...Array(10).keys()].map(alert))
      .execute(),
  )
  for (const direction of ['asc', 'desc'] as const) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const { items, nextCursor } = await db.asBrand(brandId, (tx) =>
        page(
          tx.selectFrom('gates').selectAll(),
          { limit: 3, ...(cursor ? { cursor } : {}) },
          { by: ['closed_at_ms', 'target'], direction },
        ),
      )
      seen.push(...items.map(({ target }) => target))
      cursor = nextCursor ?? undefined
    } while (cursor)
    expect(new Set(seen).size).toBe(10)
    expect(seen).toHaveLength(10)
    expect(seen[0]).toBe(direction === 'asc' ? 'rule-0' : 'rule-8')
  }
  const forged = db.asBrand(brandId, (tx) =>
    page(tx.selectFrom('gates').selectAll(), { cursor: 'WyJ4Il0' }, { by: ['closed_at_ms', 'target'] }),
  )
  await expect(forged).rejects.toMatchObject({ code: 'VALIDATION_FAILED', pointer: '/cursor' })
})
