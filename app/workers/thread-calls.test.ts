import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { remoteCalls } from './thread-calls.ts'

function workerOf(body: string) {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-thread-'))
  const file = join(dir, 'worker.mts')
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads'
     import { serveCalls } from ${JSON.stringify(join(import.meta.dirname, 'thread-calls.ts'))}
     import { HubError } from ${JSON.stringify(join(import.meta.dirname, '../../platform/index.ts'))}
     const side = serveCalls(parentPort!, { ${body} })
     side.note('ready', { at: 1 })`,
  )
  const worker = new Worker(file)
  const notes: unknown[] = []
  const calls = remoteCalls(worker, (name, value) => notes.push([name, value]))
  onTestFinished(async () => {
    await worker.terminate()
    rmSync(dir, { recursive: true })
  })
  return { worker, calls, notes }
}

test('calls are answered in whatever order they end, and notes come unasked', async () => {
  const { calls, notes } = workerOf(
    `slow: (x: number) => new Promise((r) => setImmediate(() => r(x * 2))), fast: (x: number) => x + 1`,
  )
  expect(await Promise.all([calls.call('slow', 4), calls.call('fast', 4)])).toEqual([8, 5])
  expect(notes).toEqual([['ready', { at: 1 }]])
})

test('an error keeps its code across the threads', async () => {
  const { calls } = workerOf(`fail: () => { throw new HubError('LOG_GAP', 'records are gone') }`)
  await expect(calls.call('fail')).rejects.toMatchObject({ code: 'LOG_GAP', message: 'records are gone' })
  await expect(calls.call('toString')).rejects.toThrow('no such call: toString')
})

test('a thread that ends leaves no caller waiting', async () => {
  const { worker, calls } = workerOf(`never: () => new Promise(() => {})`)
  const waiting = expect(calls.call('never')).rejects.toThrow('the thread has ended')
  await worker.terminate()
  await waiting
  await expect(calls.call('never')).rejects.toThrow('the thread has ended')
})
