import { createHmac, randomBytes } from 'node:crypto'
import { equalInConstantTime, HubError } from '#platform'

/** Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, several signatures while secrets rotate. */

const SECRET_PREFIX = 'whsec_'
/** The scheme allows 24 to 64 bytes. */
const SECRET_BYTES = 32
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
/** Older or newer than this and a signature may be a replay; wide enough for a clock that drifts. */
export const SIGNATURE_TOLERANCE_MS = 5 * 60_000
/** More than two secrets are never valid at once; beyond a few more, a header is not an honest one. */
const SIGNATURES_MAX = 8
const WEBHOOK_ID_LENGTH_MAX = 128

export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, 'base64')
  if (key.length < SECRET_BYTES_MIN || key.length > SECRET_BYTES_MAX) {
    throw new HubError('VALIDATION_FAILED', `A webhook secret has 24 to 64 bytes; this one has ${key.length}.`)
  }
  return key
}

function mac(secret: string, id: string, timestamp: number, body: string | Uint8Array): string {
  return createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64')
}

/** The three headers of a signed message; `secrets` newest first. */
export function signatureHeaders(message: {
  id: string
  atMs: number
  body: string | Uint8Array
  secrets: readonly string[]
}): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = Math.floor(message.atMs / 1_000)
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': message.secrets
      .map((secret) => `v1,${mac(secret, message.id, timestamp, message.body)}`)
      .join(' '),
  }
}

export interface SignedMessage {
  id: string | undefined
  timestamp: string | undefined
  signature: string | undefined
  body: Uint8Array
}

export type SignatureCheck = { valid: true; id: string } | { valid: false; reason: string }

/** Over the raw bytes, before anything of the body is looked at. */
export function checkSignature(message: SignedMessage, secrets: readonly string[], nowMs: number): SignatureCheck {
  const { id, timestamp, signature } = message
  if (!id || !timestamp || !signature) {
    return { valid: false, reason: 'webhook-id, webhook-timestamp and webhook-signature are all needed' }
  }
  if (id.length > WEBHOOK_ID_LENGTH_MAX) return { valid: false, reason: 'webhook-id is too long' }
  if (!/^\d{1,12}$/.test(timestamp)) return { valid: false, reason: 'webhook-timestamp is not in whole seconds' }
  const ageMs = nowMs - Number(timestamp) * 1_000
  if (Math.abs(ageMs) > SIGNATURE_TOLERANCE_MS) {
    return { valid: false, reason: `webhook-timestamp is ${Math.round(ageMs / 1_000)} s away; 300 s are allowed` }
  }
  const given = signature.split(' ', SIGNATURES_MAX).filter((part) => part.startsWith('v1,'))
  const expected = secrets.map((secret) => `v1,${mac(secret, id, Number(timestamp), message.body)}`)
  // Every pair is compared, so that the time taken tells nothing about which one matched.
  let matches = 0
  for (const one of expected) for (const other of given) if (equalInConstantTime(one, other)) matches++
  return matches > 0 ? { valid: true, id } : { valid: false, reason: 'no v1 signature matches' }
}
