import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret, realSleep, silentLogger } from '#platform'
import { startEmbeddedPostgres } from '#store'

/** Longest a start may take on a busy machine, with a log to read again. */
const START_MS_MAX = 120_000
/** The ceiling is never what slows a trial. */
const TIME_SCALE = '10000000'
const MAIN = join(import.meta.dirname, '..', '..', 'app', 'main.ts')

export interface TrialHub {
  readonly httpUrl: string
  readonly mqttUrl: string
  readonly adminKey: string
  /** Of the restricted role, and of the owner: for looking from the side. */
  readonly databaseUrls: { appUrl: string; ownerUrl: string }
  /** Kills so far. */
  readonly kills: number
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
  /** The next life on the same data, ports and keys. */
  start(): Promise<void>
  /** Resolves once a killed hub answers again. */
  back(): Promise<void>
  close(): Promise<void>
}

export interface TrialHubOptions {
  /** A database that is there already; else one of the trial's own is started. */
  databaseUrls?: { appUrl: string; ownerUrl: string }
  /** Whether the trial's own database syncs every commit; only a trial that measures how long one takes needs it to. */
  durable?: boolean
  /** Leaves the folder and says where it is. */
  keep?: (folder: string) => void
  env?: Record<string, string>
}

/**
 * A hub as people run it, `beforehand start`, on stepped time and in a process of its own. Its database is not its
 * child, so that killing the hub is all that a kill does.
 */
export async function trialHub(options: TrialHubOptions = {}): Promise<TrialHub> {
  const folder = mkdtempSync(join(tmpdir(), 'beforehand-prove-'))
  // The embedded database's own user, as root, has to pass through.
  chmodSync(folder, 0o711)
  const postgres = options.databaseUrls
    ? null
    : await startEmbeddedPostgres({
        dir: join(folder, 'postgres'),
        logger: silentLogger,
        connectionsMax: 60,
        durable: options.durable ?? true,
      })
  const databaseUrls = options.databaseUrls ?? { appUrl: postgres!.appUrl, ownerUrl: postgres!.ownerUrl }
  const [httpPort, mqttPort] = [await freePort(), await freePort()]
  const adminKey = newSecret()
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HUB_DATA_DIR: join(folder, 'data'),
    HUB_HTTP_PORT: String(httpPort),
    HUB_MQTT_PORT: String(mqttPort),
    HUB_ADMIN_KEY: adminKey,
    HUB_TIME_SCALE: TIME_SCALE,
    HUB_ALLOW_LOOPBACK: 'yes',
    HUB_DISK_RESERVE: '0',
    HUB_LOG_LEVEL: 'error',
    DATABASE_URL: databaseUrls.appUrl,
    DATABASE_OWNER_URL: databaseUrls.ownerUrl,
    ...options.env,
  }
  let child: ChildProcess | null = null
  let kills = 0
  let starting: Promise<void> = Promise.resolve()
  // Nothing of the trial outlives it, however it ends.
  const atExit = (): void => {
    child?.kill('SIGKILL')
    if (postgres) process.kill(postgres.pid, 'SIGINT')
  }
  process.on('exit', atExit)

  async function start(): Promise<void> {
    const begun = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'start', '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child = begun
    let said = ''
    const ready = new Promise<'ready'>((resolve) => {
      begun.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('"ready":true')) resolve('ready')
      })
    })
    const late = new AbortController()
    const outcome = await Promise.race([
      ready,
      once(begun, 'exit').then(([code]) => `ended with ${code}`),
      realSleep(START_MS_MAX, late.signal).then(() => 'did not start in time'),
    ])
    late.abort()
    if (outcome === 'ready') return
    begun.kill('SIGKILL')
    throw new Error(`the hub ${outcome}`)
  }

  const hub: TrialHub = {
    httpUrl: `http://127.0.0.1:${httpPort}`,
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    adminKey,
    databaseUrls,
    get kills() {
      return kills
    },
    async kill() {
      const dying = child
      if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
      kills++
      dying.kill('SIGKILL')
      await once(dying, 'exit')
    },
    start() {
      starting = start()
      return starting
    },
    back: () => starting,
    async close() {
      const ending = child
      if (ending && ending.exitCode === null && ending.signalCode === null) {
        ending.kill('SIGTERM')
        await once(ending, 'exit')
      }
      await postgres?.stop()
      process.off('exit', atExit)
      if (options.keep) options.keep(folder)
      else rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await hub.start()
  } catch (error) {
    await hub.close()
    throw error
  }
  return hub
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
