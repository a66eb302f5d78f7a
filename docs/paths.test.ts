import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))
const places = new Set(
  files.flatMap((path) => path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))).concat('.'),
)
const folders = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0]!))
const pages = files.filter((path) => path.endsWith('.md'))

/** What stands between fences is typed by a person or answered by a hub. */
const proseOf = (page: string): string => readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')

// Nothing a running hub writes has one of these endings.
const SOURCE = /^(?!\.)[\w*./-]+\.(?:ts|mjs|sql|md|html|css)$/
const FOLDER = /^[\w-]+(?:\/[\w-]+)*\/$/
const INSIDE = /^[\w-]+(?:\/[\w*.-]+)+$/
/** Folders below `HUB_DATA_DIR`, made by a hub. */
const OF_THE_DATA = new Set(['postgres/', 'log/', 'history/', 'cluster/', 'run/'])

const isPath = (text: string): boolean =>
  SOURCE.test(text) ||
  (FOLDER.test(text) && !OF_THE_DATA.has(text)) ||
  (INSIDE.test(text) && folders.has(text.split('/')[0]!))

/** A name holds from the root or from beside its page; in a folder's README from anywhere below that folder. */
function isThere(page: string, name: string): boolean {
  const home = dirname(page)
  const path = name.replace(/\/$/, '').replaceAll('.', '\\.').replaceAll('*', '[^/]*')
  const fromRoot = new RegExp(`^(?:${home}/)?${path}(?:\\.ts)?$`)
  const fromBelow = page.endsWith('/README.md') ? new RegExp(`^${home}/(?:.+/)?${path}$`) : fromRoot
  return [...places].some((place) => fromRoot.test(place) || fromBelow.test(place))
}

test('every path that a page names is there', () => {
  const named = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, name]) => ({ page, name: name! })),
  )
  const paths = named.filter(({ name }) => isPath(name))
  expect(paths.length).toBeGreaterThan(200)
  const gone = paths.filter(({ page, name }) => !isThere(page, name))
  expect(gone.map(({ page, name }) => `${page}: ${name}`)).toEqual([])
})

test('every link of a page leads to what is there', () => {
  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, to]) => ({ page, to: to! })),
  )
  expect(links.length).toBeGreaterThan(30)
  const gone = links.filter(({ page, to }) => !places.has(normalize(join(dirname(page), to)).replace(/\/$/, '')))
  expect(gone.map(({ page, to }) => `${page}: ${to}`)).toEqual([])
})
