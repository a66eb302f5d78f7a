import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { HubError, newId } from '#platform'
import { BLOCK_FORMAT } from './block-format.ts'
import { syncFolder } from './durable-folder.ts'
import { corruptDetail, storageError } from './storage-fault.ts'

const LOG_FILE = 'telemetry.db'
/** Marks the file as ours in its header ("BFLG"). */
const APPLICATION_ID = 0x42464c47
/** Of the tables; the blocks carry a format of their own. */
const SCHEMA_VERSION = 1

/** SQLite's page; a block larger than this continues in overflow pages. */
const PAGE_BYTES = 4_096
/** Pages written around a block: the table's leaf, the page map, the header. */
const PAGES_AROUND_BLOCK = 3
/** The write-ahead log is folded into the file beyond this: some ten milliseconds of copying. */
const WAL_BYTES_MAX = 4 * 1_048_576
/** What the write-ahead log is cut back to after a slow reader let it grow. */
const WAL_BYTES_KEPT = 16 * 1_048_576
/** Blocks dropped in one transaction, so that appends wait for milliseconds at most. */
const DROP_BLOCKS_MAX = 64
/** Free pages kept in the file for the next appends; more is given back to the disk. */
const FREE_PAGES_KEPT = 16_384
const VACUUM_PAGES_MAX = 1_024
/** How long to wait for another program that has the file open. */
const BUSY_WAIT_MS = 5_000

export interface Block {
  firstSeq: number
  lastSeq: number
  receivedAtMs: number
  bytes: Uint8Array
}

export function logPath(dir: string): string {
  return join(dir, LOG_FILE)
}

/** The file of the embedded log, as its one writer sees it. Every call blocks: it lives on a thread of its own. */
export class LogFile {
  readonly path: string
  readonly logId: string
  headSeq: number
  receivedAtMs: number
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #drop: StatementSync
  #walBytes = 0

  constructor(dir: string) {
    this.path = logPath(dir)
    const isNew = !existsSync(this.path)
    try {
      this.#db = new DatabaseSync(this.path, { timeout: BUSY_WAIT_MS })
      this.logId = prepareSchema(this.#db, this.path)
      const last = this.#db.prepare('SELECT last_seq, received_at_ms FROM block ORDER BY last_seq DESC LIMIT 1').get()
      this.headSeq = Number(last?.last_seq ?? 0)
      this.receivedAtMs = Number(last?.received_at_ms ?? 0)
      this.#insert = this.#db.prepare('INSERT INTO block VALUES (?, ?, ?, ?, ?, ?)')
      this.#drop = this.#db.prepare(
        'DELETE FROM block WHERE last_seq IN (SELECT last_seq FROM block WHERE last_seq <= ? AND last_seq < ? ORDER BY last_seq LIMIT ?)',
      )
      if (isNew) syncFolder(dir)
    } catch (error) {
      throw storageError(error, this.path)
    }
  }

  /** Durable when it returns: one statement is one transaction, and its commit syncs. */
  append(block: Block): void {
    const { firstSeq, lastSeq, receivedAtMs, bytes } = block
    if (firstSeq !== this.headSeq + 1) throw new Error(`log-file: ${firstSeq} does not follow ${this.headSeq}`)
    this.#insert.run(lastSeq, firstSeq, receivedAtMs, BLOCK_FORMAT, crc32(bytes), bytes)
    this.headSeq = lastSeq
    this.receivedAtMs = receivedAtMs
    this.#walBytes += (Math.ceil(bytes.length / PAGE_BYTES) + PAGES_AROUND_BLOCK) * PAGE_BYTES
  }

  needsCheckpoint(): boolean {
    return this.#walBytes > WAL_BYTES_MAX
  }

  /**
   * Folds the write-ahead log into the file. Done by us rather than by SQLite's automatism,
   * because that one swallows a failing sync and tries again later. To give the disk back the
   * write-ahead log's own bytes too, it waits until no reader is in the middle of a read.
   */
  checkpoint(giveBack = false): void {
    const mode = giveBack ? 'TRUNCATE' : 'PASSIVE'
    const result = this.#db.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as { log: number; checkpointed: number }
    this.#walBytes = Math.max(0, result.log - result.checkpointed) * PAGE_BYTES
  }

  /**
   * Drops some blocks that lie wholly at or below `seq`, then gives pages back to the disk but
   * for those to be used next; false when nothing is left to do. The newest block always
   * stays: it holds the position.
   */
  dropSome(seq: number, freePagesKept = FREE_PAGES_KEPT): boolean {
    const { changes } = this.#drop.run(seq, this.headSeq, DROP_BLOCKS_MAX)
    this.#walBytes += Number(changes) * PAGES_AROUND_BLOCK * PAGE_BYTES
    if (Number(changes) > 0) return true
    const free = Number(this.#db.prepare('PRAGMA freelist_count').get()?.freelist_count ?? 0)
    const spare = Math.min(VACUUM_PAGES_MAX, free - freePagesKept)
    if (spare <= 0) return false
    this.#db.exec(`PRAGMA incremental_vacuum(${spare})`)
    this.#walBytes += spare * PAGE_BYTES
    return true
  }

  close(): void {
    this.#db.close()
  }
}

/** Makes or checks the tables before anything is changed: a file of another program stays as it is. */
function prepareSchema(db: DatabaseSync, path: string): string {
  const applicationId = Number(db.prepare('PRAGMA application_id').get()?.application_id)
  const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n)
  if (tables === 0 && applicationId === 0) {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`)
    settle(db)
    const logId = newId('log')
    db.exec('BEGIN IMMEDIATE')
    db.exec(`
      CREATE TABLE log (log_id TEXT NOT NULL);
      CREATE TABLE block (
        last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, received_at_ms INTEGER NOT NULL,
        format INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL
      );
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${SCHEMA_VERSION}`)
    db.prepare('INSERT INTO log VALUES (?)').run(logId)
    db.exec('COMMIT')
    return logId
  }
  const logId = identify(db, path)
  settle(db)
  return logId
}

/** The id of the log in an open file; refuses what is not a log of this version. */
export function identify(db: DatabaseSync, path: string): string {
  const applicationId = Number(db.prepare('PRAGMA application_id').get()?.application_id)
  if (applicationId !== APPLICATION_ID) {
    throw new HubError('STORAGE_CORRUPT', corruptDetail(path, 'it is a SQLite file of another program'))
  }
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version !== SCHEMA_VERSION) {
    const reason = `its format is ${version}, this hub knows ${SCHEMA_VERSION}: it was written by a newer hub`
    throw new HubError('STORAGE_CORRUPT', corruptDetail(path, reason))
  }
  return String(db.prepare('SELECT log_id FROM log').get()?.log_id)
}

function settle(db: DatabaseSync): void {
  // `fullfsync` is what makes a sync reach the platter on macOS; elsewhere it means nothing.
  db.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`)
}
