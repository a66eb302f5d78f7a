import type { LogEntry, QuarantinedRecord, QuarantineProblem } from '#contracts'
import { HubError } from '#platform'
import { parseBulkLine } from './bulk-lines.ts'
import { decodeAttributes } from './decode-attributes.ts'
import {
  type DecodeContext,
  type Decoded,
  decodeTelemetry,
  decodeValue,
  PROBLEMS_PER_MESSAGE_MAX,
  TIMESTAMP_FUTURE_MS,
} from './decode-telemetry.ts'
import { type DeviceOf, decodeGatewayAgain } from './gateway-intake.ts'
import { type DeviceRef, type IngestResult, type Intake, unknownDevice } from './intake.ts'
import { payloadForm } from './payload-form.ts'

export interface ReimportOptions {
  /** Devices of the brand by serial, for payloads that name theirs. */
  deviceOf: DeviceOf
  /**
   * Whose time the readings get: the device's own (the default), however old, but never later
   * than its arrival allowed; or that of arrival, for a device whose clock was wrong.
   */
  dating?: 'device' | 'received'
}

/**
 * Reads a quarantined payload again, after its product was corrected, under today's product
 * and the conditions of its arrival. Only what was refused then is taken: the rest is in the
 * log already. It becomes imported readings, which never notify. Taking the same one in twice
 * changes nothing: its times are fixed, so the second is a duplicate.
 *
 * What is still wrong is answered, not quarantined once more. Throws `STATE_FORBIDS` when
 * only a part of the payload was kept, `NOT_FOUND` when the device is gone.
 */
export async function reimport(
  intake: Intake,
  record: QuarantinedRecord,
  { deviceOf, dating = 'device' }: ReimportOptions,
): Promise<IngestResult> {
  if (record.truncated) {
    throw new HubError('STATE_FORBIDS', 'Only the beginning of this payload was kept; it cannot be imported.')
  }
  const contextOf = (device: DeviceRef): DecodeContext | null => {
    const context = intake.context(device, record.receivedAtMs)
    if (context === null) return null
    return {
      ...context,
      oldestMs: 0,
      newestMs: record.receivedAtMs + TIMESTAMP_FUTURE_MS,
      serverClock: context.serverClock || dating === 'received',
      imported: true,
      onlyAt: refusedPointers(record),
    }
  }
  const form = payloadForm(record.via)
  if (form === 'attributes') {
    const { values, problems } = decodeAttributes(record.payload)
    return intake.attributes([{ device: record, values }], [], problems)
  }
  if (form === 'gateway-attributes') {
    throw new HubError(
      'STATE_FORBIDS',
      'Attributes that came through a gateway are not imported; the device sends them again.',
    )
  }
  const own = contextOf(record)
  if (own === null) throw unknownDevice(record)
  const { entries, problems } =
    form === 'gateway-telemetry'
      ? decodeGatewayAgain(record.payload, deviceOf, contextOf)
      : entriesOf(form === 'bulk-line' ? decodeLine(record.payload, own) : decodeTelemetry(record.payload, own))
  for (const entry of entries) if (entry.kind === 'readings') entry.serverTime = false
  return intake.append(entries, intake.nowMs(), problems)
}

function entriesOf({ readings, problems }: Decoded): { entries: LogEntry[]; problems: QuarantineProblem[] } {
  return { entries: readings, problems }
}

function decodeLine(payload: Uint8Array, context: DecodeContext): Decoded {
  const parsed = parseBulkLine(payload)
  if ('problem' in parsed) return { readings: [], problems: [parsed.problem], problemsTotal: 1 }
  return decodeValue(parsed.reading, context, parsed.repeated)
}

/** Where the payload was refused, when that is known completely; `null` reads all of it. */
function refusedPointers({ pointer, problems }: QuarantinedRecord): ReadonlySet<string> | null {
  if (problems === undefined) return new Set([pointer])
  return problems.length < PROBLEMS_PER_MESSAGE_MAX ? new Set(problems.map((problem) => problem.pointer)) : null
}
