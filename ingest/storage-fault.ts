import { type ErrorCode, HubError, toError } from '#platform'

/** SQLite's primary result codes and the two extended ones that matter here. */
const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26
/** The shared index of the write-ahead log could not grow: memory-mapped, so this is how a full disk shows there. */
const SQLITE_IOERR_SHMSIZE = 4874

/**
 * What a failed storage call means for the log. `full` and `busy` wrote nothing and may be
 * tried again; after anything else nobody knows what the disk holds, so nothing more is
 * written: a second fsync may report success for pages the kernel has already dropped.
 */
export type StorageFault =
  | { kind: 'full'; detail: string }
  | { kind: 'busy'; detail: string }
  | { kind: 'fatal'; code: ErrorCode; detail: string }

export function storageFault(thrown: unknown, file: string): StorageFault {
  const error = toError(thrown)
  const result = (error as { errcode?: unknown }).errcode
  const primary = typeof result === 'number' ? result & 0xff : -1
  if (primary === SQLITE_FULL || result === SQLITE_IOERR_SHMSIZE) {
    return { kind: 'full', detail: `The disk that holds ${file} is full.` }
  }
  if (primary === SQLITE_BUSY) {
    return { kind: 'busy', detail: `Another program holds ${file} locked; the record was not written.` }
  }
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return { kind: 'fatal', code: 'STORAGE_CORRUPT', detail: corruptDetail(file, error.message) }
  }
  const what = primary === SQLITE_IOERR ? `the disk failed (SQLite ${result}: ${error.message})` : error.message
  return {
    kind: 'fatal',
    code: 'STORAGE_SYNC_FAILED',
    detail: `Writing or syncing ${file}: ${what}. Nothing more is acknowledged; check the disk, then start the hub again.`,
  }
}

export function corruptDetail(file: string, reason: string): string {
  return `${file} cannot be read as a telemetry log (${reason}). Put back a good copy of it that is no older, or restore all parts of one backup: database and history go with no other log.`
}

/** Opening and reading have no second try: everything is told as one clear error. */
export function storageError(thrown: unknown, file: string): HubError {
  if (thrown instanceof HubError) return thrown
  const fault = storageFault(thrown, file)
  const code = fault.kind === 'full' ? 'DISK_FULL' : fault.kind === 'busy' ? 'LOG_UNAVAILABLE' : fault.code
  return new HubError(code, fault.detail, { cause: thrown })
}
