import { QUARANTINE_CODES, type QuarantineCode } from '#contracts'

/** Since start, for metrics. Counted when synced, not when heard. */
export interface IngestStats {
  messages: number
  readings: number
  attributes: number
  /** Payloads by the code of their first problem. */
  quarantined: Record<QuarantineCode, number>
  /** Handed to the log and not yet synced. */
  pendingBytes: number
}

export function emptyStats(): IngestStats {
  const quarantined = Object.fromEntries(QUARANTINE_CODES.map((code) => [code, 0])) as Record<QuarantineCode, number>
  return { messages: 0, readings: 0, attributes: 0, quarantined, pendingBytes: 0 }
}
