import type { Clock, Logger } from '#platform'
import type { Credential, CredentialKey } from './identity.ts'
import type { BrokerLimits } from './limits.ts'

type Awaitable<T> = T | Promise<T>

/** Who sent it and on which connection. */
export interface Sender {
  brandId: string
  deviceId: string
  credentialId: string
}

/** Names one delivery of a QoS 1 or 2 publish; see `DeliveryMark` in contracts. */
export interface Delivery {
  /** Stable over reconnects under the same client id; differs between brands, devices and client ids. */
  session: string
  packetId: number
  dup: boolean
}

/** A publish that must be on disk before it is acknowledged. */
export interface InboundMessage extends Sender {
  topic: string
  payload: Buffer
  /** `null` for QoS 0 and for wills. */
  delivery: Delivery | null
  /** The device's last will, published because it went without a DISCONNECT. */
  will: boolean
}

export interface AttributesRequest extends Sender {
  /** Attributes the device reported; `null` when it named none. */
  clientKeys: readonly string[] | null
  /** Attributes set for it; `null` when it named none. */
  sharedKeys: readonly string[] | null
}

export interface AttributesAnswer {
  client?: Record<string, unknown>
  shared?: Record<string, unknown>
}

export interface PresenceChange {
  brandId: string
  deviceId: string
  /** Strictly increasing per device: hub milliseconds of the connect, or one more than the last. */
  epoch: number
  state: 'connected' | 'disconnected'
  /** Ended by a DISCONNECT or gateway/disconnect. Always true for `connected`. */
  graceful: boolean
  /** Hub time of the change. */
  atMs: number
}

/** A question a device asks on `rpc/request/{id}`. */
/** The members are the device's own words and not yet checked. */
export interface ProvisionRequest {
  deviceName: string
  provisionDeviceKey: string
  provisionDeviceSecret: string
}

export type ProvisionAnswer =
  | { status: 'SUCCESS'; credentialsType: 'ACCESS_TOKEN'; credentialsValue: string }
  | { status: 'FAILURE'; errorMsg: string }

/** Something a client tried that it may not. */
export interface AuditEntry {
  action: 'publish_refused' | 'subscribe_refused' | 'will_refused' | 'protocol_violation' | 'session_refused'
  brandId: string
  deviceId: string
  credentialId: string
  address: string
  /** The topic, or what was wrong; at most 256 characters. */
  detail: string
  /** Hub time. */
  atMs: number
}

export interface ListenAddress {
  /** 0 lets the system choose; `addresses()` tells. */
  port: number
  host: string
  /** The configuration variable to name when the port is taken. */
  variable?: string
}

export interface TlsListenAddress extends ListenAddress {
  /** PEM texts. */
  cert: string | Buffer
  key: string | Buffer
  /** With it, clients may show a certificate signed by this authority. */
  clientCa?: string | Buffer
}

export interface BrokerListeners {
  tcp?: ListenAddress | null
  tls?: TlsListenAddress | null
  /** Subprotocol `mqtt`, any path. */
  websocket?: ListenAddress | null
  /** Balancers (addresses or CIDR ranges) that must, and alone may, begin with a PROXY header. */
  proxyFrom?: readonly string[]
}

/**
 * What the broker is given. It knows neither log nor store: it asks these functions, and
 * acknowledges when they have resolved. A rejection means "not stored": the publish stays
 * without acknowledgement, and the connection is closed so that the device sends it again.
 */
export interface BrokerOptions {
  listeners: BrokerListeners
  /** Called once per CONNECT; may answer at once. A rejection is CONNACK 3. */
  findCredential(key: CredentialKey): Awaitable<Credential | null>
  /** What one read brought of one device, in order, at least one; kept or refused as a whole. */
  onTelemetry(messages: readonly InboundMessage[]): Awaitable<unknown>
  onAttributes(message: InboundMessage): Awaitable<unknown>
  /** `{"SERIAL": [...]}` of a gateway; who is registered under it is the receiver's to check. */
  onGatewayTelemetry(message: InboundMessage): Awaitable<unknown>
  onGatewayAttributes(message: InboundMessage): Awaitable<unknown>
  onAttributesRequest(request: AttributesRequest): Awaitable<AttributesAnswer>
  /** Not awaited; called in order. */
  onPresence(change: PresenceChange): Awaitable<unknown>
  /** The device a gateway means by a name, when it is registered under it. */
  findGatewayDevice(child: { brandId: string; gatewayId: string; name: string }): Awaitable<{ deviceId: string } | null>
  provision(request: ProvisionRequest, address: string): Awaitable<ProvisionAnswer>
  onAudit?(entry: AuditEntry): void
  /**
   * `null` while ingest has room, else a promise of room: reading stops until then. Asked before
   * every read, so `null` is the cheap answer; a promise that has already come true works too.
   */
  whenRoom?(): Promise<void> | null
  limits?: Partial<BrokerLimits>
  /** Hub time: presence epochs and audit. Sockets and limits run on real time. */
  clock?: Clock
  logger: Logger
}

export interface Command {
  method: string
  params?: unknown
  /** Real milliseconds to wait for the device's answer. */
  timeoutMs: number
}

export type CommandResult =
  | { outcome: 'response'; response: unknown }
  /** It was delivered, or may have been, and not answered in time. */
  | { outcome: 'timeout' }
  /** It reached no connection, and will not later. */
  | { outcome: 'offline' }
