import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { firstBrokenAudit, writeAudit } from './audit.ts'
import { testBrand, testDatabase } from './testing.ts'

async function trailOf(count: number) {
  const { db, ownerUrl } = await testDatabase({ poolSize: 6 })
  const brandId = await testBrand(db)
  const entry = (n: number) => ({
    brandId,
    atMs: n,
    actor: 'key_a',
    action: 'site.fetched',
    subject: `wo_${n}`,
    detail: { n, share: 0.1 },
  })
  await Promise.all(Array.from({ length: count }, (_, n) => db.asBrand(brandId, (tx) => writeAudit(tx, entry(n)))))
  const owner = new pg.Client(ownerUrl)
  await owner.connect()
  onTestFinished(() => owner.end())
  const broken = (): Promise<number | null> => db.asBrand(brandId, (tx) => firstBrokenAudit(tx, brandId))
  return { db, brandId, owner, broken }
}

test('entries written at once form one unbroken chain', async () => {
  const { db, brandId, broken } = await trailOf(30)
  const rows = await db.asBrand(brandId, (tx) => tx.selectFrom('audit').select('ordinal').orderBy('ordinal').execute())
  expect(rows.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
  expect(await broken()).toBeNull()
})

test('a changed, a missing and a cut-off entry show', async () => {
  const { owner, broken } = await trailOf(5)
  await owner.query(`UPDATE audit SET detail = '{"n": 99}' WHERE ordinal = 4`)
  expect(await broken()).toBe(4)
  await owner.query('DELETE FROM audit WHERE ordinal = 3')
  expect(await broken()).toBe(3)
  await owner.query('DELETE FROM audit WHERE ordinal >= 3')
  expect(await broken()).toBe(3)
})

test('the hub itself cannot rewrite the trail', async () => {
  const { db } = await trailOf(1)
  await expect(db.asHub((tx) => tx.deleteFrom('audit').execute())).rejects.toMatchObject({ code: '42501' })
  await expect(db.asHub((tx) => tx.updateTable('audit').set({ actor: 'x' }).execute())).rejects.toMatchObject({
    code: '42501',
  })
})
