import type { LogEntry, QuarantinedEntry, QuarantineProblem } from '#contracts'
import { type AttributeValues, decodeAttributeObject } from './decode-attributes.ts'
import { decodeGateway, type GatewayPart } from './decode-gateway.ts'
import { type DecodeContext, decodeValue } from './decode-telemetry.ts'
import type { Arrival, DeviceRef, IngestResult, Intake } from './intake.ts'
import { pointerPart } from './json-pointer.ts'
import { quarantinedEntry } from './quarantine.ts'

/** Finds a device by the name a gateway uses, its serial; `null` unless it is registered under that gateway. */
export type DeviceOf = (serial: string) => DeviceRef | null

/** Readings of several devices in one message, stored as one unit. */
export function gatewayTelemetry(
  intake: Intake,
  gateway: DeviceRef,
  payload: Uint8Array,
  deviceOf: DeviceOf,
  { via, delivery }: Arrival,
): Promise<IngestResult> {
  const nowMs = intake.nowMs()
  const { parts, problems, repeated } = decodeGateway(payload)
  const entries: LogEntry[] = []
  const refused = new Refused(gateway, payload, via, problems)
  for (const part of parts) {
    const device = deviceOf(part.serial)
    const context = device && intake.context(device, nowMs)
    if (!device || !context) {
      refused.stranger(part)
      continue
    }
    const decoded = decodeValue(part.value, context, repeated, part.pointer)
    for (const reading of decoded.readings) {
      if (delivery !== null && reading.serverTime) reading.delivery = intake.markOf(delivery, payload)
      entries.push(reading)
    }
    refused.part(device, part, decoded)
  }
  return intake.append([...entries, ...refused.entries()], nowMs, refused.problems)
}

export function gatewayAttributes(
  intake: Intake,
  gateway: DeviceRef,
  payload: Uint8Array,
  deviceOf: DeviceOf,
  { via }: Arrival,
): Promise<IngestResult> {
  const { parts, problems, repeated } = decodeGateway(payload)
  const taken: { device: DeviceRef; values: AttributeValues }[] = []
  const refused = new Refused(gateway, payload, via, problems)
  for (const part of parts) {
    const device = deviceOf(part.serial)
    if (!device) {
      refused.stranger(part)
      continue
    }
    const decoded = decodeAttributeObject(part.value, repeated, part.pointer)
    taken.push({ device, values: decoded.values })
    refused.part(device, part, decoded)
  }
  return intake.attributes(taken, refused.entries(), refused.problems)
}

/** A re-import reads the parts alike, under the conditions of then. */
export function decodeGatewayAgain(
  payload: Uint8Array,
  deviceOf: DeviceOf,
  contextOf: (device: DeviceRef) => DecodeContext | null,
): { entries: LogEntry[]; problems: QuarantineProblem[] } {
  const { parts, problems, repeated } = decodeGateway(payload)
  const entries: LogEntry[] = []
  for (const { serial, pointer, value } of parts) {
    const device = deviceOf(serial)
    const context = device && contextOf(device)
    if (!context) {
      problems.push(strangerProblem(serial))
      continue
    }
    const decoded = decodeValue(value, context, repeated, pointer)
    entries.push(...decoded.readings)
    problems.push(...decoded.problems)
  }
  return { entries, problems }
}

/** What was wrong, by the device it is shown under. Each device sees its own part only. */
class Refused {
  readonly problems: QuarantineProblem[]
  readonly #gateway: DeviceRef
  readonly #payload: Uint8Array
  readonly #via: string
  readonly #entries: QuarantinedEntry[] = []
  readonly #strangers: GatewayPart[] = []

  constructor(gateway: DeviceRef, payload: Uint8Array, via: string, whole: QuarantineProblem[]) {
    this.#gateway = gateway
    this.#payload = payload
    this.#via = via
    this.problems = [...whole]
    if (whole.length > 0) {
      this.#entries.push(quarantinedEntry({ ...gateway, problems: whole, problemsTotal: whole.length, payload, via }))
    }
  }

  stranger(part: GatewayPart): void {
    this.#strangers.push(part)
    this.problems.push(strangerProblem(part.serial))
  }

  part(device: DeviceRef, part: GatewayPart, found: { problems: QuarantineProblem[]; problemsTotal: number }): void {
    if (found.problemsTotal === 0) return
    this.problems.push(...found.problems)
    const payload = this.#partsAlone([part])
    this.#entries.push(quarantinedEntry({ ...device, ...found, payload, via: this.#via }))
  }

  entries(): QuarantinedEntry[] {
    if (this.#strangers.length === 0) return this.#entries
    const strangers = quarantinedEntry({
      ...this.#gateway,
      problems: this.#strangers.map(({ serial }) => strangerProblem(serial)),
      problemsTotal: this.#strangers.length,
      payload: this.#partsAlone(this.#strangers),
      via: this.#via,
    })
    return [...this.#entries, strangers]
  }

  /** A gateway's message with these parts only, so that pointers keep pointing. */
  #partsAlone(parts: readonly GatewayPart[]): Uint8Array {
    try {
      // Members one by one: a serial may be named as something objects inherit.
      return Buffer.from(`{${parts.map(({ serial, value }) => `${JSON.stringify(serial)}:${JSON.stringify(value)}`)}}`)
    } catch {
      // Nested deeper than can be written again.
      return this.#payload
    }
  }
}

function strangerProblem(serial: string): QuarantineProblem {
  const pointer = pointerPart(serial)
  return { code: 'UNKNOWN_DEVICE', pointer, detail: 'No device of this serial is registered under this gateway.' }
}
