import type { LogEntry, QuarantinedRecord } from '#contracts'
import { type BulkResult, bulkTelemetry } from './bulk-intake.ts'
import { decodeAttributes } from './decode-attributes.ts'
import { decodeTelemetry } from './decode-telemetry.ts'
import { type DeviceOf, gatewayAttributes, gatewayTelemetry } from './gateway-intake.ts'
import type { IngestStats } from './ingest-stats.ts'
import { type Arrival, type DeviceRef, type IngestOptions, type IngestResult, Intake, unknownDevice } from './intake.ts'
import { quarantinedEntry } from './quarantine.ts'
import { type ReimportOptions, reimport } from './reimport.ts'

/**
 * Every way in. Each call resolves once what it took is synced, quarantined parts included,
 * and only then may the sender be told so; it rejects when nothing is promised: `NOT_FOUND`
 * for a device nobody knows, or as `TelemetryLog.append` does.
 */
export interface Ingest {
  telemetry(device: DeviceRef, payload: Uint8Array, arrival: Arrival): Promise<IngestResult>
  attributes(device: DeviceRef, payload: Uint8Array, arrival: Arrival): Promise<IngestResult>
  gatewayTelemetry(gateway: DeviceRef, payload: Uint8Array, deviceOf: DeviceOf, arrival: Arrival): Promise<IngestResult>
  gatewayAttributes(
    gateway: DeviceRef,
    payload: Uint8Array,
    deviceOf: DeviceOf,
    arrival: Arrival,
  ): Promise<IngestResult>
  /** NDJSON of `{serial, ts?, values}`, with a result per line. */
  bulk(body: Uint8Array, resolveDevice: DeviceOf): Promise<BulkResult>
  reimport(record: QuarantinedRecord, options: ReimportOptions): Promise<IngestResult>
  /** `null` while there is room, else a promise of it: sources stop reading until then. */
  whenRoom(): Promise<void> | null
  stats(): IngestStats
}

export function createIngest(options: IngestOptions): Ingest {
  const intake = new Intake(options)
  return {
    telemetry(device, payload, { via, delivery }) {
      const nowMs = intake.nowMs()
      const context = intake.context(device, nowMs)
      if (context === null) return Promise.reject(unknownDevice(device))
      const { readings, problems, problemsTotal } = decodeTelemetry(payload, context)
      if (delivery !== null) {
        for (const reading of readings) if (reading.serverTime) reading.delivery = intake.markOf(delivery, payload)
      }
      const entries: LogEntry[] = readings
      if (problemsTotal > 0) {
        const { brandId, deviceId } = device
        entries.push(quarantinedEntry({ brandId, deviceId, problems, problemsTotal, payload, via }))
      }
      return intake.append(entries, nowMs, problems)
    },

    attributes(device, payload, { via }) {
      const { values, problems, problemsTotal } = decodeAttributes(payload)
      const { brandId, deviceId } = device
      const refused =
        problemsTotal > 0 ? [quarantinedEntry({ brandId, deviceId, problems, problemsTotal, payload, via })] : []
      return intake.attributes([{ device, values }], refused, problems)
    },

    gatewayTelemetry: (gateway, payload, deviceOf, arrival) =>
      gatewayTelemetry(intake, gateway, payload, deviceOf, arrival),
    gatewayAttributes: (gateway, payload, deviceOf, arrival) =>
      gatewayAttributes(intake, gateway, payload, deviceOf, arrival),
    bulk: (body, resolveDevice) => bulkTelemetry(intake, body, resolveDevice),
    reimport: (record, how) => reimport(intake, record, how),
    whenRoom: () => intake.room(),
    stats: () => ({ ...intake.stats, pendingBytes: intake.pendingBytes() }),
  }
}
