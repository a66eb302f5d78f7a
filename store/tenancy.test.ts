import { expect, test } from 'vitest'
import { testBrand, testDatabase } from './testing.ts'

test('a brand sees its own rows, even when the query names no brand', async () => {
  const { db } = await testDatabase()
  const acme = await testBrand(db, 'acme')
  const globex = await testBrand(db, 'globex')
  const seen = await db.asBrand(acme, (tx) => tx.selectFrom('brands').select('brand_id').execute())
  expect(seen).toEqual([{ brand_id: acme }])
  expect(await db.asHub((tx) => tx.selectFrom('brands').select('brand_id').execute())).toHaveLength(2)
  expect(globex).not.toBe(acme)
})
