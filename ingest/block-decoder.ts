import type { ControlChange, DeliveryMark, LogRecord, QuarantineCode, ReadingValue } from '#contracts'
import {
  COLUMN_BOOLEAN,
  COLUMN_NUMBER,
  FLAG_DELIVERY,
  FLAG_IMPORTED,
  FLAG_MEASURED_FAR,
  FLAG_MEASURED_NEAR,
  FLAG_OF_BRAND,
  FLAG_PROBLEMS,
  FLAG_RECEIVED_AT,
  FLAG_SERVER_TIME,
  FLAG_TRUNCATED,
  KIND_CONTROL,
  KIND_MASK,
  KIND_QUARANTINED,
  KIND_READINGS,
} from './block-format.ts'

interface Shape {
  keys: readonly string[]
  types: readonly number[]
  /** Copied for every reading, so that all readings of a shape share one hidden class. */
  blank: Record<string, ReadingValue>
}

/**
 * Reads the records of one block in order. The bytes must be those an encoder of this format
 * wrote: the caller has compared the checksum. Running past the end throws a RangeError.
 */
export class BlockDecoder {
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = 0
  #seq: number
  #receivedAtMs = 0
  readonly #brands: string[] = []
  readonly #devices: string[] = []
  readonly #words: string[] = []
  readonly #shapes: Shape[] = []

  constructor(bytes: Uint8Array, firstSeq: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#seq = firstSeq
  }

  /** The next record, or `null` at the end of the block. */
  next(): LogRecord | null {
    if (this.#at >= this.#bytes.length) return null
    const tag = this.#view.getUint8(this.#at++)
    if (tag & FLAG_RECEIVED_AT) this.#receivedAtMs = this.#float()
    const kind = tag & KIND_MASK
    if (kind === KIND_READINGS) return this.#readings(tag)
    const place = { seq: this.#seq++, receivedAtMs: this.#receivedAtMs }
    if (kind === KIND_CONTROL) {
      const changeId = this.#text()
      const brandId = tag & FLAG_OF_BRAND ? this.#word() : null
      const change = JSON.parse(this.#blob().toString()) as ControlChange
      return { kind: 'control', changeId, brandId, change, ...place }
    }
    return kind === KIND_QUARANTINED ? this.#quarantined(tag, place) : { kind: 'tick', ...place }
  }

  #readings(tag: number): LogRecord {
    let measuredAtMs = this.#receivedAtMs
    if (tag & FLAG_MEASURED_NEAR) {
      measuredAtMs += this.#view.getInt32(this.#at)
      this.#at += 4
    } else if (tag & FLAG_MEASURED_FAR) {
      measuredAtMs = this.#float()
    }
    const device = this.#device()
    const delivery = tag & FLAG_DELIVERY ? this.#delivery() : null
    const { keys, types, blank } = this.#shape()
    const values = { ...blank }
    for (let column = 0; column < keys.length; column++) {
      const type = types[column]
      if (type === COLUMN_NUMBER) {
        values[keys[column]!] = this.#view.getFloat64(this.#at)
        this.#at += 8
      } else {
        values[keys[column]!] = type === COLUMN_BOOLEAN ? this.#view.getUint8(this.#at++) === 1 : this.#word()
      }
    }
    return {
      kind: 'readings',
      brandId: this.#brands[device]!,
      deviceId: this.#devices[device]!,
      measuredAtMs,
      serverTime: (tag & FLAG_SERVER_TIME) !== 0,
      values,
      delivery,
      imported: (tag & FLAG_IMPORTED) !== 0,
      seq: this.#seq++,
      receivedAtMs: this.#receivedAtMs,
    }
  }

  #delivery(): DeliveryMark {
    const session = this.#word()
    const packetId = this.#view.getUint16(this.#at)
    const dup = this.#view.getUint8(this.#at + 2) === 1
    const payloadHash = this.#view.getUint32(this.#at + 3)
    this.#at += 7
    return { session, packetId, dup, payloadHash }
  }

  #quarantined(tag: number, place: { seq: number; receivedAtMs: number }): LogRecord {
    const device = this.#device()
    const code = this.#word() as QuarantineCode
    const pointer = this.#text()
    const detail = this.#text()
    const via = this.#word()
    const payload = new Uint8Array(this.#blob())
    const problems = tag & FLAG_PROBLEMS ? { problems: JSON.parse(this.#blob().toString()) } : {}
    return {
      kind: 'quarantined',
      brandId: this.#brands[device]!,
      deviceId: this.#devices[device]!,
      code,
      pointer,
      detail,
      payload,
      truncated: (tag & FLAG_TRUNCATED) !== 0,
      via,
      ...problems,
      ...place,
    }
  }

  #device(): number {
    const index = this.#count()
    if (index === this.#devices.length) {
      this.#brands.push(this.#word())
      this.#devices.push(this.#text())
    }
    return index
  }

  #shape(): Shape {
    const index = this.#count()
    if (index < this.#shapes.length) return this.#shapes[index]!
    const keys: string[] = []
    const types: number[] = []
    const blank: Record<string, ReadingValue> = {}
    const columns = this.#count()
    for (let column = 0; column < columns; column++) {
      const key = this.#word()
      keys.push(key)
      types.push(this.#view.getUint8(this.#at++))
      // Defined, not assigned: a key named as something objects inherit stays an ordinary key.
      Object.defineProperty(blank, key, { value: 0, writable: true, enumerable: true, configurable: true })
    }
    const shape = { keys, types, blank }
    this.#shapes.push(shape)
    return shape
  }

  #float(): number {
    const value = this.#view.getFloat64(this.#at)
    this.#at += 8
    return value
  }

  #count(): number {
    let byte = this.#view.getUint8(this.#at++)
    let value = byte & 0x7f
    for (let shift = 7; byte > 0x7f; shift += 7) {
      byte = this.#view.getUint8(this.#at++)
      value |= (byte & 0x7f) << shift
    }
    return value
  }

  #word(): string {
    const index = this.#count()
    if (index < this.#words.length) return this.#words[index]!
    const text = this.#text()
    this.#words.push(text)
    return text
  }

  #text(): string {
    const head = this.#count()
    const start = this.#at
    this.#at += head >>> 1
    return this.#bytes.toString(head & 1 ? 'utf16le' : 'latin1', start, this.#at)
  }

  #blob(): Buffer {
    const length = this.#count()
    const start = this.#at
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }
}
