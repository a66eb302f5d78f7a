import type { ControlChange } from './control-change.ts'

export type ReadingValue = number | boolean | string

/** Why a payload, or a part of it, was not accepted. */
export const QUARANTINE_CODES = [
  'PAYLOAD_NOT_JSON',
  'PAYLOAD_TOO_LARGE',
  'UNKNOWN_METRIC',
  'WRONG_TYPE',
  'NOT_FINITE',
  'OUT_OF_RANGE',
  'TIMESTAMP_FUTURE',
  'TIMESTAMP_TOO_OLD',
  'UNKNOWN_DEVICE',
] as const
export type QuarantineCode = (typeof QUARANTINE_CODES)[number]

/** One thing that was wrong with a payload, and where. */
export interface QuarantineProblem {
  code: QuarantineCode
  /** JSON pointer into the payload; empty for the whole of it. */
  pointer: string
  detail: string
}

/**
 * Names one delivery of a QoS 1 or 2 packet inside one MQTT session. A reading dated by the
 * hub gets a new time when the device sends it again; this is how the second is recognised.
 */
export interface DeliveryMark {
  /** Hash of brand, device and client id; stable over reconnects of a persistent session. */
  session: string
  packetId: number
  dup: boolean
  /** 32-bit hash of the payload: packet ids are reused. */
  payloadHash: number
}

/** Accepted values of one device at one moment; the unit that a sequence number counts. */
export interface ReadingsEntry {
  kind: 'readings'
  brandId: string
  deviceId: string
  /** Event time: the device's, or the hub's when the device gave none (`serverTime`). */
  measuredAtMs: number
  serverTime: boolean
  /** Metric key → value, in the order the product lists them; finite, typed and in range. */
  values: Readonly<Record<string, ReadingValue>>
  /** Only with server time and QoS above 0. */
  delivery: DeliveryMark | null
  /** Came by `import`: no age limit, never notifies (T14). */
  imported: boolean
}

/** A payload or part of one that could not be accepted; kept for the firmware author and for re-import. */
export interface QuarantinedEntry {
  kind: 'quarantined'
  brandId: string
  deviceId: string
  code: QuarantineCode
  /** JSON pointer into the payload. */
  pointer: string
  detail: string
  /** The payload as received, cut at `QUARANTINE_PAYLOAD_BYTES_MAX`. */
  payload: Uint8Array
  truncated: boolean
  /** MQTT topic or HTTP path it came by. */
  via: string
  /** All of what was wrong, up to a bound, when it was more than one thing; the first is the entry's own. */
  problems?: readonly QuarantineProblem[]
}

export interface ControlEntry {
  kind: 'control'
  /** Readers apply an id once, however often it stands in the log. */
  changeId: string
  /** `null` for what concerns the whole hub. */
  brandId: string | null
  change: ControlChange
}

/** Appended by the log's owner after ten seconds without records, so that time passes for readers. */
export interface TickEntry {
  kind: 'tick'
}

export type LogEntry = ReadingsEntry | QuarantinedEntry | ControlEntry | TickEntry

/** An entry with its place in the log. */
export type LogRecord = LogEntry & {
  /** Position, from 1, without gaps. */
  seq: number
  /** Hub time of the append, non-decreasing along the log. */
  receivedAtMs: number
}
export type ReadingsRecord = ReadingsEntry & Pick<LogRecord, 'seq' | 'receivedAtMs'>
export type ControlRecord = ControlEntry & Pick<LogRecord, 'seq' | 'receivedAtMs'>
export type QuarantinedRecord = QuarantinedEntry & Pick<LogRecord, 'seq' | 'receivedAtMs'>

/** The largest payload kept with a quarantine entry: what a device may send at all. */
export const QUARANTINE_PAYLOAD_BYTES_MAX = 262_144
