import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDurableFolder } from './durable-folder.ts'
import { temporaryFolder } from './testing/parts.ts'

test('a folder of readings is made with those above it, for its owner alone; one that is there stays as it is', () => {
  const dir = join(temporaryFolder(), 'deep', 'log')
  makeDurableFolder(dir)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  makeDurableFolder(dir)
  expect(statSync(dir).isDirectory()).toBe(true)
})
