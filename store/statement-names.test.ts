import { expect, test } from 'vitest'
import { StatementNames } from './statement-names.ts'

const often = (names: StatementNames, text: string): string | undefined =>
  Array.from({ length: 10 }, () => names.nameOf(text)).at(-1)

test('what comes again and again has a name, the same ever after; what comes once has none', () => {
  const names = new StatementNames()
  expect(names.nameOf('SELECT 1')).toBeUndefined()
  const name = often(names, 'SELECT 2')
  expect(name).toBeDefined()
  expect(names.nameOf('SELECT 2')).toBe(name)
  expect(often(names, 'SELECT 3')).not.toBe(name)
})

test('names end somewhere, and those given stay', () => {
  const names = new StatementNames()
  const first = often(names, 'SELECT 0')
  for (let i = 1; i < 1_000; i++) often(names, `SELECT ${i}`)
  expect(often(names, 'SELECT 1000')).toBeUndefined()
  expect(names.nameOf('SELECT 0')).toBe(first)
})

test('texts that never come again are forgotten, however many there are', () => {
  const names = new StatementNames()
  for (let i = 0; i < 100_000; i++) expect(names.nameOf(`SELECT ${i}`)).toBeUndefined()
  expect(often(names, 'SELECT 0')).toBeDefined()
})
