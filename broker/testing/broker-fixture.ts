import { onTestFinished } from 'vitest'
import { ManualClock, silentLogger, tokenHash } from '#platform'
import { type Broker, createBroker } from '../broker.ts'
import type { Credential } from '../identity.ts'
import type { AuditEntry, BrokerOptions, InboundMessage, PresenceChange } from '../options.ts'
import { Journal } from './journal.ts'

/** Two brands' devices and a gateway, each with the token named like its id. */
export const DEVICES: readonly Credential[] = [
  { credentialId: 'cred_a', brandId: 'brand_one', deviceId: 'dev_a', kind: 'device' },
  { credentialId: 'cred_a2', brandId: 'brand_one', deviceId: 'dev_a', kind: 'device' },
  { credentialId: 'cred_b', brandId: 'brand_two', deviceId: 'dev_b', kind: 'device' },
  { credentialId: 'cred_g', brandId: 'brand_one', deviceId: 'dev_g', kind: 'gateway' },
]

export const tokenOf = (credentialId: string): string => `token-of-${credentialId}`

export interface BrokerFixture {
  broker: Broker
  /** Of the TCP listener. */
  port: number
  clock: ManualClock
  telemetry: Journal<InboundMessage>
  attributes: Journal<InboundMessage>
  gatewayTelemetry: Journal<InboundMessage>
  presence: Journal<PresenceChange>
  audits: Journal<AuditEntry>
  /** By token or fingerprint. A test may add or take away. */
  credentials: Map<string, Credential>
}

/** A broker on free loopback ports whose receivers keep what they are told; closed with the test. */
export async function startBroker(options: Partial<BrokerOptions> = {}): Promise<BrokerFixture> {
  const clock = new ManualClock()
  const telemetry = new Journal<InboundMessage>()
  const attributes = new Journal<InboundMessage>()
  const gatewayTelemetry = new Journal<InboundMessage>()
  const presence = new Journal<PresenceChange>()
  const audits = new Journal<AuditEntry>()
  const credentials = new Map(DEVICES.map((device) => [tokenHash(tokenOf(device.credentialId)), device]))
  const broker = createBroker({
    listeners: { tcp: { port: 0, host: '127.0.0.1', variable: 'HUB_MQTT_PORT' } },
    findCredential: (key) => credentials.get('tokenHash' in key ? key.tokenHash : key.fingerprint) ?? null,
    onTelemetry: (messages) => {
      for (const message of messages) telemetry.push(message)
    },
    onAttributes: (message) => attributes.push(message),
    onGatewayTelemetry: (message) => gatewayTelemetry.push(message),
    onGatewayAttributes: (message) => attributes.push(message),
    onAttributesRequest: () => ({ client: { firmware: '1.4.2' }, shared: { interval: 60 } }),
    onPresence: (change) => presence.push(change),
    findGatewayDevice: ({ gatewayId, name }) =>
      gatewayId === 'dev_g' && name.startsWith('SN-') ? { deviceId: `dev_${name}` } : null,
    provision: () => ({ status: 'FAILURE', errorMsg: 'nobody is provisioned in this test' }),
    onAudit: (entry) => audits.push(entry),
    clock,
    logger: silentLogger,
    ...options,
  })
  await broker.start()
  onTestFinished(() => broker.close())
  const port = broker.addresses().tcp?.port ?? 0
  return { broker, port, clock, telemetry, attributes, gatewayTelemetry, presence, audits, credentials }
}
