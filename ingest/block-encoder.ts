import type { ControlEntry, LogEntry, QuarantinedEntry, ReadingsEntry, ReadingValue } from '#contracts'
import {
  COLUMN_BOOLEAN,
  COLUMN_NUMBER,
  COLUMN_STRING,
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
  KIND_QUARANTINED,
  KIND_READINGS,
  KIND_TICK,
  NEAR_MS_MAX,
} from './block-format.ts'

interface Shape {
  index: number
  keys: readonly string[]
  types: readonly number[]
}

interface DeviceSlot {
  index: number
  brandId: string
  /** What this device sent last in this block: usually what it sends next. */
  shape: Shape | null
}

const NO_SHAPE: Shape = { index: -1, keys: [], types: [] }
const BYTES_INITIAL = 4_096
/** Room for the fixed part of any entry: tag, times, counts, delivery. */
const ENTRY_FIXED_BYTES = 64
const COUNT_BYTES_MAX = 5

/** Writes entries into one block as they come; `finish` hands over the bytes. */
export class BlockEncoder {
  #bytes: Buffer<ArrayBuffer>
  #view: DataView
  #at = 0
  #entries = 0
  #lastReceivedAtMs = Number.NaN
  readonly #devices = new Map<string, DeviceSlot>()
  #deviceCount = 0
  readonly #words = new Map<string, number>()
  readonly #shapes = new Map<string, Shape>()
  #shape: Shape = NO_SHAPE

  constructor(bytesExpected = BYTES_INITIAL) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(BYTES_INITIAL, bytesExpected))
    this.#view = new DataView(this.#bytes.buffer)
  }

  get bytes(): number {
    return this.#at
  }

  get entries(): number {
    return this.#entries
  }

  /** The block so far; the encoder is spent. The buffer is its own and may be transferred. */
  finish(): Buffer<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at)
  }

  add(entry: LogEntry, receivedAtMs: number): void {
    this.#reserve(ENTRY_FIXED_BYTES)
    this.#entries++
    if (entry.kind === 'readings') this.#readings(entry, receivedAtMs)
    else if (entry.kind === 'quarantined') this.#quarantined(entry, receivedAtMs)
    else if (entry.kind === 'control') this.#control(entry, receivedAtMs)
    else this.#tag(KIND_TICK, receivedAtMs)
  }

  #readings(entry: ReadingsEntry, receivedAtMs: number): void {
    const distanceMs = entry.measuredAtMs - receivedAtMs
    const near = distanceMs >= -NEAR_MS_MAX && distanceMs <= NEAR_MS_MAX && Number.isInteger(distanceMs)
    let tag = KIND_READINGS
    if (entry.serverTime) tag |= FLAG_SERVER_TIME
    if (entry.imported) tag |= FLAG_IMPORTED
    if (entry.delivery !== null) tag |= FLAG_DELIVERY
    if (distanceMs !== 0) tag |= near ? FLAG_MEASURED_NEAR : FLAG_MEASURED_FAR
    this.#tag(tag, receivedAtMs)
    if (tag & FLAG_MEASURED_NEAR) {
      this.#view.setInt32(this.#at, distanceMs)
      this.#at += 4
    } else if (tag & FLAG_MEASURED_FAR) {
      this.#float(entry.measuredAtMs)
    }
    const device = this.#device(entry.brandId, entry.deviceId)
    if (entry.delivery !== null) {
      this.#reserve(ENTRY_FIXED_BYTES)
      this.#word(entry.delivery.session)
      this.#reserve(ENTRY_FIXED_BYTES)
      this.#view.setUint16(this.#at, entry.delivery.packetId)
      this.#bytes[this.#at + 2] = entry.delivery.dup ? 1 : 0
      this.#view.setUint32(this.#at + 3, entry.delivery.payloadHash)
      this.#at += 7
    }
    this.#values(entry.values, device)
  }

  #values(values: Readonly<Record<string, ReadingValue>>, device: DeviceSlot): void {
    let shape = device.shape ?? this.#shape
    this.#reserve(COUNT_BYTES_MAX)
    if (fits(shape, values)) this.#count(shape.index)
    else shape = this.#newShape(values)
    device.shape = shape
    this.#shape = shape
    const { keys, types } = shape
    this.#reserve(keys.length * 8)
    for (let column = 0; column < keys.length; column++) {
      const value = values[keys[column]!]!
      const type = types[column]!
      if (type === COLUMN_NUMBER) {
        this.#view.setFloat64(this.#at, value as number)
        this.#at += 8
      } else if (type === COLUMN_BOOLEAN) {
        this.#bytes[this.#at++] = value ? 1 : 0
      } else {
        this.#word(value as string)
        this.#reserve((keys.length - column) * 8)
      }
    }
  }

  /** Names the set of metrics, defining it when this block has not had it. */
  #newShape(values: Readonly<Record<string, ReadingValue>>): Shape {
    const keys: string[] = []
    const types: number[] = []
    let signature = ''
    for (const key in values) {
      const type = columnType(values[key]!)
      keys.push(key)
      types.push(type)
      signature += `${key.length}:${key}${type}`
    }
    const known = this.#shapes.get(signature)
    this.#reserve(COUNT_BYTES_MAX * 2)
    if (known !== undefined) {
      this.#count(known.index)
      return known
    }
    const shape = { index: this.#shapes.size, keys, types }
    this.#shapes.set(signature, shape)
    this.#count(shape.index)
    this.#count(keys.length)
    for (let column = 0; column < keys.length; column++) {
      this.#word(keys[column]!)
      this.#reserve(1)
      this.#bytes[this.#at++] = types[column]!
    }
    return shape
  }

  #quarantined(entry: QuarantinedEntry, receivedAtMs: number): void {
    const problems = entry.problems === undefined ? 0 : FLAG_PROBLEMS
    this.#tag(KIND_QUARANTINED | (entry.truncated ? FLAG_TRUNCATED : 0) | problems, receivedAtMs)
    this.#device(entry.brandId, entry.deviceId)
    this.#word(entry.code)
    this.#text(entry.pointer)
    this.#text(entry.detail)
    this.#word(entry.via)
    this.#blob(entry.payload)
    if (problems) this.#blob(Buffer.from(JSON.stringify(entry.problems)))
  }

  #control(entry: ControlEntry, receivedAtMs: number): void {
    const change = Buffer.from(JSON.stringify(entry.change))
    this.#tag(KIND_CONTROL | (entry.brandId === null ? 0 : FLAG_OF_BRAND), receivedAtMs)
    this.#text(entry.changeId)
    if (entry.brandId !== null) this.#word(entry.brandId)
    this.#blob(change)
  }

  #device(brandId: string, deviceId: string): DeviceSlot {
    const known = this.#devices.get(deviceId)
    if (known !== undefined && known.brandId === brandId) {
      this.#count(known.index)
      return known
    }
    const device: DeviceSlot = { index: this.#deviceCount++, brandId, shape: null }
    this.#devices.set(deviceId, device)
    this.#count(device.index)
    this.#word(brandId)
    this.#text(deviceId)
    return device
  }

  #tag(tag: number, receivedAtMs: number): void {
    if (receivedAtMs === this.#lastReceivedAtMs) {
      this.#bytes[this.#at++] = tag
      return
    }
    this.#lastReceivedAtMs = receivedAtMs
    this.#bytes[this.#at++] = tag | FLAG_RECEIVED_AT
    this.#float(receivedAtMs)
  }

  #float(value: number): void {
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
  }

  #count(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#at++] = rest
  }

  #word(text: string): void {
    this.#reserve(COUNT_BYTES_MAX)
    const index = this.#words.get(text)
    if (index !== undefined) {
      this.#count(index)
      return
    }
    this.#count(this.#words.size)
    this.#words.set(text, this.#words.size)
    this.#text(text)
  }

  /** Latin-1 where it fits, else UTF-16: exact for every JavaScript string, lone surrogates too. */
  #text(text: string): void {
    const length = text.length
    this.#reserve(COUNT_BYTES_MAX + length * 2)
    const start = this.#at
    this.#count(length * 2)
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0xff) {
        this.#at = start
        this.#count(length * 4 + 1)
        this.#at += this.#bytes.write(text, this.#at, 'utf16le')
        return
      }
      this.#bytes[this.#at++] = unit
    }
  }

  #blob(bytes: Uint8Array): void {
    this.#reserve(COUNT_BYTES_MAX + bytes.length + ENTRY_FIXED_BYTES)
    this.#count(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

function fits(shape: Shape, values: Readonly<Record<string, ReadingValue>>): boolean {
  let column = 0
  for (const key in values) {
    if (shape.keys[column] !== key || shape.types[column] !== columnType(values[key]!)) return false
    column++
  }
  return shape.index >= 0 && column === shape.keys.length
}

function columnType(value: ReadingValue): number {
  return typeof value === 'number' ? COLUMN_NUMBER : typeof value === 'boolean' ? COLUMN_BOOLEAN : COLUMN_STRING
}
