import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { DeliveryMark } from '#contracts'

/** One delivery of a QoS 1 or 2 packet, as the broker tells it. */
export interface Delivery {
  /** Names the MQTT session; stable over reconnects. */
  session: string
  packetId: number
  dup: boolean
}

/** 96 bits: no two sessions of a fleet meet. */
const HASH_LENGTH = 16
/** Sessions of a hundred thousand devices, some ten megabytes; then all are forgotten and hashed again. */
const SESSIONS_MAX = 100_000

/** Makes the marks by which a repeated packet is known; a session is hashed once. */
export function createDeliveryMarks(): (delivery: Delivery, payload: Uint8Array) => DeliveryMark {
  const hashes = new Map<string, string>()
  const hashOf = (session: string): string => {
    const known = hashes.get(session)
    if (known !== undefined) return known
    if (hashes.size >= SESSIONS_MAX) hashes.clear()
    const hash = createHash('sha256').update(session).digest('base64url').slice(0, HASH_LENGTH)
    hashes.set(session, hash)
    return hash
  }
  return ({ session, packetId, dup }, payload) => ({
    session: hashOf(session),
    packetId,
    dup,
    payloadHash: crc32(payload),
  })
}
