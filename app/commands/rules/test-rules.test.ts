import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../../run-command.ts'

const CATALOG_TESTS = join(import.meta.dirname, '..', '..', '..', 'catalog', 'tests')

const RULE = `
key: hepa-clogged
name: { en: HEPA filter clogged, zh-CN: 滤芯堵塞 }
scope: { product: ap-300 }
component: hepa-filter
when: { metric: filter_dp_pa, op: ">", value: 250, clear: 230 }
for: 10m
`

function folder(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-rules-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

async function run(cwd: string, ...args: string[]) {
  let out = ''
  let err = ''
  const code = await runCommand({
    args: ['rules', ...args],
    env: {},
    cwd,
    out: (text) => (out += text),
    err: (text) => (err += text),
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

test.each(readdirSync(CATALOG_TESTS))('the rules of the catalogue do as their tests say: %s', async (file) => {
  const { code, out } = await run(CATALOG_TESTS, 'test', file)
  expect(out.split('\n').filter((line) => line.includes('✗'))).toEqual([])
  expect(code).toBe(0)
})

test('a failing test ends with 1 and draws it; with --json one document and nothing else', async () => {
  const dir = folder({
    'hepa.yaml': RULE,
    'hepa.test.yaml': `
rules: [hepa.yaml]
tests:
  - name: too early
    series: { filter_dp_pa: "260x15" }
    expect: [{ at: 9m, state: firing }]
  - name: right
    series: { filter_dp_pa: "260x15" }
    expect: [{ at: 10m, state: firing }]`,
  })
  const told = await run(dir, 'test', 'hepa.test.yaml')
  expect(told.code).toBe(1)
  expect(told.out).toContain('✗ too early')
  expect(told.out).toContain('✓ right')
  expect(told.out).toContain('expected state firing, got pending')
  expect(told.out).toMatch(/1 passed, 1 failed\n$/)
  const json = await run(dir, 'test', 'hepa.test.yaml', '--json')
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({
    passed: 1,
    failed: 1,
    files: [{ file: 'hepa.test.yaml', tests: [{ name: 'too early', failures: [{ at: '9m' }] }, { failures: [] }] }],
  })
})

test('what cannot be understood ends with 2, what is missing with 3; both are named', async () => {
  const dir = folder({
    'bad.yaml': 'rules: [hepa.yaml]\ntests: [{ name: x, seeries: {} }]',
    'broken-rule.yaml': `${RULE}\nforr: 3m`,
    'of-broken.yaml': 'rules: [broken-rule.yaml]\ntests: [{ name: x }]',
    'of-missing.yaml': 'rules: [nowhere.yaml]\ntests: [{ name: x }]',
  })
  expect(await run(dir, 'test', 'bad.yaml')).toMatchObject({
    code: 2,
    err: expect.stringContaining('/tests/0/seeries'),
  })
  expect(await run(dir, 'test', 'of-broken.yaml')).toMatchObject({
    code: 2,
    err: expect.stringContaining('broken-rule.yaml: Line 9, column 1: /forr'),
  })
  expect(await run(dir, 'test', 'of-missing.yaml')).toMatchObject({
    code: 3,
    err: expect.stringContaining('There is no file nowhere.yaml'),
  })
  expect(await run(dir, 'test', 'gone.yaml')).toMatchObject({ code: 3 })
  expect(await run(dir, 'test')).toMatchObject({ code: 2 })
  expect(await run(dir, 'tset')).toMatchObject({ code: 2, err: expect.stringContaining('"tset"') })
})
