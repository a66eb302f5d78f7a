import { expect, test } from 'vitest'
import type { Database } from '#store'
import { readinessOf } from './readiness.ts'

test('a database that hangs is named, and keeps nobody waiting', async () => {
  const hanging = { asHub: () => new Promise(() => undefined) } as unknown as Database
  const parts = await readinessOf({ db: hanging, log: null, rules: null, record: null, stopping: () => true })
  expect(parts).toEqual([
    { part: 'database', ready: false, reason: expect.stringContaining('not answered') },
    { part: 'hub', ready: false, reason: 'The hub is stopping.' },
  ])
})
