import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile, readlink, realpath, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError, realClock, realSleep } from '#platform'
import type { OperatingUser } from './operating-user.ts'

/** A running server of a cluster, started by us or left by a hub that was killed. */
export interface Postmaster {
  pid: number
  /** Null for an adopted one. */
  child: ChildProcess | null
}

/** A fast shutdown writes one checkpoint; a slow disk may need this long. Then it is stopped hard, and recovers at start. */
const STOP_FAST_MS = 60_000
const STOP_HARD_MS = 10_000
const POLL_MS = 25
/** The server's own messages; beyond this the file begins anew at a start. */
const LOG_BYTES_MAX = 8_388_608

/** What the server sees of our environment: nothing, so that PG* variables and locales of a shell have no say. */
export const SERVER_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin' }

/**
 * Starts the server in a session of its own, so that Ctrl-C at the terminal ends the hub
 * first and the database after it. Its messages go to a file, because a pipe would die with us.
 */
export async function spawnPostmaster(options: {
  program: string
  args: readonly string[]
  user: OperatingUser | null
  logFile: string
}): Promise<Postmaster> {
  const { size } = await stat(options.logFile).catch(() => ({ size: 0 }))
  if (size > LOG_BYTES_MAX) await truncate(options.logFile)
  const log = openSync(options.logFile, 'a', 0o600)
  try {
    const child = spawn(options.program, options.args, {
      ...options.user,
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      detached: true,
      stdio: ['ignore', log, log],
    })
    await once(child, 'spawn')
    // The hub's own life does not depend on it: what must be closed is closed by `stop`.
    child.unref()
    return { pid: child.pid!, child }
  } catch (cause) {
    throw new HubError('EMBEDDED_DB_FAILED', `${options.program} cannot be executed.`, { cause })
  } finally {
    closeSync(log)
  }
}

/**
 * The server that already runs on the cluster, or null. A `postmaster.pid` whose process is
 * another program by now (after a power cut, in a container that counts pids anew) is removed:
 * the server would take that program for its own rival and refuse to start.
 */
export async function findPostmaster(cluster: string): Promise<Postmaster | null> {
  const pid = await recordedPid(cluster)
  if (pid === null || !isAlive(pid)) return null
  if (await servesCluster(pid, cluster)) return { pid, child: null }
  if (!(await anyProcessIn(cluster))) await rm(join(cluster, 'postmaster.pid'), { force: true })
  return null
}

/** The command line it was started with, as the server wrote it down. */
export async function commandLine(cluster: string): Promise<string> {
  return (await readFile(join(cluster, 'postmaster.opts'), 'utf8').catch(() => '')).trimEnd()
}

/** Fast shutdown: sessions end, a checkpoint is written. */
export async function stopPostmaster(cluster: string, postmaster: Postmaster): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', STOP_FAST_MS],
    ['SIGQUIT', STOP_HARD_MS],
    ['SIGKILL', STOP_HARD_MS],
  ] as const) {
    if (!kill(postmaster.pid, signal)) return
    const untilMs = realClock.nowMs() + patienceMs
    while (realClock.nowMs() < untilMs) {
      if (hasExited(postmaster) || (await recordedPid(cluster)) !== postmaster.pid) return
      await realSleep(POLL_MS)
    }
  }
  throw new HubError('EMBEDDED_DB_FAILED', `The PostgreSQL process ${postmaster.pid} does not end; end it by hand.`)
}

/** Our own child tells; an adopted one is asked for, and may linger as a zombie nobody collects. */
export function hasExited(postmaster: Postmaster): boolean {
  const { child, pid } = postmaster
  return child ? child.exitCode !== null || child.signalCode !== null : !isAlive(pid)
}

async function recordedPid(cluster: string): Promise<number | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null
}

function isAlive(pid: number): boolean {
  return kill(pid, 0)
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A server stands in its data folder. Where there is no /proc to see that, its command line names the folder. */
async function servesCluster(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === 'linux') return (await workingFolder(pid)) === (await realpath(cluster))
  const ps = spawn('ps', ['-p', String(pid), '-o', 'command='], { stdio: ['ignore', 'pipe', 'ignore'] })
  let line = ''
  ps.stdout.on('data', (chunk: Buffer) => (line += chunk.toString()))
  await once(ps, 'close')
  return line.includes('postgres') && line.includes(cluster)
}

const workingFolder = (pid: number | string): Promise<string | null> => readlink(`/proc/${pid}/cwd`).catch(() => null)

/** Sessions outlive a killed server for a moment; while one does, the pid file has to stay. */
async function anyProcessIn(cluster: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const folder = await realpath(cluster)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return (await Promise.all(pids.map(workingFolder))).includes(folder)
}
