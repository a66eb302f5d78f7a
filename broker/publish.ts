import type { PublishPacket } from 'aedes'
import { type Logger, toError } from '#platform'
import { answerAttributes, answerGatewayAttributes } from './attributes-request.ts'
import type { Audit } from './audit.ts'
import type { Commands } from './commands.ts'
import type { Connection } from './connection.ts'
import { answerDeviceRequest } from './device-request.ts'
import type { Gateways } from './gateways.ts'
import type { Credential } from './identity.ts'
import type { InFlight } from './in-flight.ts'
import type { BrokerLimits } from './limits.ts'
import type { BrokerOptions, InboundMessage } from './options.ts'
import type { Outbound } from './outbound.ts'
import { json, jsonObject, text } from './payload.ts'
import type { Provisioning } from './provisioning.ts'
import type { SessionStore } from './session-store.ts'
import type { Counters, CutReason } from './stats.ts'
import { publishRoute, type Route, type RouteName } from './topics.ts'

export interface PublishContext {
  options: BrokerOptions
  limits: Pick<BrokerLimits, 'packetsPerQuestion'>
  store: SessionStore
  outbound: Outbound
  gateways: Gateways
  commands: Commands
  provisioning: Provisioning
  audit: Audit
  counters: Counters
  inFlight: InFlight
  logger: Logger
}

/**
 * A publish, before aedes acknowledges it: aedes writes PUBACK as soon as `acknowledge` is
 * called, so everything that PUBACK promises has to happen here. When it cannot be kept the
 * connection is closed without an acknowledgement, and the device still has its message.
 */
export function handlePublish(
  context: PublishContext,
  connection: Connection,
  packet: PublishPacket,
  acknowledge: () => void,
): void {
  const route = ownRoute(context, connection, packet)
  if (!route) return
  // Nothing of ours is retained; a flag on telemetry asks for nothing that could be given.
  packet.retain = false
  context.counters.countReceived(route.name)
  if (COSTLY.has(route.name)) connection.gate.charge(context.limits.packetsPerQuestion)
  const known = packet.qos === 2 && context.store.knows(connection.sessionKey, packet)
  const work = known ? Promise.resolve() : carry(context, connection, route, packet)
  const load = { packets: 1, bytes: packet.payload.length, stored: STORED.has(packet.topic) }
  inOrder(context, connection, work, load, acknowledge)
}

/**
 * A last will. aedes calls with a packet that never was one: no command, no packet id, and
 * the connection is gone, so nobody waits for an answer.
 */
export function handleWill(
  context: PublishContext,
  connection: Connection,
  will: PublishPacket,
  done: () => void,
): void {
  const identity = connection.identity
  const route = connection.silenced || !identity ? null : publishRoute(identity.kind, will.topic)
  if (!route) {
    done()
    return
  }
  context.counters.countReceived(route.name)
  context.inFlight.began()
  carry(context, connection, route, will)
    .catch((error: unknown) => {
      context.logger.error({ err: toError(error), deviceId: connection.device?.deviceId }, 'a will could not be stored')
    })
    .finally(() => {
      context.inFlight.ended()
      done()
    })
}

/** The access rule: own topics only. Anything else is written down, and the connection closed [MQTT-3.3.5-2]. */
function ownRoute({ audit }: PublishContext, connection: Connection, { topic }: PublishPacket): Route | null {
  const route = connection.identity && publishRoute(connection.identity.kind, topic)
  if (route) return route
  audit.note(connection, 'publish_refused', topic)
  connection.silenced = true
  connection.cut('foreign_topic')
  return null
}

/** What one piece of work holds until it is done. */
export interface Load {
  packets: number
  bytes: number
  /** It goes to disk, so that failing means "not stored". */
  stored: boolean
}

/** Acknowledges once the work is done and everything before it was acknowledged. */
export function inOrder(
  { inFlight, logger }: PublishContext,
  connection: Connection,
  work: Promise<unknown>,
  { packets, bytes, stored }: Load,
  acknowledge: () => void,
): void {
  const place = connection.ackOrder.enter()
  connection.gate.began(packets, bytes)
  inFlight.began()
  const ended = (): void => {
    inFlight.ended()
    connection.gate.ended(packets, bytes)
  }
  work.then(
    () => {
      connection.ackOrder.settle(place, () => {
        if (!connection.closed) acknowledge()
      })
      ended()
    },
    (error: unknown) => {
      ended()
      const reason: CutReason = stored ? 'not_stored' : 'handler_failed'
      logger.warn({ err: toError(error), deviceId: connection.device?.deviceId, reason }, 'a publish was not taken')
      connection.cut(reason)
    },
  )
}

/** Answered from the database, or kept there for long, row by row. Provisioning has a limit of its own. */
const COSTLY: ReadonlySet<RouteName> = new Set([
  'attributes',
  'gateway-attributes',
  'attributes-request',
  'gateway-attributes-request',
])

const STORED: ReadonlySet<string> = new Set([
  'v1/devices/me/telemetry',
  'v1/devices/me/attributes',
  'v1/gateway/telemetry',
  'v1/gateway/attributes',
])

/** What each route does. Resolves when the message may be acknowledged. */
const HANDLERS: Record<
  Exclude<RouteName, 'provision'>,
  (context: PublishContext, connection: Connection, device: Credential, packet: PublishPacket, id: string) => unknown
> = {
  telemetry: ({ options }, connection, device, packet) => options.onTelemetry([inbound(connection, device, packet)]),
  attributes: ({ options }, connection, device, packet) => options.onAttributes(inbound(connection, device, packet)),
  'attributes-request': (context, connection, device, packet, id) =>
    answerAttributes(context, connection, device, id, bytesOf(packet)),
  'command-response': ({ commands }, _connection, device, packet, id) =>
    commands.answered(device.deviceId, id, json(bytesOf(packet)) ?? null),
  'device-request': (context, connection, _device, _packet, id) => answerDeviceRequest(context, connection, id),
  'gateway-connect': ({ gateways }, connection, device, packet) => {
    const name = childName(packet)
    return name && gateways.announce(connection, device, name)
  },
  'gateway-disconnect': ({ gateways }, connection, _device, packet) => {
    const name = childName(packet)
    return name && gateways.withdraw(connection, name)
  },
  'gateway-telemetry': ({ options }, connection, device, packet) =>
    options.onGatewayTelemetry(inbound(connection, device, packet)),
  'gateway-attributes': ({ options }, connection, device, packet) =>
    options.onGatewayAttributes(inbound(connection, device, packet)),
  'gateway-attributes-request': (context, connection, device, packet) =>
    answerGatewayAttributes(context, connection, device, bytesOf(packet)),
  'gateway-command-response': async ({ gateways, commands }, _connection, device, packet) => {
    const body = jsonObject(bytesOf(packet))
    const name = body && text(body, 'device')
    const deviceId = name && (await gateways.resolve(device, name))
    if (deviceId && Number.isSafeInteger(body.id)) commands.answered(deviceId, String(body.id), body.data ?? null)
  },
}

async function carry(
  context: PublishContext,
  connection: Connection,
  route: Route,
  packet: PublishPacket,
): Promise<unknown> {
  if (route.name === 'provision') return context.provisioning.request(connection, bytesOf(packet))
  return HANDLERS[route.name](context, connection, connection.device!, packet, route.id ?? '')
}

function inbound(
  connection: Connection,
  { brandId, deviceId, credentialId }: Credential,
  packet: PublishPacket,
): InboundMessage {
  // A will has no command: aedes builds it from CONNECT.
  const will = packet.cmd === undefined
  const numbered = !will && packet.qos > 0 && packet.messageId !== undefined
  return {
    brandId,
    deviceId,
    credentialId,
    topic: packet.topic,
    payload: bytesOf(packet),
    delivery: numbered ? { session: connection.deliverySession, packetId: packet.messageId!, dup: packet.dup } : null,
    will,
  }
}

function bytesOf(packet: PublishPacket): Buffer {
  return typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
}

function childName(packet: PublishPacket): string | null {
  const body = jsonObject(bytesOf(packet))
  return body && text(body, 'device')
}
