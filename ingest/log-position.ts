import type { LogReader } from '#contracts'
import { HubError } from '#platform'
import { gap } from './log-reader.ts'

/** How far a consumer has come, and in which log. */
export interface LogPosition {
  logId: string
  seq: number
}

/**
 * To be called at start, before anything is applied: refuses a position of another log or
 * one beyond its end (`LOG_MISMATCH`), and one whose next record was dropped (`LOG_GAP`).
 */
export function assertPosition(reader: LogReader, position: LogPosition, consumer: string): void {
  if (position.logId !== reader.logId) {
    throw new HubError(
      'LOG_MISMATCH',
      `${consumer} has applied log ${position.logId} up to ${position.seq}, but the log here is ${reader.logId}. Bring back the log it belongs to, or restore all parts of one backup.`,
    )
  }
  const head = reader.headSeq()
  if (position.seq > head) {
    throw new HubError(
      'LOG_MISMATCH',
      `${consumer} has applied position ${position.seq}, but the log ends at ${head}: an older copy was put back. Bring back the newer log, or restore all parts of one backup.`,
    )
  }
  if (head > position.seq && reader.firstSeq() > position.seq + 1) throw gap(consumer, position.seq, reader.firstSeq())
}
