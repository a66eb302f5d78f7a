import type { LogStream } from '#platform'
import type { BridgePolicy } from '#service-bridge'

/** What a part needs to know and a thread can be told: plain data only. */
export interface PartSettings {
  logDir: string
  /** The restricted role's. */
  databaseUrl: string
  logLevel: string
  logTo: LogStream
}

export interface RulesSettings extends PartSettings {
  /** Seals and opens; the same key as everywhere. */
  secretKey: Uint8Array
  publicUrl: string
  /** Partners on this machine are allowed: demo and tests. */
  allowLoopback: boolean
  policy: Partial<BridgePolicy>
}

export interface RecordSettings extends PartSettings {
  history:
    | { kind: 'duckdb'; dir: string }
    | { kind: 'influx'; url: string; token: string | null; org: string | null; bucket: string }
  /** Somebody waits for each step: write at once. */
  eager: boolean
}
