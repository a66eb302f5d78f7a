/**
 * Every error a user, a script or a partner can meet. Codes are promises: never renamed,
 * never reused. `status` is the HTTP answer; `title` the sentence that stays the same
 * while `detail` says what, where and what to do.
 */
export const ERRORS = {
  // The request
  BAD_REQUEST: { status: 400, title: 'The request cannot be read' },
  UNAUTHENTICATED: { status: 401, title: 'A valid key is needed' },
  SIGNATURE_INVALID: { status: 401, title: 'The signature does not match or is too old' },
  FORBIDDEN: { status: 403, title: 'This key may not do that' },
  NOT_FOUND: { status: 404, title: 'No such thing here' },
  CONFLICT: { status: 409, title: 'This conflicts with what is stored' },
  IDEMPOTENCY_IN_PROGRESS: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  DAILY_CAP_EXCEEDED: { status: 409, title: 'The rule would cause more than the brand allows in a day' },
  REPLAY_UNAVAILABLE: { status: 409, title: 'What happened then cannot be played again' },
  STATE_FORBIDS: { status: 409, title: 'Not possible in the present state' },
  APPROVAL_NEEDED: { status: 409, title: 'Another person has to agree to this first' },
  OFFER_CHANGED: { status: 409, title: 'The offer is another by now' },
  GONE: { status: 410, title: 'No longer available' },
  OFFER_EXPIRED: { status: 410, title: 'This offer has expired' },
  CONSENT_WITHDRAWN: { status: 410, title: 'The consent for this was withdrawn' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'This content type is not understood' },
  VALIDATION_FAILED: { status: 422, title: 'The body does not fit the schema' },
  IDEMPOTENCY_MISMATCH: { status: 422, title: 'This Idempotency-Key was used with another body' },
  RULE_INVALID: { status: 422, title: 'The rule cannot be used' },
  ADDRESS_FORBIDDEN: { status: 422, title: 'This address may not be called' },
  SITE_UNAVAILABLE: { status: 503, title: 'The address cannot be had from the brand now' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INTERNAL: { status: 500, title: 'The hub failed; the log has the cause' },
  CONTROL_LOG_BEHIND: { status: 503, title: 'Accepted, but not yet in force' },
  STORE_UNAVAILABLE: { status: 503, title: 'A store the hub needs does not answer' },
  LOG_UNAVAILABLE: { status: 503, title: 'The telemetry log takes no records now' },
  DISK_FULL: { status: 503, title: 'The disk is below its reserve' },
  // Starting and running
  CONFIG_INVALID: { status: 500, title: 'The configuration cannot be used' },
  DATA_DIR_LOCKED: { status: 500, title: 'Another hub uses this data folder' },
  PORT_IN_USE: { status: 500, title: 'The port is taken' },
  DB_ROLE_BYPASSES_RLS: { status: 500, title: 'The database role would see every brand' },
  DB_UNAVAILABLE: { status: 500, title: 'The database cannot be reached' },
  DB_VERSION: { status: 500, title: 'The database is of a version the hub cannot use' },
  EMBEDDED_DB_FAILED: { status: 500, title: 'The embedded PostgreSQL does not start' },
  HISTORY_UNAVAILABLE: { status: 503, title: 'The telemetry history does not answer' },
  INFLUX_SETUP: { status: 500, title: 'InfluxDB is not set up as the hub needs it' },
  LOG_MISMATCH: { status: 500, title: 'This is not the log the stored positions belong to' },
  LOG_GAP: { status: 500, title: 'The log lacks records that were not yet applied' },
  FENCED: { status: 500, title: 'Another process has taken over' },
  STORAGE_SYNC_FAILED: { status: 500, title: 'The disk refused a write; nothing more is acknowledged' },
  STORAGE_CORRUPT: { status: 500, title: 'A file of the hub cannot be read' },
  MISSING_DEPENDENCY: { status: 500, title: 'Something needed is missing' },
  USAGE: { status: 400, title: 'Wrong usage' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorOptionsOfHub {
  cause?: unknown
  /** JSON pointer to the offending value of a body or file. */
  pointer?: string
  /** Several problems found together. */
  problems?: readonly Problem[]
}

export interface Problem {
  pointer: string
  detail: string
  /** Where it stands in the text that was sent, both from 1; absent where no text is known. */
  line?: number
  column?: number
}

/** Bad input or a condition the caller can act on. Our own bugs throw plain errors. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: ErrorCode
  readonly status: number
  readonly pointer: string | undefined
  readonly problems: readonly Problem[]

  constructor(code: ErrorCode, detail: string, options: ErrorOptionsOfHub = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = ERRORS[code].status
    this.pointer = options.pointer
    this.problems = options.problems ?? []
  }
}

/** Whether it is one of ours, and of this code where one is named. */
export function isHubError(error: unknown, code?: ErrorCode): error is HubError {
  return error instanceof HubError && (code === undefined || error.code === code)
}

/** Anything thrown, as an `Error`, so that handlers need not care. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
