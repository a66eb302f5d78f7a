import type { QuarantineCode, QuarantineProblem, ReadingsEntry, ReadingValue } from '#contracts'
import type { CompiledProduct, MetricCheck } from './compiled-product.ts'
import { pointerPart } from './json-pointer.ts'
import { parsePayload } from './payload-json.ts'
import { repeatedMembers } from './repeated-members.ts'
import { shown } from './shown.ts'

/** A buffer that a device uploads may be a week old; one that is older comes by import. */
export const TIMESTAMP_PAST_MS = 7 * 86_400_000
/** A device's clock may be ahead by this. */
export const TIMESTAMP_FUTURE_MS = 10 * 60_000
/** As many as a brand's bulk call may bring; a frame of 256 KiB holds some 6,000 real ones. */
export const READINGS_PER_MESSAGE_MAX = 10_000
/** A broken firmware fails alike everywhere: these show how. The rest is counted. */
export const PROBLEMS_PER_MESSAGE_MAX = 20
/** A state or an error text; documents do not belong into telemetry. */
const STRING_LENGTH_MAX = 1_024

export interface DecodeContext {
  brandId: string
  deviceId: string
  product: CompiledProduct
  /** Dates what has no time of its own. */
  nowMs: number
  /** Device times outside are refused. */
  oldestMs: number
  newestMs: number
  /** Dates everything by `nowMs`, as for products whose clocks are not believed. */
  serverClock: boolean
  imported: boolean
  /**
   * Pointers that were refused when this payload first came: only what lies there is read,
   * for the rest was accepted then. `null` reads everything.
   */
  onlyAt: ReadonlySet<string> | null
}

export interface Decoded {
  /** In the order of the payload; what could not be accepted is left out. */
  readings: ReadingsEntry[]
  problems: QuarantineProblem[]
  /** With those beyond the bound. */
  problemsTotal: number
}

/**
 * What a telemetry payload holds for a device: `{"metric": value}` dated by the hub, `{ts,
 * values}` dated by the device, or an array of either. Good values are kept beside bad ones.
 * Pure; never throws; linear in the payload.
 */
export function decodeTelemetry(payload: Uint8Array, context: DecodeContext): Decoded {
  const json = parsePayload(payload)
  if ('problem' in json) return { readings: [], problems: [json.problem], problemsTotal: 1 }
  const walk = new TelemetryWalk(context, null)
  walk.message(json.value)
  // Fewer members seen than colons stand in the text: a name came twice, or a colon is part of a string.
  if (walk.members === json.colons) return walk
  const repeated = repeatedMembers(json.text)
  return repeated.size === 0 ? walk : decodeValue(json.value, context, repeated)
}

/** The same for a payload that was parsed already. `prefix` leads to it in the payload. */
export function decodeValue(
  value: unknown,
  context: DecodeContext,
  repeated: ReadonlySet<string> | null,
  prefix = '',
): Decoded {
  const walk = new TelemetryWalk(context, repeated, prefix)
  walk.message(value)
  return walk
}

type JsonObject = Record<string, unknown>

class TelemetryWalk implements Decoded {
  readonly readings: ReadingsEntry[] = []
  readonly problems: QuarantineProblem[] = []
  problemsTotal = 0
  /** Object members that were looked at. */
  members = 0
  readonly #context: DecodeContext
  readonly #repeated: ReadonlySet<string> | null
  readonly #prefix: string

  constructor(context: DecodeContext, repeated: ReadonlySet<string> | null, prefix = '') {
    this.#context = context
    this.#repeated = repeated
    this.#prefix = prefix
  }

  message(value: unknown): void {
    if (!Array.isArray(value)) {
      this.#reading(value, null, this.#context.nowMs)
      return
    }
    const length = Math.min(value.length, READINGS_PER_MESSAGE_MAX)
    for (let index = 0; index < length; index++) {
      // Without device times a buffer keeps its order: a millisecond apart, the newest now.
      this.#reading(value[index], index, this.#context.nowMs - (length - 1 - index))
    }
    if (value.length > length) {
      const detail = `${value.length} readings; the first ${length} were taken: send fewer at a time.`
      this.#report('PAYLOAD_TOO_LARGE', pointerPart(length), detail)
    }
  }

  #reading(value: unknown, index: number | null, hubMs: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const detail = `${shown(value)} where an object is needed: {"metric": value} or {"ts": ms, "values": {…}}.`
      this.#report('WRONG_TYPE', place(index), detail)
      return
    }
    const source = value as JsonObject
    if (isDated(source, this.#context.product)) this.#dated(source, index, hubMs)
    else this.#keep(source, place(index), place(index), hubMs, true)
  }

  /** The form `{ts, values}`. */
  #dated(source: JsonObject, index: number | null, hubMs: number): void {
    for (const key in source) {
      this.members++
      if (key !== 'ts' && key !== 'values') {
        const detail = `${shown(key)} stands beside "ts" and "values"; metrics belong inside "values".`
        this.#report('UNKNOWN_METRIC', place(index) + pointerPart(key), detail)
      }
    }
    const { ts, values } = source
    const at = place(index)
    if (this.#repeated !== null && (this.#isRepeated(`${at}/values`) || this.#isRepeated(`${at}/ts`))) return
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      this.#report('WRONG_TYPE', `${at}/values`, `${shown(values)} where an object of metrics is needed.`)
      return
    }
    const dated = ts !== undefined && !this.#context.serverClock
    if (dated && !this.#isTime(ts, at)) return
    this.#keep(values as JsonObject, at, `${at}/values`, dated ? (ts as number) : hubMs, !dated)
  }

  #keep(source: JsonObject, reading: string, at: string, measuredAtMs: number, serverTime: boolean): void {
    const { metrics } = this.#context.product
    const onlyAt = this.#partsOf(reading)
    let values: Record<string, ReadingValue> = {}
    let kept = 0
    let rank = -1
    let ordered = true
    for (const key in source) {
      this.members++
      if (onlyAt !== null && !onlyAt.has(this.#prefix + at + pointerPart(key))) continue
      const metric = metrics.get(key)
      if (metric === undefined) {
        this.#unknown(key, at)
        continue
      }
      const value = source[key]
      if (!this.#accepts(metric, value, at)) continue
      values[key] = typeof value === 'number' ? value + 0 : typeof value === 'string' ? value.toWellFormed() : value
      kept++
      if (metric.rank < rank) ordered = false
      rank = metric.rank
    }
    if (kept === 0) return
    if (!ordered) values = inProductOrder(values, metrics)
    const { brandId, deviceId, imported } = this.#context
    this.readings.push({
      kind: 'readings',
      brandId,
      deviceId,
      measuredAtMs,
      serverTime,
      values,
      delivery: null,
      imported,
    })
  }

  /** The pointers to look at inside a reading, or `null` when it is to be read whole. */
  #partsOf(reading: string): ReadonlySet<string> | null {
    const { onlyAt } = this.#context
    if (onlyAt === null) return null
    const at = this.#prefix + reading
    return ['', this.#prefix, at, `${at}/ts`, `${at}/values`].some((pointer) => onlyAt.has(pointer)) ? null : onlyAt
  }

  #accepts(metric: MetricCheck, value: unknown, at: string): value is ReadingValue {
    if (this.#repeated !== null && this.#isRepeated(at + pointerPart(metric.key))) return false
    if (typeof value !== metric.type) {
      const detail = `${metric.key} is ${shown(value)}; the product says ${metric.type}.`
      this.#report('WRONG_TYPE', at + pointerPart(metric.key), detail)
      return false
    }
    if (typeof value === 'number') {
      if (value >= metric.min && value <= metric.max) return true
      this.#outOfRange(metric, value, at)
      return false
    }
    return typeof value !== 'string' || this.#isText(metric, value, at)
  }

  #outOfRange(metric: MetricCheck, value: number, at: string): void {
    const pointer = at + pointerPart(metric.key)
    // JSON has no word for infinity; a number too large for 64 bits becomes it.
    if (!Number.isFinite(value)) this.#report('NOT_FINITE', pointer, `${metric.key} is larger than a number can be.`)
    else this.#report('OUT_OF_RANGE', pointer, `${metric.key} is ${value}, outside ${metric.min} to ${metric.max}.`)
  }

  #isText(metric: MetricCheck, value: string, at: string): boolean {
    if (value.length > STRING_LENGTH_MAX) {
      const detail = `${metric.key} has ${value.length} characters, at most ${STRING_LENGTH_MAX} are taken.`
      this.#report('OUT_OF_RANGE', at + pointerPart(metric.key), detail)
      return false
    }
    if (value.includes('\0')) {
      this.#report('WRONG_TYPE', at + pointerPart(metric.key), `${metric.key} holds a NUL character.`)
      return false
    }
    return true
  }

  #isTime(ts: unknown, at: string): boolean {
    const { oldestMs, newestMs } = this.#context
    if (typeof ts !== 'number') {
      this.#report('WRONG_TYPE', `${at}/ts`, `ts is ${shown(ts)}; milliseconds since 1970 are needed.`)
    } else if (!Number.isFinite(ts)) {
      this.#report('NOT_FINITE', `${at}/ts`, 'ts is larger than a number can be.')
    } else if (ts > newestMs) {
      this.#report('TIMESTAMP_FUTURE', `${at}/ts`, `ts is ${aheadBy(ts, newestMs)} ahead; 10 minutes are allowed.`)
    } else if (ts < oldestMs) {
      const detail = looksLikeSeconds(ts, oldestMs)
        ? `ts is ${ts}, which looks like seconds; milliseconds since 1970 are needed.`
        : `ts is ${shown(ts)}, more than 7 days ago; older readings come by import.`
      this.#report('TIMESTAMP_TOO_OLD', `${at}/ts`, detail)
    } else if (!Number.isInteger(ts)) {
      this.#report('WRONG_TYPE', `${at}/ts`, `ts is ${ts}; whole milliseconds are needed.`)
    } else {
      return true
    }
    return false
  }

  #unknown(key: string, at: string): void {
    if (this.#repeated !== null && this.#isRepeated(at + pointerPart(key))) return
    this.#report('UNKNOWN_METRIC', at + pointerPart(key), `The product has no metric ${shown(key)}.`)
  }

  /** Reports the member when it stands more than once; neither of its values is taken. */
  #isRepeated(pointer: string): boolean {
    if (!this.#repeated?.has(this.#prefix + pointer)) return false
    this.#report('PAYLOAD_NOT_JSON', pointer, 'This name stands more than once in its object; no value of it is taken.')
    return true
  }

  #report(code: QuarantineCode, pointer: string, detail: string): void {
    this.problemsTotal++
    if (this.problems.length < PROBLEMS_PER_MESSAGE_MAX) {
      this.problems.push({ code, pointer: this.#prefix + pointer, detail })
    }
  }
}

/** A product may name a metric `values`; an object is never the value of one. */
function isDated(source: JsonObject, { metrics }: CompiledProduct): boolean {
  return 'values' in source && (!metrics.has('values') || typeof source.values === 'object')
}

function place(index: number | null): string {
  return index === null ? '' : `/${index}`
}

/** Consumers see one order of metrics per product, whatever order its firmware writes. */
function inProductOrder(
  values: Readonly<Record<string, ReadingValue>>,
  metrics: ReadonlyMap<string, MetricCheck>,
): Record<string, ReadingValue> {
  const keys = Object.keys(values).sort((a, b) => metrics.get(a)!.rank - metrics.get(b)!.rank)
  const ordered: Record<string, ReadingValue> = {}
  for (const key of keys) ordered[key] = values[key]!
  return ordered
}

function aheadBy(ts: number, newestMs: number): string {
  const minutes = Math.ceil((ts - newestMs + TIMESTAMP_FUTURE_MS) / 60_000)
  return minutes < 2_880 ? `${minutes} minutes` : `${Math.round(minutes / 1_440)} days`
}

function looksLikeSeconds(ts: number, oldestMs: number): boolean {
  return ts * 1_000 >= oldestMs && ts * 1_000 <= oldestMs + 2 * TIMESTAMP_PAST_MS
}
