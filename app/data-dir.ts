import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HubError, toError } from '#platform'

/** What a running hub leaves for commands on the same machine. */
export interface HubAddress {
  pid: number
  httpUrl: string
  mqttUrl: string
}

/** The folder that one hub owns, held until `release`. */
export interface DataDir extends Disposable {
  readonly path: string
  /** The folder was made by this start: the hub introduces itself. */
  readonly isNew: boolean
  /** The key that seals secrets at rest. */
  readonly secretKey: Uint8Array
  publish(address: HubAddress): void
  release(): void
}

const LOCK_FILE = 'hub.lock'
const PID_FILE = 'hub.pid'
const ADDRESS_FILE = 'hub.json'
const SECRET_FILE = 'secret.key'
const SECRET_BYTES = 32

/**
 * Opens the data folder for one process. The lock is the kernel's (SQLite's exclusive lock on
 * a file of its own), so it ends with the process that held it, however that ended: nothing
 * is ever stale, and no process id has to be guessed alive.
 *
 * @param secretKey given by the environment; otherwise one is made in the folder once.
 * @throws HubError `DATA_DIR_LOCKED` naming the process that has it, `STORAGE_CORRUPT` for an
 * unreadable key, `CONFIG_INVALID` when the folder cannot be made.
 */
export function openDataDir(path: string, secretKey: Uint8Array | null = null): DataDir {
  makeFolder(path)
  const isNew = !existsSync(join(path, LOCK_FILE))
  const lock = takeLock(path)
  try {
    writeDurably(join(path, PID_FILE), `${process.pid}\n`)
    const key = secretKey ?? readOrMakeSecret(join(path, SECRET_FILE))
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      rmSync(join(path, ADDRESS_FILE), { force: true })
      rmSync(join(path, PID_FILE), { force: true })
      lock.close()
    }
    return {
      path,
      isNew,
      secretKey: key,
      publish: (address) => writeDurably(join(path, ADDRESS_FILE), `${JSON.stringify(address, null, 2)}\n`),
      release,
      [Symbol.dispose]: release,
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** The hub that runs in this folder now, or `null`; what a killed one left behind does not count. */
export function findHub(path: string): HubAddress | null {
  if (!existsSync(join(path, ADDRESS_FILE)) || !existsSync(join(path, LOCK_FILE))) return null
  const address = JSON.parse(readFileSync(join(path, ADDRESS_FILE), 'utf8')) as HubAddress
  try {
    takeLock(path).close()
    return null
  } catch (error) {
    if (error instanceof HubError && error.code === 'DATA_DIR_LOCKED') return address
    throw error
  }
}

function makeFolder(path: string): void {
  try {
    makeWithParents(path)
  } catch (cause) {
    const detail = `HUB_DATA_DIR: the folder ${path} cannot be made (${toError(cause).message}). Choose another.`
    throw new HubError('CONFIG_INVALID', detail, { cause })
  }
}

/** Others of the machine may pass, as the database's own user has to, and not look. */
const FOLDER_MODE = 0o711

/** One by one from above: Node's own recursion never ends where the system denies a folder's existence, as below /proc. */
function makeWithParents(path: string): void {
  if (existsSync(path)) return
  makeWithParents(dirname(path))
  mkdirSync(path, { mode: FOLDER_MODE })
}

function takeLock(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database?.close()
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY)
      throw new HubError('CONFIG_INVALID', `HUB_DATA_DIR: ${path} cannot be locked (${toError(cause).message}).`, {
        cause,
      })
    throw new HubError(
      'DATA_DIR_LOCKED',
      `Process ${holder(path)} already runs a hub in ${path}. Stop it, or set HUB_DATA_DIR to another folder.`,
      { cause },
    )
  }
}

const SQLITE_BUSY = 5

function holder(path: string): string {
  try {
    return readFileSync(join(path, PID_FILE), 'utf8').trim()
  } catch {
    return '(unknown)'
  }
}

function readOrMakeSecret(file: string): Uint8Array {
  if (!existsSync(file)) writeDurably(file, `${randomBytes(SECRET_BYTES).toString('base64')}\n`, 0o600)
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
  if (key.length === SECRET_BYTES) return key
  throw new HubError(
    'STORAGE_CORRUPT',
    `${file} holds ${key.length} bytes where a key has ${SECRET_BYTES}. Restore it from a backup: without it sealed secrets cannot be read.`,
  )
}

/** Whole or not at all, also through a power cut: a new file, synced, takes the name. */
function writeDurably(file: string, text: string, mode = 0o644): void {
  const draft = `${file}.new`
  const handle = openSync(draft, 'w', mode)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(draft, file)
}
