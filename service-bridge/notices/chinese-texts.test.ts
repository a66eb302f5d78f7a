import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Where the words are that a person reads. */
const BRIDGE = join(import.meta.dirname, '..')
const HALF_WIDTH = /[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]/

test('Chinese is set with full-width punctuation', () => {
  const files = readdirSync(BRIDGE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const found = files.flatMap((file) =>
    readFileSync(join(BRIDGE, file), 'utf8')
      .split('\n')
      .flatMap((line, i) => (HALF_WIDTH.test(line) ? [`${file}:${i + 1} ${line.trim()}`] : [])),
  )
  expect(files.length).toBeGreaterThan(50)
  expect(found).toEqual([])
})
