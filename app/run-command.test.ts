import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EXIT } from './cli.ts'
import { runCommand } from './run-command.ts'
import { version } from './version.ts'

async function run(args: string[], env: NodeJS.ProcessEnv = {}) {
  let out = ''
  let err = ''
  const code = await runCommand({
    args,
    env,
    cwd: import.meta.dirname,
    out: (text) => (out += text),
    err: (text) => (err += text),
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

test('help lists every command, help of one shows its options', async () => {
  const all = await run([])
  expect(all.code).toBe(EXIT.done)
  for (const name of ['start', 'demo', 'simulate', 'version']) expect(all.out).toContain(`  ${name}`)
  expect((await run(['help', 'demo'])).out).toContain('--once')
  expect((await run(['demo', '--help'])).out).toContain('--seed N')
  expect((await run(['--version'])).out).toBe(`${version()}\n`)
})

test.each([
  [['dance'], EXIT.usage, 'There is no command "dance"'],
  [['start', '--fast'], EXIT.usage, "USAGE: Unknown option '--fast'.\n"],
  [['demo', 'extra'], EXIT.usage, '"extra" is not understood here'],
  [['help', 'frob'], EXIT.usage, 'There is no command "frob"'],
  [['version', 'now'], EXIT.usage, '"now" is not understood here'],
  [['demo', '--seed', 'soon'], EXIT.usage, '--seed takes a whole number from 0, not "soon".'],
  [['simulate', '--for', 'ages'], EXIT.usage, '--for takes a duration'],
  [['simulate', '--devices', '/nowhere.ndjson'], EXIT.usage, 'There is no file /nowhere.ndjson'],
])('%j ends with %i and says why', async (args, code, reason) => {
  const result = await run(args)
  expect([result.code, result.out]).toEqual([code, ''])
  expect(result.err).toContain(reason)
})

test('a setting that cannot be used ends with 2, a feature that is not there with 3', async () => {
  const wrong = await run(['start'], { HUB_HTTP_PORT: 'eighty', HUB_ROLES: 'cook' })
  expect(wrong.code).toBe(EXIT.usage)
  expect(wrong.err).toMatch(/^CONFIG_INVALID:\n/)
  expect(wrong.err).toContain('HUB_HTTP_PORT must be')
  expect(wrong.err).toContain('HUB_ROLES must be')
  const missing = await run(['start'], { NATS_URL: 'nats://127.0.0.1' })
  expect([missing.code, missing.err]).toEqual([EXIT.missing, expect.stringContaining('NATS_URL')])
})

test('the launcher runs the command, whatever Node reads it', async () => {
  const launcher = join(import.meta.dirname, 'beforehand.mjs')
  const answer = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [launcher, 'start', '--fast'], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
  expect(answer).toEqual({ code: EXIT.usage, stdout: '', stderr: expect.not.stringContaining('Warning') })
  expect(answer.stderr).toContain('--fast')
})
