import { createHash, randomBytes } from 'node:crypto'

/** Crockford's base 32 in lower case: no look-alikes, safe in topics, URLs and file names. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** 26 characters of 5 bits: 130 bits, above the promised 128. */
const ID_LENGTH = 26

export type IdPrefix =
  | 'brand'
  | 'key'
  | 'home'
  | 'per'
  | 'cons'
  | 'dev'
  | 'cred'
  | 'chg'
  | 'log'
  | 'al'
  | 'case'
  | 'of'
  | 'wo'
  | 'it'
  | 'ptn'
  | 'agr'
  | 'msg'
  | 'q'
  | 'imp'
  | 'out'
  | 'bt'
  | 'nt'
  | 'job'
  | 'tmr'
  | 'fr'
  | 'hold'
  | 'stop'
  | 'cmd'
  | 'ep'
  | 'ver'
  | 'prop'
  | 'sil' // prettier-ignore

function encode(bytes: Uint8Array): string {
  let out = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 5 && out.length < ID_LENGTH) {
      bits -= 5
      out += ALPHABET[(buffer >> bits) & 31]
    }
  }
  return out
}

/** An unguessable id, `dev_…`, of 130 random bits. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${encode(randomBytes(17))}`
}

/**
 * An id that the same parts always give, for things a replay must name alike. The parts are
 * length-framed before hashing, so that ("a", "bc") and ("ab", "c") differ.
 */
export function derivedId(prefix: IdPrefix, ...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    const text = String(part)
    hash.update(`${text.length}:${text};`)
  }
  return `${prefix}_${encode(hash.digest())}`
}

/** A bearer secret of 256 bits, URL-safe, shown once and stored only as `tokenHash`. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}
