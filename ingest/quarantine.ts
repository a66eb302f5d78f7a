import { QUARANTINE_PAYLOAD_BYTES_MAX, type QuarantinedEntry, type QuarantineProblem } from '#contracts'
import { PROBLEMS_PER_MESSAGE_MAX } from './decode-telemetry.ts'

export interface Unacceptable {
  brandId: string
  deviceId: string
  problems: readonly QuarantineProblem[]
  /** With those that are not listed. */
  problemsTotal: number
  payload: Uint8Array
  via: string
}

/**
 * One entry per payload, however much of it was wrong: a message of ten thousand bad values
 * must not become ten thousand copies of itself. The first problem names the entry.
 */
export function quarantinedEntry(what: Unacceptable): QuarantinedEntry {
  const { brandId, deviceId, payload, via, problemsTotal } = what
  const problems = what.problems.slice(0, PROBLEMS_PER_MESSAGE_MAX)
  const [first] = problems
  if (!first) throw new TypeError('quarantine: a payload without a problem')
  const more = problemsTotal > 1 ? ` (${problemsTotal - 1} more in this payload)` : ''
  const truncated = payload.length > QUARANTINE_PAYLOAD_BYTES_MAX
  return {
    kind: 'quarantined',
    brandId,
    deviceId,
    code: first.code,
    pointer: first.pointer,
    detail: first.detail + more,
    payload: truncated ? payload.subarray(0, QUARANTINE_PAYLOAD_BYTES_MAX) : payload,
    truncated,
    via,
    ...(problems.length > 1 ? { problems } : {}),
  }
}
