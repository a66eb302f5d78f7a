import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { LogReader, LogRecord, ProductDocument, QuarantinedEntry, ReadingsEntry, TelemetryLog } from '#contracts'
import { ManualClock, silentLogger } from '#platform'
import { openLogReader } from '../log-reader.ts'
import { openTelemetryLog, type TelemetryLogOptions } from '../telemetry-log.ts'

/** A folder of its own, gone after the test. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'ingest-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export const START_MS = Date.UTC(2026, 10, 22, 8)

export function reading(changes: Partial<ReadingsEntry> = {}): ReadingsEntry {
  return {
    kind: 'readings',
    brandId: 'brand_a',
    deviceId: 'dev_1',
    measuredAtMs: START_MS,
    serverTime: false,
    values: { filter_dp_pa: 131.2, fan_on: true },
    delivery: null,
    imported: false,
    ...changes,
  }
}

export function quarantined(changes: Partial<QuarantinedEntry> = {}): QuarantinedEntry {
  return {
    kind: 'quarantined',
    brandId: 'brand_a',
    deviceId: 'dev_1',
    code: 'UNKNOWN_METRIC',
    pointer: '/dp',
    detail: 'The product has no metric "dp".',
    payload: Buffer.from('{"dp":1}'),
    truncated: false,
    via: 'v1/devices/me/telemetry',
    ...changes,
  }
}

export type LogChanges = Partial<TelemetryLogOptions> & { dir?: string }

/** A log on a real disk, closed after the test. Without ticks and reserve unless the test is about them. */
export async function openLog(
  changes: LogChanges = {},
): Promise<{ log: TelemetryLog; dir: string; clock: ManualClock }> {
  const dir = changes.dir ?? temporaryFolder()
  const clock = (changes.clock as ManualClock) ?? new ManualClock(START_MS)
  const log = await openTelemetryLog({
    logger: silentLogger,
    diskReserveBytes: 0,
    idleTickMs: null,
    ...changes,
    dir,
    clock,
  })
  onTestFinished(() => log.close().catch(() => {}))
  return { log, dir, clock }
}

export function openReader(dir: string): LogReader {
  const reader = openLogReader({ dir })
  onTestFinished(() => reader.close())
  return reader
}

/** Everything in the log, read in small steps so that blocks are crossed. */
export function readAll(reader: LogReader, records = 7): LogRecord[] {
  const all: LogRecord[] = []
  for (let after = reader.firstSeq() - 1; ; ) {
    const some = reader.read(after, { records })
    if (some.length === 0) return all
    all.push(...some)
    after = some.at(-1)!.seq
  }
}

export function product(changes: Partial<ProductDocument> = {}): ProductDocument {
  return {
    key: 'ap-300',
    category: 'air-purifier',
    metrics: [
      { key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 1_000 },
      { key: 'fan_rpm', unit: '1/min', type: 'number' },
      { key: 'fan_on', unit: '', type: 'boolean' },
      { key: 'state', unit: '', type: 'string' },
    ],
    ...changes,
  }
}
