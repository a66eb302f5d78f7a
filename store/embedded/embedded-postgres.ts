import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import pg from 'pg'
import { HubError, type Logger, newSecret, realClock, realSleep, toError } from '#platform'
import { type Binaries, exists, readyBinaries, STAGE_ROOT } from './binaries.ts'
import { lastLines, readyCluster } from './cluster.ts'
import { type ClusterPlace, clusterPlace } from './cluster-place.ts'
import { keepRunning } from './keep-running.ts'
import { type OperatingUser, operatingUser } from './operating-user.ts'
import {
  commandLine,
  findPostmaster,
  hasExited,
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts'

export interface EmbeddedPostgres {
  /** Superuser, for migrations only. */
  ownerUrl: string
  /** The restricted role the hub works as. */
  appUrl: string
  /** Whether a server left running by a killed hub was taken over. */
  adopted: boolean
  /** Of the process that serves now: one that ended unasked is replaced. */
  readonly pid: number
  /** Shuts the server down cleanly; waits until it is gone. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** A folder of the database's own inside the data folder. */
  dir: string
  logger: Logger
  /** False only where losing everything at a power cut is fine: tests. */
  durable?: boolean
  connectionsMax?: number
  /** Starts the server again whenever it ends before `stop`. For whoever owns the folder alone. */
  keepRunning?: boolean
  /** Where what the server's user cannot reach is put instead. */
  stageRoot?: string
}

const OWNER = 'hub_owner'
const APP = 'hub_app'
const DATABASE = 'beforehand'
/** Only names the socket file; no port is opened. */
const PORT = 5432
/** After a crash the server first replays its log: at most `max_wal_size`, which slow disks take minutes over. */
const START_MS_MAX = 180_000
const POLL_MS = 50
/** Sessions of a killed server hold its shared memory for a moment. */
const START_ATTEMPTS = 5

/** One hub's load on a small machine: modest memory, no parallel workers, nothing in /dev/shm, nothing on the network. */
function settings(options: EmbeddedPostgresOptions, place: ClusterPlace): Record<string, string> {
  const durability: Record<string, string> =
    options.durable === false
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
      : { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }
  return {
    listen_addresses: '',
    unix_socket_directories: place.sockets,
    max_connections: String(options.connectionsMax ?? 40),
    shared_buffers: '96MB',
    work_mem: '4MB',
    maintenance_work_mem: '64MB',
    huge_pages: 'off',
    shared_memory_type: 'mmap',
    dynamic_shared_memory_type: 'mmap',
    max_parallel_workers_per_gather: '0',
    max_parallel_maintenance_workers: '0',
    jit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '512MB',
    checkpoint_timeout: '10min',
    autovacuum_naptime: '15s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A statement or a key in an error message may hold what must not be in a log file.
    log_min_messages: 'warning',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    ...durability,
  }
}

/**
 * A real PostgreSQL as a child process. The cluster is made at the first start; a server that
 * a killed hub left behind is adopted when it runs with exactly these settings, else stopped
 * and started anew.
 *
 * Throws `EMBEDDED_DB_FAILED`, saying what the server said.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new HubError('EMBEDDED_DB_FAILED', 'The embedded PostgreSQL needs Linux or macOS. Set DATABASE_URL.')
  }
  const dir = resolve(options.dir)
  const stageRoot = options.stageRoot ?? STAGE_ROOT
  const user = operatingUser()
  const binaries = await readyBinaries(user, stageRoot)
  const place = await clusterPlace(dir, user, options.logger, stageRoot)
  const passwords = await readOrMakePasswords(dir)
  const found = await readyCluster({
    place,
    binaries,
    user,
    owner: { name: OWNER, password: passwords.owner },
    durable: options.durable !== false,
  })
  const server = { dir, place, binaries, user: found, options, passwords }
  const left = await adoptOrStop(server)
  const postmaster = left ?? (await launch(server))
  await ensureRoleAndDatabase(server)
  const kept = options.keepRunning
    ? keepRunning(postmaster, {
        relaunch: async () => (await adoptOrStop(server)) ?? (await launch(server)),
        logger: options.logger,
      })
    : { pid: () => postmaster.pid, release: async () => postmaster }
  return {
    ownerUrl: url(place, OWNER, passwords.owner),
    appUrl: url(place, APP, passwords.app),
    adopted: left !== null,
    get pid() {
      return kept.pid()
    },
    stop: async () => stopPostmaster(place.cluster, await kept.release()),
  }
}

interface Server {
  dir: string
  place: ClusterPlace
  binaries: Binaries
  user: OperatingUser | null
  options: EmbeddedPostgresOptions
  passwords: Passwords
}

interface Passwords {
  owner: string
  app: string
}

function url(place: ClusterPlace, role: string, password: string, database = DATABASE): string {
  return `postgresql://${role}:${password}@/${database}?host=${encodeURIComponent(place.sockets)}&port=${PORT}`
}

function serverArguments({ place, options }: Server): string[] {
  const given = Object.entries(settings(options, place)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', place.cluster, '-p', String(PORT), ...given]
}

/** Written before the cluster is made, readable by the hub alone. */
async function readOrMakePasswords(dir: string): Promise<Passwords> {
  const file = join(dir, 'credentials.json')
  const stored = await readFile(file, 'utf8').catch(() => null)
  if (stored !== null) return JSON.parse(stored) as Passwords
  const made: Passwords = { owner: newSecret(), app: newSecret() }
  await writeFile(`${file}.new`, JSON.stringify(made), { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
  return made
}

async function adoptOrStop(server: Server): Promise<Postmaster | null> {
  const { place, binaries, options } = server
  const left = await findPostmaster(place.cluster)
  if (!left) return null
  const wanted = serverArguments(server)
    .map((argument) => ` "${argument}"`)
    .join('')
  if ((await commandLine(place.cluster)) === binaries.postgres + wanted) {
    const failed = await untilAnswering(server, left).catch(toError)
    if (!failed) {
      options.logger.info({ pid: left.pid }, 'took over the PostgreSQL that an earlier hub left running')
      return left
    }
  }
  options.logger.info({ pid: left.pid }, 'stopping the PostgreSQL that an earlier hub left running')
  await stopPostmaster(place.cluster, left)
  return null
}

async function launch(server: Server): Promise<Postmaster> {
  const { dir, binaries, user } = server
  for (let attempt = 1; ; attempt++) {
    const postmaster = await spawnPostmaster({
      program: binaries.postgres,
      args: serverArguments(server),
      user,
      logFile: join(dir, 'server.log'),
    })
    try {
      await untilAnswering(server, postmaster)
      return postmaster
    } catch (error) {
      if (!hasExited(postmaster)) await stopPostmaster(server.place.cluster, postmaster)
      if (attempt === START_ATTEMPTS || !String((error as Error).message).includes('still in use')) throw error
      await realSleep(attempt * 200)
    }
  }
}

/** Polls with a real session: accepting sockets is not yet answering. */
async function untilAnswering(server: Server, postmaster: Postmaster): Promise<void> {
  const untilMs = realClock.nowMs() + START_MS_MAX
  for (;;) {
    const client = new pg.Client(url(server.place, OWNER, server.passwords.owner, 'postgres'))
    try {
      await client.connect()
      return
    } catch (cause) {
      if (hasExited(postmaster) || realClock.nowMs() > untilMs || isFinal(cause)) {
        const said = await readFile(join(server.dir, 'server.log'), 'utf8').catch(() => '')
        throw new HubError(
          'EMBEDDED_DB_FAILED',
          `PostgreSQL in ${server.place.cluster} does not answer: ${lastLines(said) || toError(cause).message}`,
          { cause },
        )
      }
      await realSleep(POLL_MS)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

/** A wrong password does not become right by waiting. */
const isFinal = (error: unknown): boolean => String((error as { code?: unknown }).code).startsWith('28')

/** The hub's role may connect, and nothing else until `prepareDatabase` grants it the tables. */
async function ensureRoleAndDatabase(server: Server): Promise<void> {
  const { place, passwords } = server
  const client = new pg.Client(url(place, OWNER, passwords.owner, 'postgres'))
  await client.connect()
  try {
    const has = async (sql: string, name: string): Promise<boolean> => (await client.query(sql, [name])).rowCount === 1
    if (!(await has('SELECT FROM pg_roles WHERE rolname = $1', APP))) {
      await client.query(
        `CREATE ROLE ${APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD ${client.escapeLiteral(passwords.app)}`,
      )
    }
    if (!(await has('SELECT FROM pg_database WHERE datname = $1', DATABASE))) {
      await client.query(`CREATE DATABASE ${DATABASE}`)
    }
  } finally {
    await client.end()
  }
}

/** Stops what runs on `dir` and removes its files, those kept elsewhere included. For demos and tests. */
export async function removeEmbeddedPostgres(dir: string, logger: Logger): Promise<void> {
  const link = join(resolve(dir), 'cluster')
  if (await exists(link)) {
    const place = await clusterPlace(resolve(dir), operatingUser(), logger)
    const left = await findPostmaster(place.cluster)
    if (left) await stopPostmaster(place.cluster, left)
    if (place.cluster !== link) await rm(dirname(place.cluster), { recursive: true, force: true })
    await rm(place.sockets, { recursive: true, force: true })
  }
  await rm(dir, { recursive: true, force: true })
}
