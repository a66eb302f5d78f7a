import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { HubError } from './errors.ts'

/** SHA-256 of a high-entropy token: enough to look it up, useless to whoever steals the table. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** 64 hexadecimal digits; a text is taken as UTF-8. */
export function sha256Hex(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Whether two secrets are the same, in a time that tells only their lengths. */
export function equalInConstantTime(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Secrets at rest (partner secrets, personal data) under AES-256-GCM. `context` binds a
 * ciphertext to its place (table, row), so that a row copied elsewhere does not open.
 */
export class SecretBox {
  readonly #key: Buffer

  /** @param key 32 bytes, from a file or the environment. */
  constructor(key: Uint8Array) {
    if (key.length !== 32) throw new HubError('CONFIG_INVALID', `The secret key has ${key.length} bytes; it needs 32.`)
    this.#key = Buffer.from(key)
  }

  seal(plain: string, context: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context))
    return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  }

  open(sealed: Uint8Array, context: string): string {
    const bytes = Buffer.from(sealed)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(-TAG_BYTES))
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
  }

  /** The same text gives the same value, which says nothing of it without the key: for finding what is sealed. */
  keyedHash(text: string, context: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify(['hash', context, text]))
      .digest('base64url')
  }

  /**
   * A bearer token that can be made again from the same parts: links in messages are not
   * stored, only their hashes. Raise the generation to make the old link dead.
   */
  derivedToken(...parts: readonly (string | number)[]): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify(['token', ...parts]))
      .digest('base64url')
  }
}
