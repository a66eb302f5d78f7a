import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(import.meta.dirname, 'reliability.md'), 'utf8')
const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<string, string>

const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (promise|fault) \|/.test(line))
const proofOf = (row: string): string => row.split('|').at(-2)!

test('every promise and every fault names a proof', () => {
  expect(rows.length).toBeGreaterThan(35)
  expect(rows.filter((row) => !proofOf(row).includes('`'))).toEqual([])
})

test('every test that is named is there, under its name', () => {
  const named = rows.flatMap((row) => [...proofOf(row).matchAll(/`([\w/-]+\.test\.ts)` "([^"]+)"/g)])
  expect(named.length).toBeGreaterThan(40)
  const missing = named.flatMap(([, file, title]) => {
    const path = join(root, file!)
    return existsSync(path) && readFileSync(path, 'utf8').includes(title!) ? [] : [`${file} "${title}"`]
  })
  expect(missing).toEqual([])
})

test('every command that is named is one', () => {
  const commands = [...page.matchAll(/`npm run ([\w-]+)/g)].map(([, name]) => name!)
  expect(commands.length).toBeGreaterThan(0)
  expect(commands.filter((name) => !(name in scripts))).toEqual([])
})
