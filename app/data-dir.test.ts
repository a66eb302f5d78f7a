import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findHub, openDataDir } from './data-dir.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-data-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'data')
}

const ADDRESS = { pid: process.pid, httpUrl: 'http://127.0.0.1:8080', mqttUrl: 'mqtt://127.0.0.1:1883' }

/** Another process that opens the folder, says so, and holds on until killed. */
async function otherProcess(path: string) {
  const script = join(path, '..', 'holder.mts')
  writeFileSync(
    script,
    `import { openDataDir } from ${JSON.stringify(join(import.meta.dirname, 'data-dir.ts'))}
     const dir = openDataDir(process.argv[2]!)
     dir.publish({ ...${JSON.stringify(ADDRESS)}, pid: process.pid })
     process.send!('held')
     setInterval(() => dir.path, 60_000)`,
  )
  const child = fork(script, [path], { stdio: 'inherit', execArgv: [] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

test('the first opening makes the folder and a key only its owner can read; the second finds both', () => {
  const path = folder()
  const first = openDataDir(path)
  expect([first.isNew, first.secretKey.length]).toEqual([true, 32])
  expect(statSync(join(path, 'secret.key')).mode & 0o777).toBe(0o600)
  // Who else is on the machine may pass and not look.
  expect(statSync(path).mode & 0o777).toBe(0o711)
  first.release()
  const second = openDataDir(path)
  onTestFinished(() => second.release())
  expect([second.isNew, second.secretKey]).toEqual([false, first.secretKey])
})

test('a folder in use is refused, naming the process; after a kill it opens at once', async () => {
  const path = folder()
  openDataDir(path).release()
  const child = await otherProcess(path)
  expect(() => openDataDir(path)).toThrow(`Process ${child.pid} already runs a hub`)
  expect(findHub(path)).toMatchObject({ pid: child.pid })
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(findHub(path)).toBeNull()
  openDataDir(path).release()
})

test('twice in one process is refused as well', () => {
  const path = folder()
  const held = openDataDir(path)
  onTestFinished(() => held.release())
  expect(() => openDataDir(path)).toThrow(expect.objectContaining({ code: 'DATA_DIR_LOCKED' }))
})

test('the address stands while the hub runs and goes with it', () => {
  const path = folder()
  const dir = openDataDir(path)
  dir.publish(ADDRESS)
  expect(findHub(path)).toEqual(ADDRESS)
  dir.release()
  expect(findHub(path)).toBeNull()
})

test('a damaged key stops the start and stays as it is', () => {
  const path = folder()
  openDataDir(path).release()
  writeFileSync(join(path, 'secret.key'), 'c2hvcnQ=')
  expect(() => openDataDir(path)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
  expect(readFileSync(join(path, 'secret.key'), 'utf8')).toBe('c2hvcnQ=')
})

test('a folder that the system does not let anybody make is refused at once', () => {
  const file = folder()
  writeFileSync(file, '')
  expect(() => openDataDir(join(file, 'below', 'data'))).toThrow(/HUB_DATA_DIR: the folder .* cannot be made/)
  // Where there is a /proc, even root cannot make a folder in it.
  if (existsSync('/proc/self')) expect(() => openDataDir('/proc/nope/data')).toThrow(/cannot be made/)
})
