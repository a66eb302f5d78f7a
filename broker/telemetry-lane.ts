import type { Connection } from './connection.ts'
import { bodyStart, frameLength, isPublishTo, PUBACK, packetId } from './frame.ts'
import type { FrameClass } from './frame-guard.ts'
import type { Credential } from './identity.ts'
import type { InboundMessage } from './options.ts'
import { inOrder, type PublishContext } from './publish.ts'

const TOPIC = 'v1/devices/me/telemetry'
const TOPIC_BYTES = Buffer.from(TOPIC, 'latin1')
const PUBACK_BYTES = 4

/** QoS 2 has a handshake and stays with aedes. */
export const isTelemetry: FrameClass = (bytes, start) => isPublishTo(TOPIC_BYTES, bytes, start)

/**
 * Telemetry of QoS 0 and 1 on its way past aedes: nearly everything that a fleet sends is this
 * one packet, and all that it needs is known. What one read brought goes to ingest as one unit
 * and is acknowledged in one write, so that a device catching up after an outage costs the hub
 * a promise and a system call per read instead of several per message.
 *
 * The frames are whole and well formed (`FrameGuard` saw to it) and the client is a device's.
 */
export function takeTelemetry(
  context: PublishContext,
  connection: Connection,
  device: Credential,
  bytes: Buffer,
  packets: number,
): void {
  const messages: InboundMessage[] = []
  const packetIds: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + frameLength(bytes, at)
    messages.push(readPublish(connection, device, bytes, at, end, packetIds))
    at = end
  }
  context.counters.countReceived('telemetry', packets)
  connection.client._keepaliveTimer?.refresh()
  const work = Promise.try(() => context.options.onTelemetry(messages))
  const load = { packets, bytes: bytes.length, stored: true }
  inOrder(context, connection, work, load, () => acknowledge(connection, packetIds))
}

function readPublish(
  connection: Connection,
  { brandId, deviceId, credentialId }: Credential,
  bytes: Buffer,
  start: number,
  end: number,
  packetIds: number[],
): InboundMessage {
  const topicEnd = bodyStart(bytes, start) + 2 + TOPIC.length
  const numbered = (bytes[start]! & 0x02) !== 0
  let delivery: InboundMessage['delivery'] = null
  if (numbered) {
    const id = packetId(bytes, topicEnd)
    packetIds.push(id)
    delivery = { session: connection.deliverySession, packetId: id, dup: (bytes[start]! & 0x08) !== 0 }
  }
  const payload = bytes.subarray(numbered ? topicEnd + 2 : topicEnd, end)
  return { brandId, deviceId, credentialId, topic: TOPIC, payload, delivery, will: false }
}

function acknowledge({ stream, gate, client }: Connection, packetIds: readonly number[]): void {
  if (packetIds.length === 0 || stream.destroyed || stream.writableEnded) return
  const acks = Buffer.allocUnsafe(packetIds.length * PUBACK_BYTES)
  for (let i = 0; i < packetIds.length; i++) {
    acks.writeUInt16BE((PUBACK << 12) | 2, i * PUBACK_BYTES)
    acks.writeUInt16BE(packetIds[i]!, i * PUBACK_BYTES + 2)
  }
  if (stream.write(acks)) return
  gate.hold()
  client.waitForDrain((error) => {
    if (!error) gate.release()
  })
}
