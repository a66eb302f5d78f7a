import type { LogEntry, ProductDocument, QuarantinedEntry, QuarantineProblem, TelemetryLog } from '#contracts'
import { HubError } from '#platform'
import { compileProduct } from './compiled-product.ts'
import type { AttributeValues } from './decode-attributes.ts'
import { type DecodeContext, TIMESTAMP_FUTURE_MS, TIMESTAMP_PAST_MS } from './decode-telemetry.ts'
import { createDeliveryMarks, type Delivery } from './delivery-marks.ts'
import { emptyStats, type IngestStats } from './ingest-stats.ts'

/** Who a payload speaks for; the caller has made sure of it. */
export interface DeviceRef {
  brandId: string
  deviceId: string
}

/** A payload and how it was delivered. */
export interface DevicePayload {
  payload: Uint8Array
  /** `null` for QoS 0 and HTTP. */
  delivery: Delivery | null
}

/** How a payload came in. */
export interface Arrival {
  /** MQTT topic or HTTP path, without any token. */
  via: string
  /** `null` for QoS 0 and HTTP. */
  delivery: Delivery | null
}

export interface IngestResult {
  /** Readings, or attributes, that were taken. */
  accepted: number
  /** What was quarantined, up to a bound, in the order of the payload. */
  problems: readonly QuarantineProblem[]
  /** Position of the last record made of it; `null` when it held nothing at all. */
  lastSeq: number | null
}

export interface IngestOptions {
  log: TelemetryLog
  /** The product in force for a device, once the log has it; `null` for a device nobody knows (any more). */
  productOf(deviceId: string): { document: ProductDocument } | null
  /** Makes a control change of attributes; resolves when it is as durable as a reading. */
  submitAttributes(device: DeviceRef, values: AttributeValues): Promise<unknown>
}

/** What every way in shares: dating, the product, the log, and counting. */
export class Intake {
  readonly stats: IngestStats = emptyStats()
  readonly markOf = createDeliveryMarks()
  readonly submitAttributes: IngestOptions['submitAttributes']
  readonly #log: TelemetryLog
  readonly #productOf: IngestOptions['productOf']

  constructor({ log, productOf, submitAttributes }: IngestOptions) {
    this.#log = log
    this.#productOf = productOf
    this.submitAttributes = submitAttributes
  }

  nowMs(): number {
    return this.#log.nowMs()
  }

  /** How to read what a device sends now; `null` when nobody knows the device. */
  context({ brandId, deviceId }: DeviceRef, nowMs: number): DecodeContext | null {
    const known = this.#productOf(deviceId)
    if (known === null) return null
    const product = compileProduct(known.document)
    return {
      brandId,
      deviceId,
      product,
      nowMs,
      oldestMs: nowMs - TIMESTAMP_PAST_MS,
      newestMs: nowMs + TIMESTAMP_FUTURE_MS,
      serverClock: product.serverClock,
      imported: false,
      onlyAt: null,
    }
  }

  /** Resolves when the entries are synced; counts them only then. */
  append(
    entries: LogEntry[],
    nowMs: number,
    problems: readonly QuarantineProblem[],
    messages = 1,
  ): Promise<IngestResult> {
    if (entries.length === 0) {
      this.stats.messages += messages
      return Promise.resolve({ accepted: 0, problems, lastSeq: null })
    }
    return this.#log.append(entries, nowMs).then(({ lastSeq }) => {
      let accepted = 0
      for (const entry of entries) {
        if (entry.kind === 'readings') accepted++
        else if (entry.kind === 'quarantined') this.stats.quarantined[entry.code]++
      }
      this.stats.messages += messages
      this.stats.readings += accepted
      return { accepted, problems, lastSeq }
    })
  }

  /** Takes attributes and, beside them, what was wrong with their payload. */
  async attributes(
    parts: readonly { device: DeviceRef; values: AttributeValues }[],
    quarantined: QuarantinedEntry[],
    problems: readonly QuarantineProblem[],
  ): Promise<IngestResult> {
    const given = parts.filter(({ values }) => Object.keys(values).length > 0)
    const [stored] = await Promise.all([
      this.append(quarantined, this.nowMs(), problems),
      ...given.map(({ device, values }) => this.submitAttributes(device, values)),
    ])
    const accepted = given.reduce((count, { values }) => count + Object.keys(values).length, 0)
    this.stats.attributes += accepted
    return { ...stored, accepted }
  }

  room(): Promise<void> | null {
    return this.#log.hasRoom() ? null : this.#log.whenRoom()
  }

  pendingBytes(): number {
    return this.#log.pendingBytes()
  }
}

export function unknownDevice({ deviceId }: DeviceRef): HubError {
  return new HubError('NOT_FOUND', `Device ${deviceId} is not registered (any more); nothing it sends is stored.`)
}
