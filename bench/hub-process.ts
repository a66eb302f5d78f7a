import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HubApi } from '#simulators'

const ADMIN_KEY = 'bench-0123456789-0123456789-0123456789'

/** A hub of its own process, as people run it: embedded stores, every default, ports of its own. */
export interface HubProcess {
  api: HubApi
  mqttPort: number
  pid: number
  /** Resident memory of the hub, bytes; its PostgreSQL aside. */
  memoryBytes(): Promise<number>
  /** A gauge or counter without labels from `/metrics`. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

export async function startHubProcess(env: Record<string, string> = {}): Promise<HubProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-bench-'))
  // The flags of `npm start`.
  const flags = ['--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, 'app/main.ts', 'start', '--json'], {
    cwd: join(import.meta.dirname, '..'),
    env: {
      ...process.env,
      HUB_DATA_DIR: dir,
      HUB_HTTP_PORT: '0',
      HUB_MQTT_PORT: '0',
      HUB_ADMIN_KEY: ADMIN_KEY,
      HUB_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { httpUrl, mqttUrl } = await readiness(child)
  const metricsText = async (): Promise<string> => (await fetch(`${httpUrl}/metrics`)).text()
  const metric = async (name: string): Promise<number> => {
    const found = new RegExp(`^${name} (.+)$`, 'm').exec(await metricsText())
    if (!found) throw new Error(`the hub has no metric ${name}`)
    return Number(found[1])
  }
  return {
    api: new HubApi(httpUrl, ADMIN_KEY),
    mqttPort: Number(new URL(mqttUrl).port),
    pid: child.pid!,
    memoryBytes: () => metric('process_resident_memory_bytes'),
    metric,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function readiness(child: ChildProcess): Promise<{ httpUrl: string; mqttUrl: string }> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('exit', (code) => reject(new Error(`the hub ended with code ${code} before it was ready`)))
    child.stdout!.on('data', (chunk) => {
      text += chunk
      try {
        resolve(JSON.parse(text))
      } catch {
        // Not all of the document yet.
      }
    })
  })
}
