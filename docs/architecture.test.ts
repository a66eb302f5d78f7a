import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Rows of the table "The house" in architecture.md: folder → folders it may import. */
function readHouse(): Map<string, Set<string>> {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const section = page.slice(page.indexOf('## The house'), page.indexOf('## Threads'))
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \|[^|]*\| ([^|]+) \|$/gm)]
  return new Map(
    rows.map(([, folder, allowed]) => [
      folder!,
      new Set(allowed!.trim() === 'nothing' ? [] : allowed!.split(',').map((name) => name.trim())),
    ]),
  )
}

const house = readHouse()

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))
const sources = tracked.filter((path) => /\.(ts|mjs)$/.test(path) && path.includes('/'))
const isTest = (path: string): boolean => /\.test\.ts$|(^|\/)testing(\/|\.ts$)/.test(path)
const folderOf = (path: string): string => path.split('/')[0]!

function importsOf(path: string): string[] {
  const code = readFileSync(join(root, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = code.matchAll(/(?:from|import|import\()\s*['"]([^'"\n]+)['"]/g)
  return [...found].map(([, name]) => name!)
}

/** The folder a specifier of ours leads to, and whether it uses the face; `null` for packages. */
function target(path: string, specifier: string): { folder: string; face: boolean } | null {
  if (specifier.startsWith('#')) return { folder: specifier.slice(1).split('/')[0]!, face: true }
  if (!specifier.startsWith('.')) return null
  return { folder: folderOf(normalize(join(dirname(path), specifier))), face: false }
}

describe('the house', () => {
  test('the table is read and every folder with code has a row', () => {
    expect(house.size).toBeGreaterThan(10)
    const folders = new Set(sources.map(folderOf).filter((folder) => !folder.startsWith('.')))
    expect([...folders].filter((folder) => !house.has(folder))).toEqual([])
  })

  test('a folder imports only what its row allows, and other folders only by their face', () => {
    const wrong: string[] = []
    for (const path of sources) {
      for (const specifier of importsOf(path)) {
        const to = target(path, specifier)
        if (!to || to.folder === folderOf(path)) continue
        const allowed = house.get(folderOf(path))?.has(to.folder)
        // A test may stand the real neighbours up; the code under test may not know them.
        if (!allowed && !isTest(path)) wrong.push(`${path} → ${specifier}: not allowed by docs/architecture.md`)
        if (!to.face && !isTest(path)) wrong.push(`${path} → ${specifier}: use #${to.folder}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('no import leads in a circle between folders', () => {
    for (const [folder, allowed] of house)
      for (const other of allowed) expect([...(house.get(other) ?? [])], `${folder} ↔ ${other}`).not.toContain(folder)
  })

  test('every folder of the product has a README and, where others import it, a face', () => {
    const missing: string[] = []
    const imported = new Set(
      sources
        .filter((path) => !isTest(path))
        .flatMap((path) => importsOf(path).map((name) => ({ from: folderOf(path), to: target(path, name)?.folder })))
        .filter(({ from, to }) => from !== to)
        .map(({ to }) => to),
    )
    for (const folder of house.keys()) {
      if (!sources.some((path) => folderOf(path) === folder) || folder === 'docs') continue
      if (!existsSync(join(root, folder, 'README.md'))) missing.push(`${folder}/README.md`)
      if (imported.has(folder) && !existsSync(join(root, folder, 'index.ts'))) missing.push(`${folder}/index.ts`)
    }
    expect(missing).toEqual([])
  })
})

describe('faces', () => {
  const NAMES = /\b(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/g
  const namesIn = (list: string): string[] =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  const faces = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).imports as Record<string, string>

  test('show no function and no value that no other folder asks for', () => {
    const asked = new Map<string, Set<string>>()
    for (const path of sources)
      for (const [, list, from] of readFileSync(join(root, path), 'utf8').matchAll(NAMES))
        for (const name of namesIn(list!)) {
          const own = name.replace(/^type /, '').split(' as ')[0]!
          asked.set(from!, (asked.get(from!) ?? new Set()).add(own))
        }
    const unasked = Object.entries(faces).flatMap(([face, path]) => {
      // A schema of contracts is a value and a type in one, and may be a part of another.
      if (face === '#contracts') return []
      const shown = [...readFileSync(join(root, path), 'utf8').matchAll(/\bexport \{([^}]*)\}/g)]
      return shown
        .flatMap(([, list]) => namesIn(list!))
        .filter((name) => !name.startsWith('type '))
        .map((name) => name.split(' as ').at(-1)!)
        .filter((name) => !asked.get(face)?.has(name))
        .map((name) => `${face}: ${name}`)
    })
    expect(unasked).toEqual([])
  })
})

describe('time and chance', () => {
  // In the browser and in benchmarks the wall clock is the right one.
  const FREE = new Set(['platform', 'bench', 'console', 'scripts', 'docs'])
  const FORBIDDEN = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|(?<![.\w])(?:setTimeout|setInterval)\(/

  test('come only from platform/', () => {
    const found: string[] = []
    for (const path of sources) {
      if (FREE.has(folderOf(path)) || isTest(path)) continue
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .forEach((line, index) => {
          // Comments, and a clock's own method of that name, call nothing.
          const code = line.replace(/\/\/.*$|^\s*\*.*$|^\s*setTimeout\(fn: /, '')
          if (FORBIDDEN.test(code)) found.push(`${path}:${index + 1}: ${line.trim()}`)
        })
    }
    expect(found).toEqual([])
  })
})

describe('what is committed', () => {
  test('nothing is left unfinished or switched off', () => {
    const found: string[] = []
    for (const path of sources) {
      if (path === 'docs/architecture.test.ts') continue
      const text = readFileSync(join(root, path), 'utf8')
      for (const [word] of text.matchAll(/\b(?:TODO|FIXME|XXX)\b|\b(?:test|it|describe)\.(?:only|todo)\(/g))
        found.push(`${path}: ${word}`)
    }
    expect(found).toEqual([])
  })

  test('every test file expects something', () => {
    const silent = sources.filter(
      (path) => /\.test\.ts$/.test(path) && !/expect|assert|fc\./.test(readFileSync(join(root, path), 'utf8')),
    )
    expect(silent).toEqual([])
  })
})
