import { randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { HubError, type Logger, sha256Hex } from '#platform'
import { exists, STAGE_ROOT } from './binaries.ts'
import { canEnter, type OperatingUser } from './operating-user.ts'

/** Folders of one embedded server. */
export interface ClusterPlace {
  /** PGDATA; need not exist yet. */
  cluster: string
  /** Folder of the Unix socket. */
  sockets: string
}

/** A Unix socket's whole path has to fit 107 bytes on Linux and 103 on macOS, its name `/.s.PGSQL.5432` included. */
const SOCKET_FOLDER_BYTES_MAX = 85

/**
 * Where the cluster of a data folder lives: in `dir/cluster`, or, when the operating user
 * cannot get there (a data folder below root's 0700 home), in a folder of its own below
 * `/var/lib/beforehand` that `dir/cluster` links to. The link is what makes it ours: with the
 * data folder deleted, the next start begins anew and leaves the old cluster alone.
 */
export async function clusterPlace(
  dir: string,
  user: OperatingUser | null,
  logger: Logger,
  stageRoot = STAGE_ROOT,
): Promise<ClusterPlace> {
  await mkdir(dir, { recursive: true })
  if (user) await openWay(dir)
  const cluster = join(dir, 'cluster')
  const kind = await lstat(cluster).catch(() => null)
  if (kind?.isSymbolicLink()) return linked(cluster)
  if (kind || canEnter(user, dir)) return { cluster, sockets: await socketFolder(dir, dir, user) }
  return linkNew(cluster, user, logger, stageRoot)
}

/** The data folder and the one in it are the hub's own: others may pass, not look. Folders above are not ours to open. */
async function openWay(dir: string): Promise<void> {
  for (const folder of [dirname(dir), dir]) {
    const { mode, uid } = await stat(folder)
    if (uid === 0 && (mode & 0o001) === 0) await chmod(folder, (mode & 0o7777) | 0o001)
  }
}

async function linked(link: string): Promise<ClusterPlace> {
  const cluster = resolve(dirname(link), await readlink(link))
  if (!(await exists(dirname(cluster)))) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `${link} links to ${cluster}, which is gone. Bring it back, or remove the link to begin with an empty database.`,
    )
  }
  const ownerFile = join(dirname(cluster), 'owner')
  const owner = await readFile(ownerFile, 'utf8').catch(() => link)
  if (owner !== link && (await readlink(owner).catch(() => null)) === cluster) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `${link} and ${owner} link to the same cluster: a data folder was copied. Remove one of the two links.`,
    )
  }
  await writeFile(ownerFile, link)
  return { cluster, sockets: join(dirname(cluster), 'run') }
}

async function linkNew(
  link: string,
  user: OperatingUser | null,
  logger: Logger,
  stageRoot: string,
): Promise<ClusterPlace> {
  const place = join(stageRoot, `cluster-${randomBytes(8).toString('hex')}`)
  try {
    await mkdir(stageRoot, { recursive: true, mode: 0o755 })
    await mkdir(place, { mode: 0o711 })
    await ownedFolder(join(place, 'run'), user)
    await writeFile(join(place, 'owner'), link, { mode: 0o600 })
    await symlink(join(place, 'cluster'), link)
  } catch (cause) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `The PostgreSQL user cannot enter ${dirname(link)}, and ${stageRoot} cannot hold the database instead. ` +
        'Set HUB_DATA_DIR to a folder other users may enter, start the hub as an ordinary user, or set DATABASE_URL.',
      { cause },
    )
  }
  // The cluster itself is made inside by the server's user.
  if (user) await chown(place, user.uid, user.gid)
  logger.warn(
    { place },
    `the embedded PostgreSQL keeps its files in ${place}: its user cannot enter the data folder. Back up both.`,
  )
  return { cluster: join(place, 'cluster'), sockets: join(place, 'run') }
}

async function socketFolder(dir: string, identity: string, user: OperatingUser | null): Promise<string> {
  const near = join(dir, 'run')
  const folder =
    Buffer.byteLength(near) <= SOCKET_FOLDER_BYTES_MAX
      ? near
      : join(tmpdir(), `beforehand-${sha256Hex(identity).slice(0, 16)}`)
  await ownedFolder(folder, user)
  return folder
}

/** A folder of the server's user alone. One that somebody else put there first is refused. */
async function ownedFolder(folder: string, user: OperatingUser | null): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch(async (error: NodeJS.ErrnoException) => {
    const there = await lstat(folder).catch(() => null)
    const ours = there?.isDirectory() && (there.uid === process.getuid?.() || there.uid === user?.uid)
    if (!ours)
      throw new HubError('EMBEDDED_DB_FAILED', `${folder} belongs to someone else; remove it.`, { cause: error })
  })
  if (user) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
}
