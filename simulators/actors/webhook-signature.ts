import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Standard Webhooks as a partner's engineer would write it from the specification: signs
 * `id.timestamp.body` with HMAC-SHA256 and accepts any of several signatures, so that the
 * sender can rotate its secret. Written apart from the hub's own, so that the two check
 * each other.
 */

const PREFIX = 'whsec_'
/** How far a timestamp may lie from real time. */
const TOLERANCE_S = 300

export interface SignatureHeaders {
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, 'base64')
}

function digest(secret: string, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest()
}

/** Headers for a body sent now; `nowMs` is real time, not hub time. */
export function signWebhook(
  secret: string,
  { id, body, nowMs }: { id: string; body: string; nowMs: number },
): SignatureHeaders {
  const timestamp = String(Math.floor(nowMs / 1_000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${digest(secret, id, timestamp, body).toString('base64')}`,
  }
}

export type Verified = { ok: true; id: string } | { ok: false; reason: string }

/** Checks raw bytes before anybody parses them. */
export function verifyWebhook(
  secret: string,
  headers: Record<string, string | string[] | undefined>,
  body: Uint8Array,
  nowMs: number,
): Verified {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  )
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
    return { ok: false, reason: 'a webhook header is missing' }
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'the timestamp is not a number' }
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > TOLERANCE_S)
    return { ok: false, reason: 'the timestamp is more than five minutes away' }
  const expected = digest(secret, id, timestamp, body)
  for (const signature of signatures.split(' ')) {
    const [version, value] = signature.split(',')
    if (version !== 'v1' || value === undefined) continue
    const given = Buffer.from(value, 'base64')
    if (given.length === expected.length && timingSafeEqual(given, expected)) return { ok: true, id }
  }
  return { ok: false, reason: 'no signature matches' }
}
