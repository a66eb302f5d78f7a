/**
 * Every bound of the broker, all on by default. An operator may widen one for a site; none
 * can be switched off, because each answers a way in which one client could hurt the others.
 */
export interface BrokerLimits {
  /** Largest packet of who has not proved who they are: a CONNECT, and all that provisioning needs. */
  frameBytesBeforeAuth: number
  /** Largest packet of a known client: a buffered upload of some hours. */
  frameBytesAfterAuth: number
  /** From the first byte of the connection to a whole CONNECT, handshakes included. */
  connectMs: number
  /** How long the lookup of a credential may take before the client is told to come back. */
  authenticateMs: number
  /** A packet once begun must be complete after this. */
  frameMs: number
  /** New connections per second from one address; as many may come in one burst. */
  connectionsPerSecond: number
  /** All listeners together; each connection costs a file handle and some tens of kilobytes. */
  connectionsMax: number
  /** Connections that have not proved who they are; beyond it the oldest is cut for the newest. */
  unauthenticatedMax: number
  /** Per connection. Beyond it the hub reads slower; nothing is dropped. */
  packetsPerSecond: number
  /** A question or an attribute counts as so many packets: each is a look, or a row kept for long, in the database. */
  packetsPerQuestion: number
  /** Publishes of one connection awaiting storage: half of it is what one read may add. */
  inFlightPackets: number
  /** The same in payload bytes. */
  inFlightBytes: number
  topicLevels: number
  clientIdLength: number
  subscriptionsPerSession: number
  /** Client ids of one device: connected ones, and stored sessions. */
  sessionsPerDevice: number
  /** Stored sessions of clients that are away, hub-wide; beyond it the longest absent is forgotten. */
  storedSessionsMax: number
  /** After this absence a stored session is forgotten. */
  storedSessionMs: number
  /** Messages to one client, sent or waiting, without its acknowledgement. */
  queuedPerSession: number
  /** QoS 2 publishes of one session between PUBREC and PUBREL; beyond it the longest waiting is forgotten. */
  unreleasedPerSession: number
  /** Commands to one device without an answer yet. */
  commandsPerDevice: number
  /** Largest command or attribute update; device modems have small buffers. */
  downlinkBytes: number
  /** Refused subscriptions a connection may collect before it is closed. */
  refusalsPerConnection: number
  /** Provisioning requests per minute and address: a factory line, not a guesser. */
  provisionsPerMinute: number
  /** A provisioning session has one thing to do. */
  provisionSessionMs: number
  /** Devices one gateway session may have announced at a time. */
  devicesPerGateway: number
  /** A client that does not read what it is sent is cut after this. */
  drainMs: number
  /** At shutdown, how long readings already taken may need to reach the disk. */
  closeMs: number
}

export const BROKER_LIMITS: Readonly<BrokerLimits> = {
  frameBytesBeforeAuth: 16 * 1_024,
  frameBytesAfterAuth: 256 * 1_024,
  connectMs: 5_000,
  authenticateMs: 10_000,
  frameMs: 30_000,
  connectionsPerSecond: 100,
  connectionsMax: 100_000,
  unauthenticatedMax: 5_000,
  packetsPerSecond: 5_000,
  packetsPerQuestion: 50,
  inFlightPackets: 256,
  inFlightBytes: 512 * 1_024,
  topicLevels: 8,
  clientIdLength: 64,
  subscriptionsPerSession: 32,
  sessionsPerDevice: 8,
  storedSessionsMax: 100_000,
  storedSessionMs: 7 * 86_400_000,
  queuedPerSession: 100,
  unreleasedPerSession: 1_000,
  commandsPerDevice: 16,
  downlinkBytes: 64 * 1_024,
  refusalsPerConnection: 10,
  provisionsPerMinute: 60,
  provisionSessionMs: 60_000,
  devicesPerGateway: 10_000,
  drainMs: 30_000,
  closeMs: 5_000,
}
