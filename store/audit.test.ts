import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { checkAudit, writeAudit } from './audit.ts'
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
  const check = () => db.asBrand(brandId, (tx) => checkAudit(tx, brandId))
  return { db, brandId, owner, check }
}

test('entries written at once form one unbroken chain', async () => {
  const { db, brandId, check } = await trailOf(30)
  const rows = await db.asBrand(brandId, (tx) => tx.selectFrom('audit').select('ordinal').orderBy('ordinal').execute())
  expect(rows.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
  expect(await check()).toMatchObject({ entries: 30, broken: null })
})

test('a changed, a missing and a cut-off entry show', async () => {
  const { owner, check } = await trailOf(5)
  const { head } = await check()
  await owner.query(`UPDATE audit SET detail = '{"n": 99}' WHERE ordinal = 4`)
  expect(await check()).toMatchObject({ entries: 3, broken: { ordinal: 4, why: 'changed' } })
  await owner.query('DELETE FROM audit WHERE ordinal = 3')
  expect(await check()).toMatchObject({ entries: 2, broken: { ordinal: 3, why: 'missing' } })
  await owner.query('DELETE FROM audit WHERE ordinal >= 3')
  expect(await check()).toMatchObject({ entries: 2, broken: { ordinal: 3, why: 'missing' } })
  // With the head set back as well the chain looks whole; the head written down before tells.
  await owner.query(`UPDATE audit_heads SET (ordinal, prev_hash, hash) =
    (SELECT ordinal, prev_hash, hash FROM audit WHERE ordinal = 2)`)
  expect((await check()).broken).toBeNull()
  expect((await check()).head).not.toBe(head)
})

test('the hub itself cannot rewrite the trail', async () => {
  const { db } = await trailOf(1)
  await expect(db.asHub((tx) => tx.deleteFrom('audit').execute())).rejects.toMatchObject({ code: '42501' })
  await expect(db.asHub((tx) => tx.updateTable('audit').set({ actor: 'x' }).execute())).rejects.toMatchObject({
    code: '42501',
  })
})
