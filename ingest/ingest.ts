import type { LogEntry, QuarantinedRecord, QuarantineProblem } from '#contracts'
import { type BulkResult, bulkTelemetry, importTelemetry } from './bulk-intake.ts'
import { decodeAttributes } from './decode-attributes.ts'
import { decodeTelemetry } from './decode-telemetry.ts'
import { type DeviceOf, gatewayAttributes, gatewayTelemetry } from './gateway-intake.ts'
import type { IngestStats } from './ingest-stats.ts'
import {
  type Arrival,
  type DevicePayload,
  type DeviceRef,
  type IngestOptions,
  type IngestResult,
  Intake,
  unknownDevice,
} from './intake.ts'
import { quarantinedEntry } from './quarantine.ts'
import { type ReimportOptions, reimport } from './reimport.ts'

/**
 * Every way in. Each call resolves once what it took is synced, quarantined parts included,
 * and only then may the sender be told so; it rejects when nothing is promised: `NOT_FOUND`
 * for a device nobody knows, or as `TelemetryLog.append` does.
 */
export interface Ingest {
  /** Payloads of one device, in the order they came; synced as one unit. */
  telemetry(device: DeviceRef, payloads: readonly DevicePayload[], via: string): Promise<IngestResult>
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
  /** The same of the past: any age, never notifies, what is refused is kept nowhere. */
  importPast(body: Uint8Array, resolveDevice: DeviceOf): Promise<BulkResult>
  reimport(record: QuarantinedRecord, options: ReimportOptions): Promise<IngestResult>
  /** `null` while there is room, else a promise of it: sources stop reading until then. */
  whenRoom(): Promise<void> | null
  stats(): IngestStats
}

/**
 * Every way in over one log. Each call resolves when what it took is synced; the log's refusals (`DISK_FULL`,
 * `LOG_UNAVAILABLE`) come through.
 */
export function createIngest(options: IngestOptions): Ingest {
  const intake = new Intake(options)
  return {
    telemetry(device, payloads, via) {
      const { brandId, deviceId } = device
      const nowMs = intake.nowMs()
      const context = intake.context(device, nowMs)
      if (context === null) return Promise.reject(unknownDevice(device))
      const entries: LogEntry[] = []
      const allProblems: QuarantineProblem[] = []
      for (const { payload, delivery } of payloads) {
        const { readings, problems, problemsTotal } = decodeTelemetry(payload, context)
        for (const reading of readings) {
          if (delivery !== null && reading.serverTime) reading.delivery = intake.markOf(delivery, payload)
          entries.push(reading)
        }
        if (problemsTotal > 0) {
          entries.push(quarantinedEntry({ brandId, deviceId, problems, problemsTotal, payload, via }))
          allProblems.push(...problems)
        }
      }
      return intake.append(entries, nowMs, allProblems, payloads.length)
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
    importPast: (body, resolveDevice) => importTelemetry(intake, body, resolveDevice),
    reimport: (record, how) => reimport(intake, record, how),
    whenRoom: () => intake.room(),
    stats: () => ({ ...intake.stats, pendingBytes: intake.pendingBytes() }),
  }
}
