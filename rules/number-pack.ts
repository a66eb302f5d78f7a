/**
 * Numbers as compact text, exactly. State is mostly small integers, times near each other and
 * "none", so a tag byte and a short tail serve most of them; everything else keeps its 64 bits.
 *
 * Tags: 0–199 the integer itself · NaN · ±Infinity · a variable-length integer · one counted
 * from the pack's base time · a full double.
 */
const SMALL_MAX = 199
const NOT_A_NUMBER = 200
const PLUS_INFINITY = 201
const MINUS_INFINITY = 202
const INTEGER = 203
const NEAR_BASE = 204
const DOUBLE = 205

/** Zigzag in doubles stays exact below this; times within 500 years of the base are far below. */
const NEAR_MAX = 2 ** 44
const INTEGER_MAX = 2 ** 31
/** A tag and eight bytes are the most one number takes. */
const BYTES_PER_NUMBER_MAX = 9

let bytes = Buffer.alloc(4096)

export function packNumbers(numbers: readonly number[], base: number): string {
  const needed = (numbers.length + 1) * BYTES_PER_NUMBER_MAX
  if (bytes.length < needed) bytes = Buffer.alloc(needed * 2)
  let at = bytes.writeDoubleLE(base, 0)
  for (const number of numbers) {
    if (Number.isNaN(number)) bytes[at++] = NOT_A_NUMBER
    else if (number === Number.NEGATIVE_INFINITY) bytes[at++] = MINUS_INFINITY
    else if (number === Number.POSITIVE_INFINITY) bytes[at++] = PLUS_INFINITY
    else if (!Number.isInteger(number) || Object.is(number, -0)) at = writeDouble(number, at)
    else if (number >= 0 && number <= SMALL_MAX) bytes[at++] = number
    else if (Math.abs(number - base) < NEAR_MAX) at = writeInteger(NEAR_BASE, number - base, at)
    else if (Math.abs(number) < INTEGER_MAX) at = writeInteger(INTEGER, number, at)
    else at = writeDouble(number, at)
  }
  return bytes.toString('base64', 0, at)
}

export function unpackNumbers(text: string): number[] {
  const packed = Buffer.from(text, 'base64')
  const base = packed.readDoubleLE(0)
  const numbers: number[] = []
  let at = 8
  while (at < packed.length) {
    const tag = packed[at++]!
    if (tag <= SMALL_MAX) numbers.push(tag)
    else if (tag === NOT_A_NUMBER) numbers.push(Number.NaN)
    else if (tag === PLUS_INFINITY) numbers.push(Number.POSITIVE_INFINITY)
    else if (tag === MINUS_INFINITY) numbers.push(Number.NEGATIVE_INFINITY)
    else if (tag === DOUBLE) {
      numbers.push(packed.readDoubleLE(at))
      at += 8
    } else {
      let zigzag = 0
      let place = 1
      for (;;) {
        const byte = packed[at++]!
        zigzag += (byte & 127) * place
        if (byte < 128) break
        place *= 128
      }
      const whole = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
      numbers.push(tag === NEAR_BASE ? base + whole : whole)
    }
  }
  return numbers
}

function writeDouble(number: number, at: number): number {
  bytes[at] = DOUBLE
  return bytes.writeDoubleLE(number, at + 1)
}

/** Signs folded in, then seven bits a byte, lowest first. */
function writeInteger(tag: number, whole: number, start: number): number {
  let at = start
  bytes[at++] = tag
  let left = whole >= 0 ? whole * 2 : -whole * 2 - 1
  while (left >= 128) {
    bytes[at++] = (left % 128) | 128
    left = Math.floor(left / 128)
  }
  bytes[at++] = left
  return at
}
