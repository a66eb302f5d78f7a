import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogEntry, QuarantineProblem } from '#contracts'
import { HubError } from '#platform'
import { type BulkLine, bulkLines, parseBulkLine } from './bulk-lines.ts'
import { decodeValue } from './decode-telemetry.ts'
import type { DeviceRef, Intake } from './intake.ts'
import { BULK_PATH } from './payload-form.ts'
import { quarantinedEntry } from './quarantine.ts'

/** What the contract promises; a larger backlog comes in several calls. */
export const BULK_LINES_MAX = 10_000
/** Lines read in one turn: about a millisecond in which nobody else is served. */
const LINES_PER_TURN = 500

export interface BulkLineResult {
  line: number
  /** A reading was taken; some of its values may still have been refused. */
  accepted: boolean
  problems: readonly QuarantineProblem[]
}

export interface BulkResult {
  accepted: number
  refused: number
  lines: BulkLineResult[]
}

/**
 * Readings of many devices from their brand's own cloud. Resolves when all that was accepted
 * is synced; when it rejects, some may be, and sending all of it again is safe for readings
 * with a device time. Throws `PAYLOAD_TOO_LARGE` above the bound on lines, before any is read.
 */
export async function bulkTelemetry(
  intake: Intake,
  body: Uint8Array,
  resolveDevice: (serial: string) => DeviceRef | null,
): Promise<BulkResult> {
  const lines: BulkLine[] = []
  for (const line of bulkLines(body)) {
    if (lines.push(line) > BULK_LINES_MAX) {
      throw new HubError('PAYLOAD_TOO_LARGE', `More than ${BULK_LINES_MAX} lines; send them in several calls.`)
    }
  }
  const results: BulkLineResult[] = []
  const appends: Promise<unknown>[] = []
  let failure: unknown = null
  for (let start = 0; start < lines.length && failure === null; start += LINES_PER_TURN) {
    await intake.room()
    const entries: LogEntry[] = []
    const nowMs = intake.nowMs()
    for (const line of lines.slice(start, start + LINES_PER_TURN)) {
      results.push(readLine(intake, line, nowMs, resolveDevice, entries))
    }
    // Heard at once: a rejection that waits for the last chunk would count as unheard.
    appends.push(intake.append(entries, nowMs, []).catch((error: unknown) => (failure ??= error)))
    await nextTurn()
  }
  await Promise.all(appends)
  if (failure !== null) throw failure
  const accepted = results.filter((result) => result.accepted).length
  return { accepted, refused: results.length - accepted, lines: results }
}

function readLine(
  intake: Intake,
  { line, bytes }: BulkLine,
  nowMs: number,
  resolveDevice: (serial: string) => DeviceRef | null,
  entries: LogEntry[],
): BulkLineResult {
  const parsed = parseBulkLine(bytes)
  if ('problem' in parsed) return { line, accepted: false, problems: [parsed.problem] }
  const device = resolveDevice(parsed.serial)
  const context = device && intake.context(device, nowMs)
  if (!device || !context) {
    const detail = 'No device of this serial is registered.'
    return { line, accepted: false, problems: [{ code: 'UNKNOWN_DEVICE', pointer: '/serial', detail }] }
  }
  const { readings, problems, problemsTotal } = decodeValue(parsed.reading, context, parsed.repeated)
  entries.push(...readings)
  if (problemsTotal > 0) {
    entries.push(quarantinedEntry({ ...device, problems, problemsTotal, payload: bytes, via: BULK_PATH }))
  }
  return { line, accepted: readings.length > 0, problems }
}
