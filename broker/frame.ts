/**
 * MQTT frames as bytes: enough to know where one ends and whether it may be shown to the
 * parser, which trusts more than the standard does (packet id 0, bodies of the wrong length).
 */
export const CONNECT = 1
export const PUBLISH = 3
export const PUBACK = 4
export const PUBREC = 5
export const PUBREL = 6
const PUBCOMP = 7
export const SUBSCRIBE = 8
export const UNSUBSCRIBE = 10
export const PINGREQ = 12
export const DISCONNECT = 14

/** More bytes are needed to know. */
export const INCOMPLETE = -1
/** The remaining length has a fifth byte [MQTT-2.2.3]. */
export const MALFORMED = -2

/** Bytes of the remaining length at most. */
const LENGTH_BYTES_MAX = 4

/** Length of the whole frame that starts at `at`, header included; or `INCOMPLETE`, `MALFORMED`. */
export function frameLength(bytes: Uint8Array, at: number): number {
  let remaining = 0
  for (let i = 1; i <= LENGTH_BYTES_MAX; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return INCOMPLETE
    remaining += (byte & 0x7f) * 128 ** (i - 1)
    if (byte < 0x80) return 1 + i + remaining
  }
  return MALFORMED
}

/** A whole, well-formed PUBLISH of QoS 0 or 1 to exactly this topic (ASCII). */
export function isPublishTo(topic: Uint8Array, bytes: Uint8Array, start: number): boolean {
  // The low half of the first byte: DUP, QoS (two bits), RETAIN. QoS 2 has bit 2 set.
  if (bytes[start]! >> 4 !== PUBLISH || (bytes[start]! & 0x04) !== 0) return false
  const body = bodyStart(bytes, start)
  if (packetId(bytes, body) !== topic.length) return false
  for (let i = 0; i < topic.length; i++) if (bytes[body + 2 + i] !== topic[i]) return false
  return true
}

/** Why a complete frame from a client breaks the protocol; `null` when its shape is right. */
export function frameProblem(bytes: Uint8Array, start: number, end: number): string | null {
  const type = bytes[start]! >> 4
  const flags = bytes[start]! & 0x0f
  const body = bodyStart(bytes, start)
  const length = end - body
  switch (type) {
    case CONNECT:
      return flags === 0 ? null : 'reserved flags of CONNECT are set [MQTT-2.2.2-2]'
    case PUBLISH:
      return publishProblem(bytes, body, end, flags)
    case PUBACK:
    case PUBREC:
    case PUBCOMP:
    case PUBREL:
      if (flags !== (type === PUBREL ? 2 : 0)) return 'reserved flags of an acknowledgement are wrong [MQTT-2.2.2-2]'
      if (length !== 2) return 'an acknowledgement has a body other than its packet id'
      return packetId(bytes, body) === 0 ? 'packet id 0 [MQTT-2.3.1-1]' : null
    case SUBSCRIBE:
    case UNSUBSCRIBE: {
      if (flags !== 2) return 'reserved flags of SUBSCRIBE or UNSUBSCRIBE are wrong [MQTT-3.8.1-1]'
      // A packet id, then at least one filter of one byte with its length (and QoS).
      if (length < (type === SUBSCRIBE ? 6 : 5)) return 'SUBSCRIBE or UNSUBSCRIBE names no topic [MQTT-3.8.3-3]'
      return packetId(bytes, body) === 0 ? 'packet id 0 [MQTT-2.3.1-1]' : null
    }
    case PINGREQ:
    case DISCONNECT:
      if (flags !== 0) return 'reserved flags of PINGREQ or DISCONNECT are set [MQTT-3.14.1-1]'
      return length === 0 ? null : 'PINGREQ or DISCONNECT has a body'
    default:
      return `packet type ${type} does not come from a client`
  }
}

function publishProblem(bytes: Uint8Array, body: number, end: number, flags: number): string | null {
  const qos = (flags >> 1) & 3
  if (qos === 3) return 'QoS 3 [MQTT-3.3.1-4]'
  if (qos === 0 && flags & 8) return 'DUP with QoS 0 [MQTT-3.3.1-2]'
  if (end - body < 2) return 'PUBLISH without a topic'
  const topicEnd = body + 2 + packetId(bytes, body)
  const head = topicEnd + (qos > 0 ? 2 : 0)
  if (head > end) return 'PUBLISH is shorter than its topic says'
  if (topicEnd === body + 2) return 'PUBLISH with an empty topic [MQTT-4.7.3-1]'
  return qos > 0 && packetId(bytes, topicEnd) === 0 ? 'packet id 0 [MQTT-2.3.1-1]' : null
}

/** Two bytes, high first, as ids and string lengths are written. */
export function packetId(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** Where the body of the frame begins. */
export function bodyStart(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (bytes[at]! >= 0x80) at++
  return at + 1
}
