import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EVENT_TYPES } from '#contracts'
import { ERRORS } from '#platform'
import { MEANING, type VariableName } from '../app/environment.ts'
import { COMMANDS } from '../app/run-command.ts'
import { testEnvironment, testHub } from '../app/testing/test-hub.ts'

const guide = readFileSync(join(import.meta.dirname, 'operating.md'), 'utf8')
const api = readFileSync(join(import.meta.dirname, 'api.md'), 'utf8')

/** The first two cells of each row of the tables below a heading, code marks left out. */
function rowsOf(heading: string): [first: string, second: string][] {
  const from = guide.indexOf(`\n## ${heading}\n`)
  expect(from, heading).toBeGreaterThan(0)
  const end = guide.indexOf('\n## ', from + 1)
  const section = guide.slice(from, end < 0 ? undefined : end)
  return [...section.matchAll(/^\| `([^|`]+)` \| ([^|]+) \|/gm)].map(([, first, second]) => [
    first!,
    second!.replaceAll('`', ''),
  ])
}

test('every variable is explained, with its default, and no other', () => {
  const rows = rowsOf('Configuration')
  const variables = Object.keys(MEANING) as VariableName[]
  expect(rows.map(([name]) => name).sort()).toEqual([...variables].sort())
  for (const [name, shown] of rows) {
    const { default: value } = MEANING[name as VariableName]
    if (value !== undefined) expect(shown, name).toBe(value)
    else expect(shown, name).not.toMatch(/^\d/)
  }
})

test('every command is explained, and no other', () => {
  expect(
    rowsOf('Commands')
      .map(([name]) => name)
      .sort(),
  ).toEqual(COMMANDS.map(({ name }) => name).sort())
})

test('every error code is explained, and no other', () => {
  expect(
    rowsOf('Error codes')
      .map(([code]) => code)
      .sort(),
  ).toEqual(Object.keys(ERRORS).sort())
})

/** A path with its variables nameless: `/api/keys/{}`. */
const shape = (path: string): string => path.replaceAll(/\{[^}]+\}/g, '{}')

test('every event is explained, and no other', () => {
  const rows = [...api.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, type]) => type!)
  expect(rows.sort()).toEqual([...EVENT_TYPES].sort())
})

interface Operation {
  summary: string
  'x-access': { kind: string; roles?: readonly string[] }
}
/** How the page names who may call: the least of the roles, for those above it may too. */
const CALLERS: Readonly<Record<string, string>> = {
  public: 'anybody',
  link: 'link',
  device: 'token',
  signed: 'signature',
  'admin author viewer': 'viewer',
  'admin author': 'author',
  admin: 'admin',
  partner: 'partner',
  platform: 'operator',
  'platform admin': 'operator, admin',
  'platform admin author viewer': 'operator, viewer',
}
const callerOf = ({ kind, roles }: Operation['x-access']): string => CALLERS[roles?.join(' ') ?? kind]!

// The walk needs tools that may be absent; this needs only the hub.
test('calls, metrics and parts of readiness that the pages name are those of a running hub', async () => {
  const hub = await testHub(await testEnvironment())
  const get = (path: string): Promise<Response> => fetch(hub.addresses.httpUrl + path)
  const document = (await (await get('/openapi.json')).json()) as { paths: Record<string, Record<string, Operation>> }
  const lines = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) =>
        `| \`${method.toUpperCase()} ${path}\` | ${callerOf(operation['x-access'])} | ${operation.summary} |`,
    ),
  )
  const shown = api.match(/^\| `[A-Z]+ \/.*$/gm) ?? []
  expect([...shown].sort()).toEqual(lines.sort())

  const operations = new Map(
    Object.entries(document.paths).map(([path, item]) => [shape(path), new Set(Object.keys(item))]),
  )
  const reference = guide.slice(guide.indexOf('\n## Configuration'))
  const calls = [...reference.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/api\/[\w/{}-]+)/g)]
  expect(calls.length).toBeGreaterThan(10)
  for (const [call, method, path] of calls) {
    // Only hub time that moves in steps has this one.
    if (path === '/api/clock') continue
    expect(operations.get(shape(path!))?.has(method!.toLowerCase()), call).toBe(true)
  }

  const metrics = await (await get('/metrics')).text()
  const names = new Set(reference.match(/beforehand_[a-z_]+/g))
  expect(names.size).toBeGreaterThan(5)
  for (const name of names) expect(metrics, name).toContain(`# HELP ${name.replace(/_(bucket|count|sum)$/, '')} `)

  const { parts } = (await (await get('/readyz')).json()) as { parts: { part: string }[] }
  const explained = rowsOf('Health, metrics, alerts').map(([part]) => part)
  expect(explained).toEqual(expect.arrayContaining([...parts.map(({ part }) => part), 'hub']))
}, 60_000)
