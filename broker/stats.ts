import type { RouteName } from './topics.ts'

/** Why a connection was turned away or cut; the label of a counter. */
export type CutReason =
  | 'connection_rate'
  | 'connections_max'
  | 'unauthenticated_max'
  | 'connect_timeout'
  | 'proxy_header'
  | 'tls'
  | 'websocket'
  | 'not_mqtt'
  | 'protocol_version'
  | 'client_id'
  | 'credential'
  | 'credential_lookup'
  | 'foreign_will'
  | 'session_limit'
  | 'session_taken'
  | 'foreign_topic'
  | 'refusals_max'
  | 'frame_too_large'
  | 'frame_timeout'
  | 'malformed'
  | 'keepalive'
  | 'not_stored'
  | 'handler_failed'
  | 'revoked'
  | 'provision_over'
  | 'protocol'

/** Counts since the start of the broker, for Prometheus. */
export interface BrokerStats {
  /** Open sockets, whatever they have said so far. */
  connections: number
  /** Clients that proved who they are. */
  clients: number
  /** Sessions kept for clients that may be away. */
  storedSessions: number
  accepted: number
  cut: Partial<Record<CutReason, number>>
  /** Publishes taken, by what they were for. */
  received: Partial<Record<RouteName, number>>
  /** Messages handed to clients. */
  sent: number
  bytesIn: number
  bytesOut: number
  /** Publishes whose storage has not answered yet. */
  inFlight: number
  commandsPending: number
}

/** The counters behind `BrokerStats`; the gauges are asked of whoever knows. */
export class Counters {
  accepted = 0
  sent = 0
  /** Of connections that are gone. */
  bytesIn = 0
  bytesOut = 0
  readonly cut = new Map<CutReason, number>()
  readonly received = new Map<RouteName, number>()

  countCut(reason: CutReason): void {
    this.cut.set(reason, (this.cut.get(reason) ?? 0) + 1)
  }

  countReceived(name: RouteName, count = 1): void {
    this.received.set(name, (this.received.get(name) ?? 0) + count)
  }
}
