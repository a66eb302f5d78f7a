import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogEntry, QuarantineProblem } from '#contracts'
import { HubError } from '#platform'
import { type BulkLine, bulkLines, parseBulkLine } from './bulk-lines.ts'
import { decodeValue } from './decode-telemetry.ts'
import type { DeviceRef, Intake } from './intake.ts'
import { BULK_PATH } from './payload-form.ts'
import { quarantinedEntry } from './quarantine.ts'

/** What the contract promises; a larger backlog comes in several calls. */
const BULK_LINES_MAX = 10_000
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
export function bulkTelemetry(
  intake: Intake,
  body: Uint8Array,
  resolveDevice: (serial: string) => DeviceRef | null,
): Promise<BulkResult> {
  return takeLines(intake, body, (line, entries, nowMs) => readLine(intake, line, nowMs, resolveDevice, entries))
}

/**
 * The past of a fleet, from before the hub knew it: no age limit, no notices (T14), and what is refused is told
 * of in its line and kept nowhere, since the file it came from has it.
 */
export function importTelemetry(
  intake: Intake,
  body: Uint8Array,
  resolveDevice: (serial: string) => DeviceRef | null,
): Promise<BulkResult> {
  return takeLines(intake, body, (line, entries, nowMs) => importLine(intake, line, nowMs, resolveDevice, entries))
}

async function takeLines(
  intake: Intake,
  body: Uint8Array,
  read: (line: BulkLine, entries: LogEntry[], nowMs: number) => BulkLineResult,
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
      results.push(read(line, entries, nowMs))
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

function importLine(
  intake: Intake,
  { line, bytes }: BulkLine,
  nowMs: number,
  resolveDevice: (serial: string) => DeviceRef | null,
  entries: LogEntry[],
): BulkLineResult {
  const refused = (...problems: QuarantineProblem[]): BulkLineResult => ({ line, accepted: false, problems })
  const parsed = parseBulkLine(bytes)
  if ('problem' in parsed) return refused(parsed.problem)
  const device = resolveDevice(parsed.serial)
  const context = device && intake.context(device, nowMs)
  if (!device || !context)
    return refused({
      code: 'UNKNOWN_DEVICE',
      pointer: '/serial',
      detail: 'No device of this serial is registered.',
    })
  if (typeof parsed.reading !== 'object' || parsed.reading === null || !('ts' in parsed.reading))
    return refused({ code: 'WRONG_TYPE', pointer: '/ts', detail: 'A reading of the past needs its time.' })
  const past = { ...context, oldestMs: 0, serverClock: false, imported: true }
  const { readings, problems } = decodeValue(parsed.reading, past, parsed.repeated)
  entries.push(...readings)
  return { line, accepted: readings.length > 0, problems }
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
