import type { Subscription } from 'aedes'
import type { Audit } from './audit.ts'
import type { Connection } from './connection.ts'
import type { BrokerLimits } from './limits.ts'
import { SESSION_MARKER } from './session-store.ts'
import { maySubscribe } from './topics.ts'

/**
 * Grants a filter that is the client's own, refuses every other with 0x80 [MQTT-3.8.4-5].
 * A client that keeps asking is closed, so that it cannot fill the audit book.
 */
export function decideSubscription(
  { audit, limits }: { audit: Audit; limits: BrokerLimits },
  connection: Connection,
  subscription: Subscription,
): Subscription | null {
  const { topic } = subscription
  // The rest of a SUBSCRIBE whose sender was just closed over it needs no decision.
  if (topic === SESSION_MARKER || connection.cutReason !== null) return null
  if (connection.identity && maySubscribe(connection.identity.kind, topic)) {
    const granted = connection.client.subscriptions
    const has = Object.hasOwn(granted, topic)
    return has || Object.keys(granted).length < limits.subscriptionsPerSession ? subscription : null
  }
  audit.note(connection, 'subscribe_refused', topic)
  connection.refusals++
  if (connection.refusals > limits.refusalsPerConnection) connection.cut('refusals_max')
  return null
}
