import type { Duplex } from 'node:stream'
import type { AedesPublishPacket, Client, PublishPacket } from 'aedes'
import { type Clock, type Logger, toError } from '#platform'
import type { AedesClient } from './aedes-client.ts'
import type { Arrivals } from './arrivals.ts'
import type { Audit } from './audit.ts'
import type { Commands } from './commands.ts'
import { admit } from './connect.ts'
import { CONNACK, type FirstFrame } from './connect-frame.ts'
import { Connection, type Origin } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Gateways } from './gateways.ts'
import type { InFlight } from './in-flight.ts'
import type { BrokerLimits } from './limits.ts'
import type { BrokerOptions } from './options.ts'
import type { Outbound } from './outbound.ts'
import type { Presence } from './presence.ts'
import type { Provisioning } from './provisioning.ts'
import { handlePublish, handleWill } from './publish.ts'
import { ReadGate } from './read-gate.ts'
import { RoutelessAedes } from './routeless-aedes.ts'
import type { SessionStore } from './session-store.ts'
import type { Counters } from './stats.ts'
import { decideSubscription } from './subscribe.ts'
import { isTelemetry, takeTelemetry } from './telemetry-lane.ts'

export interface MqttParts {
  options: BrokerOptions
  limits: BrokerLimits
  clock: Clock
  logger: Logger
  counters: Counters
  inFlight: InFlight
  arrivals: Arrivals
  connections: Connections
  audit: Audit
  store: SessionStore
  presence: Presence
  gateways: Gateways
  outbound: Outbound
  commands: Commands
  provisioning: Provisioning
}

/** MQTT on streams: aedes speaks the protocol, and asks here at each of its turns. */
export interface Mqtt {
  start(): Promise<void>
  /** A new stream, whatever it runs on. */
  accept(origin: Origin, stream: Duplex): void
  close(): Promise<void>
}

/** aedes knows a session by our own name for it, longer than what MQTT 3.1 allows a client. */
const SESSION_KEY_LENGTH_MAX = 1_024
/** aedes' timer of the same purpose must not fire first: ours counts from accept and says why. */
const CONNECT_GRACE_MS = 5_000

/** Ends of a connection that are nobody's fault. */
const ORDINARY_ENDS: ReadonlySet<string> = new Set(['connection closed', 'drain timeout', 'Premature close'])

export function createMqtt(parts: MqttParts): Mqtt {
  const { limits, logger, counters, arrivals, connections, audit, store, presence, gateways, outbound } = parts
  const byClient = new WeakMap<Client, Connection>()
  const connectionOf = (client: Client): Connection => byClient.get(client)!

  const aedes = new RoutelessAedes({
    persistence: store,
    maxClientsIdLength: SESSION_KEY_LENGTH_MAX,
    maxTopicLevels: limits.topicLevels,
    connectTimeout: limits.connectMs + CONNECT_GRACE_MS,
    drainTimeout: limits.drainMs,
    preConnect(client, packet, proceed) {
      const connection = connectionOf(client)
      admit({ ...parts, findCredential: (key) => parts.options.findCredential(key) }, connection, packet).then(
        (refusal) => {
          if (connection.closed) return
          if (refusal) return connection.refuse(refusal.code, refusal.reason)
          // Who asks for provisioning has proved nothing, and goes on being counted among those who have not.
          if (connection.device) arrivals.proved(connection.origin.socket)
          proceed(null, true)
        },
        (error: unknown) => {
          logger.error({ err: toError(error) }, 'deciding over a CONNECT failed')
          connection.refuse(CONNACK.serverUnavailable, 'credential_lookup')
        },
      )
    },
    // Decided in `preConnect`, which sees the whole CONNECT.
    authenticate: (_client, _username, _password, proceed) => proceed(null, true),
    authorizePublish(client, packet, proceed) {
      const connection = connectionOf(client!)
      // aedes publishes a will through the same door, without the command of a packet.
      if ((packet as Partial<PublishPacket>).cmd === undefined) handleWill(parts, connection, packet, proceed)
      else handlePublish(parts, connection, packet, proceed)
    },
    authorizeSubscribe(client, subscription, proceed) {
      proceed(null, decideSubscription(parts, connectionOf(client), subscription))
    },
    authorizeForward: (_client: Client, packet: AedesPublishPacket) => packet,
  })

  aedes.on('client', (client) => {
    const connection = connectionOf(client)
    if (connection.device) presence.connected(connection, connection.device)
    else parts.provisioning.begin(connection)
  })
  aedes.on('connackSent', (_packet, client) => {
    counters.accepted++
    const connection = connectionOf(client)
    connection.gate.open({ proved: connection.device !== null })
  })
  aedes.on('clientReady', (client) => {
    const connection = connectionOf(client)
    connection.ready = true
    outbound.flush(connection)
  })
  aedes.on('keepaliveTimeout', (client) => connectionOf(client).cut('keepalive'))
  const failed = (client: Client, error: Error): void => {
    const connection = connectionOf(client)
    // Network errors carry a code; what is left broke the protocol in the parser's eyes.
    if (connection.cutReason !== null || 'code' in error || ORDINARY_ENDS.has(error.message)) return
    audit.note(connection, 'protocol_violation', error.message)
    connection.cut('protocol')
  }
  aedes.on('clientError', failed)
  aedes.on('connectionError', failed)
  ;(aedes as NodeJS.EventEmitter).on('error', (error: unknown) => {
    logger.error({ err: toError(error) }, 'the MQTT engine reported an error')
  })

  function onFirstFrame(connection: Connection, first: FirstFrame): void {
    if (first === 'connect') arrivals.heard(connection.origin.socket)
    else if (first === 'not-mqtt') connection.cut('not_mqtt')
    else connection.refuse(CONNACK.unacceptableProtocol, 'protocol_version')
  }

  function closed(connection: Connection): void {
    if (connection.closed) return
    const { origin, device } = connection
    const ownedSession = connections.ownsSession(connection)
    connection.closed = true
    connection.gate.stop()
    connection.ackOrder.clear()
    counters.bytesIn += origin.socket.bytesRead
    counters.bytesOut += origin.socket.bytesWritten
    connections.remove(connection)
    // After a take-over the session belongs to the connection that took it.
    if (ownedSession) store.left(connection.sessionKey)
    gateways.closed(connection)
    if (device) presence.disconnected(connection, device.deviceId, connection.graceful)
    origin.socket.destroy()
  }

  return {
    start: () => aedes.listen(),

    accept(origin, stream) {
      const connection = new Connection(origin, stream, counters)
      connection.gate = new ReadGate(stream, {
        limits,
        whenRoom: () => parts.options.whenRoom?.() ?? null,
        onFirstFrame: (first) => onFirstFrame(connection, first),
        express: {
          takes: (bytes, start, end) => connection.device !== null && isTelemetry(bytes, start, end),
          take: (bytes, packets) => takeTelemetry(parts, connection, connection.device!, bytes, packets),
        },
        onDisconnectPacket: () => {
          connection.graceful = true
        },
        onViolation: (reason, detail) => {
          audit.note(connection, 'protocol_violation', detail)
          connection.cut(reason)
        },
      })
      connections.add(connection)
      stream.once('close', () => closed(connection))
      origin.socket.once('close', () => stream.destroy())
      connection.client = aedes.handle(stream) as AedesClient
      byClient.set(connection.client, connection)
    },

    close: () => new Promise((resolve) => aedes.close(() => resolve())),
  }
}
