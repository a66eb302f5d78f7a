import { randomUUID } from 'node:crypto'
import type { ConnectPacket } from 'aedes'
import { RESERVED_KEYS } from '#contracts'
import { type Clock, type Logger, realClock, sha256Hex, toError, tokenHash } from '#platform'
import type { Audit } from './audit.ts'
import { CONNACK, type ConnackCode } from './connect-frame.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { type Credential, type CredentialKey, type Identity, PROVISION_USER } from './identity.ts'
import type { BrokerLimits } from './limits.ts'
import type { BrokerOptions } from './options.ts'
import { sessionKey } from './session-key.ts'
import type { CutReason } from './stats.ts'
import { mayBeWill } from './topics.ts'

/** Why a CONNECT is turned away. */
export interface Refusal {
  code: ConnackCode
  reason: CutReason
}

export interface ConnectContext {
  findCredential: BrokerOptions['findCredential']
  connections: Connections
  audit: Audit
  limits: BrokerLimits
  clock: Clock
  logger: Logger
}

/**
 * Decides over a CONNECT. Accepted, the connection has its identity and session, and the
 * packet carries the session's name inside the hub instead of the client id.
 */
export async function admit(
  context: ConnectContext,
  connection: Connection,
  packet: ConnectPacket,
): Promise<Refusal | null> {
  const badId = clientIdProblem(packet, context.limits)
  if (badId) return badId
  const identity = await identify(context, connection, packet)
  if ('code' in identity) return identity
  return (
    foreignWill(context, connection, packet, identity) ??
    sessionTaken(context, connection, packet, identity) ??
    tooManySessions(context, packet, identity) ??
    accept(context, connection, packet, identity)
  )
}

/** Characters that no terminal, log or topic should meet in a name, U+FFFD for bytes that were no UTF-8 among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\ufffd]/

function clientIdProblem({ clientId, clean }: ConnectPacket, limits: BrokerLimits): Refusal | null {
  const refused: Refusal = { code: CONNACK.identifierRejected, reason: 'client_id' }
  if (clientId === '') return clean ? null : refused // [MQTT-3.1.3-8]
  if (clientId.length > limits.clientIdLength || RESERVED_KEYS.has(clientId) || UNPRINTABLE.test(clientId))
    return refused
  return null
}

/** Revocations in a row that may cross one look-up before the client is told to come back. */
const LOOKUPS_MAX = 3

/** A user name is a token; without one the certificate speaks. */
async function identify(
  context: ConnectContext,
  connection: Connection,
  packet: ConnectPacket,
): Promise<Identity | Refusal> {
  const { fingerprint, untrustedCertificate } = connection.origin
  const username = packet.username ?? ''
  if (username === PROVISION_USER) return { kind: 'provision' }
  if (username !== '') return lookUp(context, { tokenHash: tokenHash(username) }, CONNACK.badUserNameOrPassword)
  if (fingerprint && !untrustedCertificate) return lookUp(context, { fingerprint }, CONNACK.notAuthorized)
  return { code: CONNACK.notAuthorized, reason: 'credential' }
}

async function lookUp(
  context: ConnectContext,
  key: CredentialKey,
  unknownCode: ConnackCode,
): Promise<Credential | Refusal> {
  const unavailable: Refusal = { code: CONNACK.serverUnavailable, reason: 'credential_lookup' }
  const { connections } = context
  try {
    for (let attempt = 0; attempt < LOOKUPS_MAX; attempt++) {
      const asOf = connections.revocations
      const found = await within(context.limits.authenticateMs, context.findCredential(key))
      if (found === 'late') break
      // Something was revoked meanwhile: what was found may be just that.
      if (found !== null && connections.revocations !== asOf) continue
      return found ?? { code: unknownCode, reason: 'credential' }
    }
    return unavailable
  } catch (error) {
    context.logger.error({ err: toError(error) }, 'looking up a credential failed')
    return unavailable
  }
}

function foreignWill(
  { audit }: ConnectContext,
  connection: Connection,
  { will }: ConnectPacket,
  identity: Identity,
): Refusal | null {
  if (!will || mayBeWill(identity.kind, will.topic)) return null
  if (identity.kind !== 'provision') audit.note(connection, 'will_refused', will.topic, identity)
  return { code: CONNACK.notAuthorized, reason: 'foreign_will' }
}

/** A live session belongs to the credential that opened it; only that one may take it over. */
function sessionTaken(
  { connections, audit }: ConnectContext,
  connection: Connection,
  { clientId }: ConnectPacket,
  identity: Identity,
): Refusal | null {
  if (identity.kind === 'provision' || clientId === '') return null
  const holder = connections.bySession(sessionKey(identity, clientId))
  if (!holder || holder.device?.credentialId === identity.credentialId) return null
  audit.note(connection, 'session_refused', clientId, identity)
  return { code: CONNACK.identifierRejected, reason: 'session_taken' }
}

function tooManySessions(
  { connections, limits }: ConnectContext,
  { clientId }: ConnectPacket,
  identity: Identity,
): Refusal | null {
  if (identity.kind === 'provision') return null
  const live = connections.ofDevice(identity.deviceId)
  if (live.length < limits.sessionsPerDevice || live.some((other) => other.clientId === clientId)) return null
  return { code: CONNACK.serverUnavailable, reason: 'session_limit' }
}

function accept(
  { connections, clock }: ConnectContext,
  connection: Connection,
  packet: ConnectPacket,
  identity: Identity,
): null {
  connection.identity = identity
  connection.clientId = packet.clientId || `hub-${randomUUID()}`
  if (identity.kind === 'provision') {
    // Each stands alone: nothing to resume, nothing to take over.
    connection.sessionKey = sessionKey({ brandId: '', deviceId: '' }, randomUUID())
    packet.clean = true
  } else {
    connection.sessionKey = sessionKey(identity, connection.clientId)
    connection.deliverySession = sha256Hex(connection.sessionKey).slice(0, 32)
  }
  connection.connectedAtMs = clock.nowMs()
  packet.clientId = connection.sessionKey
  connections.identified(connection)
  return null
}

/** The result, or `late` when it takes longer than that. */
async function within<T>(ms: number, result: T | Promise<T>): Promise<T | 'late'> {
  if (!(result instanceof Promise)) return result
  let timer: Disposable | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = realClock.setTimeout(() => resolve('late'), ms)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    timer?.[Symbol.dispose]()
  }
}
