import type { ErrorCode } from '#platform'
import type { Block } from './log-file.ts'

/** What the log's owner and its writing thread say to each other. */
export interface WriterStart {
  dir: string
  diskReserveBytes: number
  pid: number
}

export type ToWriter =
  | ({ type: 'append' } & Block)
  /** Answered by one `dropped`. */
  | { type: 'drop'; seq: number }
  | { type: 'close' }

export interface Refusal {
  code: 'DISK_FULL' | 'LOG_UNAVAILABLE'
  detail: string
}

export type FromWriter =
  | { type: 'opened'; logId: string; headSeq: number; receivedAtMs: number }
  | { type: 'refused-to-open'; code: ErrorCode; detail: string }
  | { type: 'appended' }
  /** Not written, and may be tried again. */
  | ({ type: 'refused' } & Refusal)
  | { type: 'dropped'; refusal: Refusal | null }
  /** Nothing more will be written. */
  | { type: 'fatal'; code: ErrorCode; detail: string }
  | { type: 'closed' }

/** Where the writer tells the readers of this process the new head. */
export function headChannel(logId: string): string {
  return `telemetry-log:${logId}`
}
