import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { LogReader, LogRecord, ReadLimits } from '#contracts'
import { HubError, realClock } from '#platform'
import { BlockDecoder } from './block-decoder.ts'
import { BLOCK_FORMAT } from './block-format.ts'
import { identify, logPath } from './log-file.ts'
import { headChannel } from './log-protocol.ts'
import { corruptDetail, storageError } from './storage-fault.ts'

/** How long a reader that waits goes without looking, when the writer lives in another process and cannot wake it. */
const POLL_MS = 100
const BUSY_WAIT_MS = 5_000

interface Row {
  last_seq: number
  first_seq: number
  format: number
  crc: number
  bytes: Uint8Array
}

/** A block that was opened and not read to its end, kept for the next call. */
interface Open {
  decoder: BlockDecoder
  /** The position its next record has. */
  nextSeq: number
  lastSeq: number
}

/**
 * Opens a log for reading, from any thread, while its owner writes. Throws `LOG_UNAVAILABLE`
 * when there is none, `STORAGE_CORRUPT` when it is something else.
 */
export function openLogReader({ dir }: { dir: string }): LogReader {
  return new EmbeddedLogReader(logPath(dir))
}

class EmbeddedLogReader implements LogReader {
  readonly logId: string
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #rows: StatementSync
  readonly #first: StatementSync
  readonly #head: StatementSync
  readonly #heads: BroadcastChannel
  #waiting = new Set<() => void>()
  #open: Open | null = null
  #closed = false

  constructor(path: string) {
    this.#path = path
    try {
      this.#db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_WAIT_MS })
      this.logId = identify(this.#db, path)
      this.#rows = this.#db.prepare(
        'SELECT last_seq, first_seq, format, crc, bytes FROM block WHERE last_seq > ? ORDER BY last_seq',
      )
      this.#first = this.#db.prepare('SELECT first_seq AS seq FROM block ORDER BY last_seq LIMIT 1')
      this.#head = this.#db.prepare('SELECT max(last_seq) AS seq FROM block')
    } catch (error) {
      throw storageError(error, path)
    }
    this.#heads = new BroadcastChannel(headChannel(this.logId))
    this.#heads.onmessage = () => {
      for (const wake of this.#waiting) wake()
    }
    // A reader that nobody waits for must not keep its thread alive.
    ;(this.#heads as unknown as { unref(): void }).unref()
  }

  firstSeq(): number {
    return Number(this.#first.get()?.seq ?? 1)
  }

  headSeq(): number {
    return Number(this.#head.get()?.seq ?? 0)
  }

  read(afterSeq: number, limits: ReadLimits): LogRecord[] {
    const records: LogRecord[] = []
    let at = afterSeq
    if (this.#open?.nextSeq === at + 1) at = this.#take(this.#open, records, limits.records)
    if (records.length >= limits.records) return records
    try {
      for (const row of this.#rows.iterate(at) as Iterable<unknown>) {
        at = this.#take(this.#start(row as Row, at), records, limits.records)
        if (records.length >= limits.records) break
      }
    } catch (error) {
      throw storageError(error, this.#path)
    }
    if (records.length === 0 && afterSeq > 0) this.#assertNotBeyond(afterSeq)
    return records
  }

  async waitForMore(afterSeq: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#closed && this.headSeq() <= afterSeq) await this.#nextChance(signal)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#heads.close()
    for (const wake of this.#waiting) wake()
    this.#db.close()
  }

  /** Opens a block at the record after `at`. */
  #start(row: Row, at: number): Open {
    if (row.first_seq > at + 1) throw gap(this.#path, at, row.first_seq)
    if (row.format !== BLOCK_FORMAT) {
      throw new HubError('STORAGE_CORRUPT', corruptDetail(this.#path, `block format ${row.format} is unknown`))
    }
    if (crc32(row.bytes) !== row.crc) {
      const reason = `the block of positions ${row.first_seq} to ${row.last_seq} does not match its checksum`
      throw new HubError('STORAGE_CORRUPT', corruptDetail(this.#path, reason))
    }
    const decoder = new BlockDecoder(row.bytes, row.first_seq)
    for (let seq = row.first_seq; seq <= at; seq++) decoder.next()
    return { decoder, nextSeq: at + 1, lastSeq: row.last_seq }
  }

  /** Moves records out of an open block, up to `most` in `records`; answers the last position taken. */
  #take(open: Open, records: LogRecord[], most: number): number {
    while (records.length < most && open.nextSeq <= open.lastSeq) {
      const record = open.decoder.next()
      if (record === null) {
        throw new HubError('STORAGE_CORRUPT', corruptDetail(this.#path, `position ${open.nextSeq} is missing`))
      }
      records.push(record)
      open.nextSeq++
    }
    this.#open = open.nextSeq <= open.lastSeq ? open : null
    return open.nextSeq - 1
  }

  /** A consumer that is ahead of the log has applied records which this log lost. */
  #assertNotBeyond(afterSeq: number): void {
    const head = this.headSeq()
    if (afterSeq <= head) return
    throw new HubError(
      'LOG_MISMATCH',
      `The log in ${this.#path} ends at position ${head}, but ${afterSeq} was already applied: an older copy was put back. Bring back the newer log, or restore all parts of one backup.`,
    )
  }

  #nextChance(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = realClock.setTimeout(wake, POLL_MS)
    this.#waiting.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    return promise.finally(() => {
      timer[Symbol.dispose]()
      this.#waiting.delete(wake)
      signal.removeEventListener('abort', wake)
    })
  }
}

export function gap(place: string, afterSeq: number, firstSeq: number): HubError {
  return new HubError(
    'LOG_GAP',
    `The log in ${place} begins at position ${firstSeq}, but the records from ${afterSeq + 1} were not yet applied. Bring back the records, or restore all parts of one backup.`,
  )
}
