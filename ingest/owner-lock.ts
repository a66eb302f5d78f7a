import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HubError } from '#platform'
import { storageError, storageFault } from './storage-fault.ts'

const LOCK_FILE = 'owner.db'

export interface OwnerLock {
  release(): void
}

/**
 * Makes this process the only writer of a log folder for as long as it lives. A file lock
 * of SQLite's own kind: it holds between processes and inside one, the kernel drops it
 * however the owner dies, and the loser can still read who won.
 */
export function takeOwnerLock(dir: string, pid: number): OwnerLock {
  const file = join(dir, LOCK_FILE)
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    if (!tryBegin(db)) throw lockedBy(db, dir)
    writeName(db, pid)
    // From here an open write transaction is the lock.
    if (!tryBegin(db)) throw lockedBy(db, dir)
  } catch (error) {
    db.close()
    throw storageError(error, file)
  }
  return { release: () => db.close() }
}

/** A courtesy to whoever comes second; a full disk must not keep the log from being opened. */
function writeName(db: DatabaseSync, pid: number): void {
  try {
    db.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL); DELETE FROM owner')
    db.prepare('INSERT INTO owner VALUES (?)').run(pid)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (storageFault(error, LOCK_FILE).kind !== 'full') throw error
  }
}

function tryBegin(db: DatabaseSync): boolean {
  try {
    db.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5) return false
    throw error
  }
}

function lockedBy(db: DatabaseSync, dir: string): HubError {
  let owner = 'another process'
  try {
    const row = db.prepare('SELECT pid FROM owner').get()
    if (row) owner = `process ${row.pid}`
  } catch {
    // The winner is still writing its name.
  }
  return new HubError(
    'DATA_DIR_LOCKED',
    `The telemetry log in ${dir} belongs to ${owner}. Stop that hub, or give this one a folder of its own (HUB_LOG_DIR).`,
  )
}
