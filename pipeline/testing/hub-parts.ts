import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ControlChange, DeviceFacts, LogReader, ProductDocument, ReadingsEntry, TelemetryLog } from '#contracts'
import { openLogReader, openTelemetryLog } from '#ingest'
import { type Clock, ManualClock, silentLogger } from '#platform'
import { type Database, submitChange } from '#store'

export interface TestLog {
  dir: string
  log: TelemetryLog
  reader: LogReader
  clock: ManualClock
}

/** A real log in a folder of this test's own, with a reader. */
export async function testLog(clock = new ManualClock()): Promise<TestLog> {
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-log-'))
  const log = await openTelemetryLog({ dir, clock, logger: silentLogger, diskReserveBytes: 0, idleTickMs: null })
  const reader = openLogReader({ dir })
  onTestFinished(async () => {
    reader.close()
    await log.close()
    rmSync(dir, { recursive: true, force: true })
  })
  return { dir, log, reader, clock }
}

/** A committed change as the outbox holds it. */
export async function commitChange(
  db: Database,
  brandId: string | null,
  change: ControlChange,
  clock: Clock,
): Promise<string> {
  return db.asHub((tx) => submitChange(tx, { brandId, change, nowMs: clock.nowMs() }))
}

export const aProduct = (over: Partial<ProductDocument> = {}): ProductDocument => ({
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [{ key: 'filter_dp_pa', unit: 'Pa', type: 'number' }],
  components: [{ key: 'hepa-filter', kind: 'filter' }],
  reporting: { mode: 'periodic', every: '1m' },
  ...over,
})

export const aDevice = (deviceId: string, over: Partial<DeviceFacts> = {}): DeviceFacts => ({
  deviceId,
  serial: `SN-${deviceId}`,
  productKey: 'ap-300',
  homeId: null,
  region: null,
  tags: [],
  installedAtMs: null,
  purchasedAtMs: null,
  gatewayId: null,
  timeZone: 'Asia/Shanghai',
  ...over,
})

export const aReading = (brandId: string, deviceId: string, measuredAtMs: number, value: number): ReadingsEntry => ({
  kind: 'readings',
  brandId,
  deviceId,
  measuredAtMs,
  serverTime: false,
  values: { filter_dp_pa: value },
  delivery: null,
  imported: false,
})
