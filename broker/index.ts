export { type Broker, createBroker } from './broker.ts'
export type { ListenerKind } from './connection.ts'
export type { Credential, CredentialKey } from './identity.ts'
export type { BrokerLimits } from './limits.ts'
export type { BoundAddress } from './listener.ts'
export type {
  AttributesAnswer,
  AttributesRequest,
  AuditEntry,
  BrokerListeners,
  BrokerOptions,
  Command,
  CommandResult,
  Delivery,
  InboundMessage,
  ListenAddress,
  PresenceChange,
  ProvisionAnswer,
  ProvisionRequest,
  Sender,
  TlsListenAddress,
} from './options.ts'
export type { BrokerStats, CutReason } from './stats.ts'
