import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLogger } from '#platform'
import { removeEmbeddedPostgres } from '#store'
import { testDatabase } from '#store/testing'
import { readConfig } from '../config.ts'
import { type Hub, startHub } from '../hub.ts'

export const ADMIN_KEY = 'key-of-a-hub-that-lives-for-one-test'

/** A folder that goes with the test. */
export function testFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-hub-'))
  // The embedded database's own user, when tests run as root, has to pass through.
  chmodSync(dir, 0o711)
  onTestFinished(async () => {
    await removeEmbeddedPostgres(join(dir, 'data', 'postgres'), silentLogger)
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

/** Settings of a hub of one test: free ports, the run's own PostgreSQL, nothing else shared. */
export async function testEnvironment(over: Record<string, string> = {}): Promise<Record<string, string>> {
  const { ownerUrl, appUrl } = await testDatabase({ poolSize: 1 })
  return {
    HUB_DATA_DIR: join(testFolder(), 'data'),
    HUB_HTTP_PORT: '0',
    HUB_MQTT_PORT: '0',
    HUB_ADMIN_KEY: ADMIN_KEY,
    HUB_ALLOW_LOOPBACK: 'yes',
    HUB_DISK_RESERVE: '0',
    HUB_LOG_LEVEL: 'warn',
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    ...over,
  }
}

/** A hub in this process. */
export async function testHub(env: Record<string, string>): Promise<Hub> {
  const hub = await startHub(readConfig(env), { logger: silentLogger })
  onTestFinished(() => hub.stop())
  return hub
}

export interface HubProcess {
  child: ChildProcess
  httpUrl: string
  mqttUrl: string
  adminKey: string | null
  /** What it wrote to stderr so far. */
  errors(): string
  kill(signal: NodeJS.Signals): Promise<{ code: number | null; stderr: string }>
}

/** A hub in a process of its own, to be killed; `under` is a command that runs it, as strace. */
export async function hubProcess(env: Record<string, string>, under: readonly string[] = []): Promise<HubProcess> {
  const main = join(import.meta.dirname, '..', 'main.ts')
  const [command, ...args] = [...under, process.execPath, main, 'start', '--json']
  const child = spawn(command!, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  let stdout = ''
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      const line = stdout.split('\n').find((text) => text.startsWith('{"ready"'))
      if (line) resolve(line)
    })
    child.once('exit', (code) =>
      reject(new Error(`the hub ended with ${code} before it was ready: ${stderr}${stdout}`)),
    )
  })
  const { httpUrl, mqttUrl, adminKey } = JSON.parse(await ready) as Pick<HubProcess, 'httpUrl' | 'mqttUrl' | 'adminKey'>
  return {
    child,
    httpUrl,
    mqttUrl,
    adminKey,
    errors: () => stderr,
    async kill(signal) {
      const exited = once(child, 'exit')
      child.kill(signal)
      const [code] = (await exited) as [number | null]
      return { code, stderr }
    },
  }
}
