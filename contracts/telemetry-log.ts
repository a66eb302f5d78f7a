import type { LogEntry, LogRecord } from './log-record.ts'

export interface AppendReceipt {
  firstSeq: number
  lastSeq: number
  receivedAtMs: number
}

/** The one durable thing. Owned by one process; everything else follows from reading it. */
export interface TelemetryLog {
  /** Stored with every position; a position of another log is refused. */
  readonly logId: string
  /** Hub time as records carry it: never less than that of any record before, of earlier runs too. */
  nowMs(): number
  /**
   * Resolves once the entries are synced to disk, in order, as one unit; rejects when they are
   * not: `DISK_FULL` (may be tried again), `LOG_UNAVAILABLE`, `STORAGE_SYNC_FAILED` (final).
   * `receivedAtMs` is `nowMs()` of the same turn, for a caller who dated entries by it.
   */
  append(entries: readonly LogEntry[], receivedAtMs?: number): Promise<AppendReceipt>
  /** Bytes handed over and not yet synced. */
  pendingBytes(): number
  /** Below the bound, or ended: then waiting would be in vain and an append tells why. */
  hasRoom(): boolean
  /** Resolves at once below the bound, else when there is room: sources stop reading until then. */
  whenRoom(): Promise<void>
  /** The last synced position; 0 when empty. */
  headSeq(): number
  /** Drops whole ranges at or below `seq`; the caller knows every consumer's position. */
  dropThrough(seq: number): Promise<void>
  /** Whether an append would be taken now, for readiness. */
  health(): LogHealth
  /** Syncs what was handed over, then lets go of the files. */
  close(): Promise<void>
}

export type LogHealth =
  | { ok: true }
  | { ok: false; code: 'DISK_FULL' | 'STORAGE_SYNC_FAILED' | 'LOG_UNAVAILABLE'; detail: string }

export interface ReadLimits {
  records: number
}

/** A consumer's view; may live in another thread than the log's owner. */
export interface LogReader {
  readonly logId: string
  /** First position still kept; `headSeq() + 1` when empty. */
  firstSeq(): number
  headSeq(): number
  /** Records after `afterSeq` in order; empty at the head. Throws `LOG_GAP` when they were dropped. */
  read(afterSeq: number, limits: ReadLimits): LogRecord[]
  /** Resolves when the head passes `afterSeq`, or the signal aborts. */
  waitForMore(afterSeq: number, signal: AbortSignal): Promise<void>
  close(): void
}
