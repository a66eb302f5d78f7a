import { spawnSync } from 'node:child_process'
import { HubError } from '#platform'

/** Whom the server runs as when that is not ourselves. */
export interface OperatingUser {
  uid: number
  gid: number
}

/** Made when a machine has no PostgreSQL user of its own; owns nothing but the cluster. */
const USER_NAME = 'beforehand'

/** Ways to make a system user without a home: shadow-utils, then BusyBox. */
const USER_COMMANDS: readonly (readonly string[])[] = [
  ['useradd', '--system', '--no-create-home', '--shell', '/usr/sbin/nologin', USER_NAME],
  ['adduser', '-S', '-D', '-H', '-s', '/sbin/nologin', USER_NAME],
]

/**
 * PostgreSQL refuses to run as root, so root lends it another user: the machine's own
 * `postgres`, else one made here. Anyone else runs it as themselves (`null`).
 */
export function operatingUser(): OperatingUser | null {
  if (process.getuid?.() !== 0) return null
  const known = lookUp('postgres') ?? lookUp(USER_NAME)
  if (known) return known
  for (const [command, ...args] of USER_COMMANDS) {
    const made = spawnSync(command!, args).status === 0 ? lookUp(USER_NAME) : null
    if (made) return made
  }
  throw new HubError(
    'EMBEDDED_DB_FAILED',
    `PostgreSQL does not run as root, and no user "${USER_NAME}" could be made for it. ` +
      `Make one ("useradd --system ${USER_NAME}"), start the hub as an ordinary user, or set DATABASE_URL.`,
  )
}

function lookUp(name: string): OperatingUser | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }))
  if (uid!.status !== 0 || gid!.status !== 0) return null
  return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) }
}

/** Whether the user gets to `path` and through it. Asked of the kernel: modes, ACLs and mounts all have a say. */
export function canEnter(user: OperatingUser | null, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$0"', path], { ...user, cwd: '/' }).status === 0
}
