import type { QuarantineProblem } from '#contracts'
import { HubError } from '#platform'
import { parsePayload } from './payload-json.ts'
import { repeatedMembers } from './repeated-members.ts'
import { shown } from './shown.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
/** Blank lines are skipped, but a body of nothing else is looked through no further. */
const LINES_MAX = 100_000

export interface BulkLine {
  /** From 1, as an editor counts. */
  line: number
  bytes: Uint8Array
}

/** The lines of an NDJSON body that are not blank. Throws `PAYLOAD_TOO_LARGE` when there are very many, blank or not. */
export function* bulkLines(body: Uint8Array): Generator<BulkLine> {
  let line = 0
  for (let start = 0; start < body.length; ) {
    const feed = body.indexOf(LINE_FEED, start)
    const end = feed === -1 ? body.length : feed
    if (++line > LINES_MAX) {
      throw new HubError('PAYLOAD_TOO_LARGE', `More than ${LINES_MAX} lines, blank ones counted; send them in parts.`)
    }
    const bytes = body.subarray(start, body[end - 1] === CARRIAGE_RETURN ? end - 1 : end)
    if (!isBlank(bytes)) yield { line, bytes }
    start = end + 1
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN)
}

export type BulkReading =
  | { serial: string; reading: Record<string, unknown>; repeated: ReadonlySet<string> }
  | { problem: QuarantineProblem }

/** A line `{serial, ts?, values}`, without its serial a reading like a device's own. */
export function parseBulkLine(bytes: Uint8Array): BulkReading {
  const json = parsePayload(bytes)
  if ('problem' in json) return json
  const { value } = json
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const detail = `${shown(value)} where {"serial", "ts"?, "values"} is needed.`
    return { problem: { code: 'WRONG_TYPE', pointer: '', detail } }
  }
  const { serial, ...reading } = value as Record<string, unknown>
  const repeated = repeatedMembers(json.text)
  if (typeof serial !== 'string' || serial === '' || repeated.has('/serial')) {
    const detail = `serial is ${shown(serial)}; the one text that names the device is needed.`
    return { problem: { code: 'WRONG_TYPE', pointer: '/serial', detail } }
  }
  if (!('values' in reading)) {
    return { problem: { code: 'WRONG_TYPE', pointer: '/values', detail: 'values is missing.' } }
  }
  return { serial, reading, repeated }
}
