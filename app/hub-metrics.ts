import { statfsSync } from 'node:fs'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Broker } from '#broker'
import type { TelemetryLog } from '#contracts'
import type { Ingest } from '#ingest'
import type { DeviceDirectory, LiveTail } from '#pipeline'
import type { Database } from '#store'
import type { RecordPart } from './parts/record-part.ts'
import type { RulesPart } from './parts/rules-part.ts'

export interface MetricSources {
  db: Database
  logDir: string
  log: TelemetryLog
  ingest: Ingest
  broker: Broker
  directory: DeviceDirectory
  liveTail: LiveTail
  rules: RulesPart | null
  record: RecordPart | null
}

/** The numbers of the hub for Prometheus, read when asked for. */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

export function measureHub(registry: Registry, sources: MetricSources): void {
  const { db, logDir, log, ingest, broker, directory, liveTail, rules, record } = sources
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    new Gauge({
      name: `beforehand_${name}`,
      help,
      registers: [registry],
      async collect() {
        // A part that is stopping or gone has no number; the others still have theirs.
        this.set(await Promise.resolve(read()).catch(() => Number.NaN))
      },
    })
  }
  const labelled = (
    name: string,
    help: string,
    label: string,
    read: () => Record<string, number | undefined> | Promise<Record<string, number | undefined>>,
  ): void => {
    new Gauge({
      name: `beforehand_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      async collect() {
        const values = await Promise.resolve(read()).catch(() => ({}))
        for (const [value, count] of Object.entries(values)) this.set({ [label]: value }, count ?? 0)
      },
    })
  }
  gauge('log_head_seq', 'Last synced position of the telemetry log', () => log.headSeq())
  gauge('log_pending_bytes', 'Bytes waiting to be synced', () => log.pendingBytes())
  gauge('log_disk_free_bytes', 'Bytes free on the disk of the telemetry log', () => {
    const { bavail, bsize } = statfsSync(logDir)
    return bavail * bsize
  })
  gauge('ingest_messages_total', 'Messages stored since the start', () => ingest.stats().messages)
  gauge('ingest_readings_total', 'Readings stored since the start', () => ingest.stats().readings)
  labelled('ingest_quarantined_total', 'Payloads quarantined since the start', 'code', () => ingest.stats().quarantined)
  gauge('mqtt_connections', 'Open MQTT sockets', () => broker.stats().connections)
  gauge('mqtt_clients', 'MQTT clients that proved who they are', () => broker.stats().clients)
  gauge('mqtt_in_flight', 'Publishes whose storage has not answered yet', () => broker.stats().inFlight)
  labelled('mqtt_cut_total', 'Connections turned away or cut', 'reason', () => broker.stats().cut)
  labelled('mqtt_received_total', 'Publishes taken', 'route', () => broker.stats().received)
  gauge('devices', 'Devices that may speak', () => directory.index.size.devices)
  labelled('deliveries', 'Events that wait for their receiver, and those given up', 'state', () =>
    deliveriesByState(db),
  )
  gauge('live_subscribers', 'Open live event streams', () => liveTail.subscribers())
  if (rules) {
    gauge('rules_lag_records', 'Records of the log that rules have not applied yet', async () =>
      Math.max(0, log.headSeq() - (await rules.position()).appliedSeq),
    )
    gauge(
      'rules_state_seq',
      'Position up to which the state of rules is kept',
      async () => (await rules.position()).stateSeq,
    )
  }
  if (record) {
    gauge('history_lag_records', 'Records of the log that the history does not hold yet', async () =>
      Math.max(0, log.headSeq() - (await record.status()).writtenSeq),
    )
    gauge(
      'history_failures',
      'Refusals of the history since its last success',
      async () => (await record.status()).failures,
    )
    gauge(
      'readings_duplicate_total',
      'Readings that devices sent twice',
      async () => (await record.status()).duplicates,
    )
  }
}

async function deliveriesByState(db: Database): Promise<Record<string, number>> {
  return db.asHub(async (tx) => {
    const count = async (states: readonly ('pending' | 'sending' | 'dead')[]): Promise<number> => {
      const row = await tx
        .selectFrom('deliveries')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('state', 'in', states)
        .executeTakeFirstOrThrow()
      return Number(row.count)
    }
    return { pending: await count(['pending', 'sending']), dead: await count(['dead']) }
  })
}
