import type { ReadingsEntry, ReadingValue } from '#contracts'

/**
 * What the filter says of a reading, for one device:
 * - `new`: not seen before;
 * - `duplicate`: the same values at the same time, or the same delivery again: ignore and count;
 * - `same-time`: another reading has that time already. It may add other metrics or contradict;
 *   whoever keeps values compares metric by metric, and the first wins.
 */
export type DuplicateVerdict = 'new' | 'duplicate' | 'same-time'

export type FilteredReading = Pick<ReadingsEntry, 'measuredAtMs' | 'serverTime' | 'values' | 'delivery'>

/** A device sends again what was not acknowledged: a handful of packets. One hour at a reading a minute is ample. */
const READINGS_KEPT = 64
/** Forgetting in steps keeps the common case at one push. */
const READINGS_MAX = 96
/** Packets of one session under way at once; beyond this a client waits for acknowledgements. */
const MARKS_KEPT = 256
const MARKS_MAX = 320

/**
 * Recognises readings a device sent twice; one filter per device, the same in the recorder
 * and in the rules, so that both count alike. Pure: the answer depends only on the readings
 * shown before. Bounded: about 1.5 KB, and 2.5 KB more for devices without a clock.
 *
 * A device's own time names its reading. Without one (`serverTime`) the hub dates a repeated
 * packet anew, so that only MQTT's DUP flag with packet id and payload shows the repetition;
 * the same payload under the same id without the flag is a new reading that looks alike.
 */
export class DuplicateFilter {
  /** Time and hash alternating, sorted by time. */
  readonly #readings: number[]
  readonly #marks: number[]

  constructor(saved?: SavedDuplicateFilter) {
    this.#readings = saved ? [...saved.readings] : []
    this.#marks = saved ? [...saved.marks] : []
  }

  /** Judges a reading and, unless it is a duplicate, remembers it. */
  check(reading: FilteredReading): DuplicateVerdict {
    if (reading.serverTime) return this.#checkDelivery(reading)
    return this.checkHashed(reading.measuredAtMs, hashValues(reading.values))
  }

  /** The same for a reading with a time of its own, of which only the hash of its values is at hand. */
  checkHashed(measuredAtMs: number, hash: number): DuplicateVerdict {
    const readings = this.#readings
    const newest = readings.length - 2
    if (newest < 0 || measuredAtMs > readings[newest]!) {
      readings.push(measuredAtMs, hash)
      if (readings.length >= READINGS_MAX * 2) readings.splice(0, (READINGS_MAX - READINGS_KEPT) * 2)
      return 'new'
    }
    let at = newest
    let verdict: DuplicateVerdict = 'new'
    for (; at >= 0 && readings[at]! >= measuredAtMs; at -= 2) {
      if (readings[at] !== measuredAtMs) continue
      if (readings[at + 1] === hash) return 'duplicate'
      verdict = 'same-time'
    }
    readings.splice(at + 2, 0, measuredAtMs, hash)
    if (readings.length >= READINGS_MAX * 2) readings.splice(0, (READINGS_MAX - READINGS_KEPT) * 2)
    return verdict
  }

  save(): SavedDuplicateFilter {
    return { readings: this.#readings, marks: this.#marks }
  }

  #checkDelivery({ delivery, values }: FilteredReading): DuplicateVerdict {
    if (delivery === null) return 'new'
    // With the values, since one packet may carry several readings.
    const content = mix(delivery.payloadHash, hashValues(values))
    const mark = hashMark(delivery.session, delivery.packetId, content)
    if (delivery.dup && this.#marks.includes(mark)) return 'duplicate'
    this.#marks.push(mark)
    if (this.#marks.length >= MARKS_MAX) this.#marks.splice(0, MARKS_MAX - MARKS_KEPT)
    return 'new'
  }
}

/** An empty filter, or one that goes on from what another remembered. */
export function createDuplicateFilter(saved?: SavedDuplicateFilter): DuplicateFilter {
  return new DuplicateFilter(saved)
}

/** What a filter remembers, as plain numbers for a checkpoint. */
export interface SavedDuplicateFilter {
  readings: readonly number[]
  marks: readonly number[]
}

const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)

function mix(hash: number, word: number): number {
  let next = Math.imul(hash ^ word, 0x85ebca6b)
  next ^= next >>> 13
  next = Math.imul(next, 0xc2b2ae35)
  return (next ^ (next >>> 16)) >>> 0
}

function hashText(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return mix(hash, text.length)
}

/** Metric names come from product documents: few and always the same. */
const keyHashes = new Map<string, number>()
const KEY_HASHES_MAX = 10_000

/** 32 bits of a metric's name, kept because the same few names come with every reading. */
export function hashKey(key: string): number {
  const known = keyHashes.get(key)
  if (known !== undefined) return known
  if (keyHashes.size >= KEY_HASHES_MAX) keyHashes.clear()
  const hash = hashText(key, 0x811c9dc5)
  keyHashes.set(key, hash)
  return hash
}

/** 32 bits of all names and values; the order of the members does not matter. */
function hashValues(values: FilteredReading['values']): number {
  let sum = 0
  for (const key in values) sum += hashValue(hashKey(key), values[key]!)
  return sum >>> 0
}

/**
 * The hash of a reading whose values lie in columns, `NaN` or `null` where it has none.
 *
 * @param names hashes of the metrics' names, from `hashKey`
 */
export function hashRow(
  names: readonly number[],
  columns: readonly ArrayLike<ReadingValue | null>[],
  at: number,
): number {
  let sum = 0
  for (let m = 0; m < names.length; m++) {
    const value = columns[m]![at]
    if (!isMissing(value)) sum += hashValue(names[m]!, value)
  }
  return sum >>> 0
}

/** A column has `NaN`, or `null` among words, where a reading has no such metric. */
export function isMissing(value: ReadingValue | null | undefined): value is null | undefined {
  // biome-ignore lint/suspicious/noSelfCompare: the cheapest test for NaN there is, a million times a second.
  return value === null || value === undefined || value !== value
}

function hashValue(seed: number, value: ReadingValue): number {
  if (typeof value === 'number') {
    float[0] = value === 0 ? 0 : value // −0 and 0 are one value
    return mix(mix(seed, words[0]!), words[1]!)
  }
  if (typeof value === 'boolean') return mix(seed, value ? 1 : 2)
  return hashText(value, seed)
}

/** 52 bits, so that a number holds them exactly. */
function hashMark(session: string, packetId: number, content: number): number {
  const high = mix(mix(hashText(session, 0x9747b28c), packetId), content) & 0xfffff
  const low = mix(mix(hashText(session, 0x811c9dc5), content), packetId)
  return high * 0x100000000 + low
}
