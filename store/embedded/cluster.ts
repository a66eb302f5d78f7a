import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '#platform'
import { type Binaries, exists } from './binaries.ts'
import type { ClusterPlace } from './cluster-place.ts'
import type { OperatingUser } from './operating-user.ts'
import { SERVER_ENVIRONMENT } from './postmaster.ts'

export interface ClusterOptions {
  place: ClusterPlace
  binaries: Binaries
  user: OperatingUser | null
  /** The superuser a new cluster gets. */
  owner: { name: string; password: string }
  durable: boolean
}

const LOG_LINES_SHOWN = 8

/** Makes the cluster, whole or not at all. Returns whom the server has to run as: the cluster's owner. */
export async function readyCluster(given: ClusterOptions): Promise<OperatingUser | null> {
  const { place, binaries, user } = given
  const version = await readFile(join(place.cluster, 'PG_VERSION'), 'utf8').catch(() => null)
  if (version === null) {
    if (await exists(place.cluster)) {
      throw new HubError('EMBEDDED_DB_FAILED', `${place.cluster} is not a PostgreSQL cluster (or cannot be read).`)
    }
    await initialise(given)
    return user
  }
  if (version.trim() !== binaries.major) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `${place.cluster} was made by PostgreSQL ${version.trim()}; this release brings ${binaries.major}. ` +
        `Dump it with the earlier release (pg_dump) and restore into an empty data folder, or use it through DATABASE_URL.`,
    )
  }
  const { uid, gid } = await stat(place.cluster)
  const selfUid = process.getuid?.()
  if (selfUid === 0 && uid !== 0) return { uid, gid }
  if (uid !== selfUid) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `${place.cluster} belongs to user id ${uid}. Start the hub as that user or as root, or give it to yourself ("chown -R").`,
    )
  }
  return null
}

async function initialise(given: ClusterOptions): Promise<void> {
  const { place, binaries, user, owner, durable } = given
  const unfinished = `${place.cluster}.new`
  const passwordFile = join(place.sockets, 'password')
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await rm(passwordFile, { force: true })
  await writeFile(passwordFile, `${owner.password}\n`, { mode: 0o600, flag: 'wx' })
  if (user) for (const path of [unfinished, passwordFile]) await chown(path, user.uid, user.gid)
  try {
    const args = [
      ...['-D', unfinished, '-U', owner.name, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      // Order and case by code point, from the server itself: the same on every machine, and no system locale needed.
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
      ...(durable ? [] : ['--no-sync']),
    ]
    await run(binaries.initdb, args, user)
    await rename(unfinished, place.cluster)
  } finally {
    await rm(passwordFile, { force: true })
  }
}

async function run(program: string, args: readonly string[], user: OperatingUser | null): Promise<void> {
  const child = spawn(program, args, { ...user, cwd: '/', env: SERVER_ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close').catch((cause: unknown) => {
    throw new HubError('EMBEDDED_DB_FAILED', `${program} cannot be executed.`, { cause })
  })) as [number | null]
  if (code !== 0) throw new HubError('EMBEDDED_DB_FAILED', `initdb failed: ${lastLines(said)}`)
}

/** The end of what a program said, on one line. */
export const lastLines = (text: string): string => text.trim().split('\n').slice(-LOG_LINES_SHOWN).join(' | ')
