import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { testDatabase } from '#store/testing'
import { checkSecretKey } from './secret-key-check.ts'

test('a database stays with the key it was sealed with', async () => {
  const { db } = await testDatabase()
  const key = randomBytes(32)
  await checkSecretKey(db, key, 1)
  await checkSecretKey(db, key, 2)
  await expect(checkSecretKey(db, randomBytes(32), 3)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('secret.key'),
  })
  await checkSecretKey(db, key, 4)
})
