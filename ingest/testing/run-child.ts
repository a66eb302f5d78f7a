import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const CHILD = fileURLToPath(new URL('./appending-child.ts', import.meta.url))

export interface ChildRun {
  dir: string
  /** Number of its first record. */
  first: number
  appends: number
  bytes: number
  /** Before the command, as `strace` and its options. */
  under?: readonly string[]
}

export interface EndedChild {
  /** Everything it told, in order. */
  lines: string[]
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

/** Runs an appending child to its end; `onLine` may kill it on the way. */
export async function runChild(
  { dir, first, appends, bytes, under = [] }: ChildRun,
  onLine: (lines: readonly string[], child: ChildProcess) => void = () => {},
): Promise<EndedChild> {
  const [command, ...args] = [...under, process.execPath, CHILD, dir, String(first), String(appends), String(bytes)]
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    onLine(lines, child)
  })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ lines, code, signal, stderr }))
  })
}

/** Whether system calls can be watched here. Where tests must be complete (`CI=true`), not being able to is a failure. */
export function straceWorks(): boolean {
  const works = spawnSync('strace', ['-qqq', '-o', '/dev/null', 'true']).status === 0
  if (!works && process.env.CI === 'true')
    throw new Error('These tests need strace and the right to trace: apt-get install strace')
  return works
}
