import { readFileSync } from 'node:fs'
import { type Broker, type BrokerOptions, type Credential, createBroker } from '#broker'
import type { ControlChange, TelemetryLog } from '#contracts'
import { createIngest, type Ingest } from '#ingest'
import type { DeviceDirectory } from '#pipeline'
import { type Clock, type Logger, newId } from '#platform'
import { type Database, HUB_BRAND, writeAudit } from '#store'
import type { HubConfig } from '../config.ts'

export interface EdgeOptions {
  config: HubConfig
  log: TelemetryLog
  directory: DeviceDirectory
  db: Database
  clock: Clock
  logger: Logger
  provision: BrokerOptions['provision']
}

/** What a device says of itself goes straight into the log: nothing of it is decided in Postgres first. */
async function appendChange(log: TelemetryLog, brandId: string, change: ControlChange): Promise<void> {
  await log.append([{ kind: 'control', changeId: newId('chg'), brandId, change }])
}

export function createEdgeIngest({ log, directory }: Pick<EdgeOptions, 'log' | 'directory'>): Ingest {
  return createIngest({
    log,
    productOf: (deviceId) => directory.index.productOf(deviceId),
    submitAttributes: ({ brandId, deviceId }, values) =>
      appendChange(log, brandId, { type: 'attributes', deviceId, values }),
  })
}

/** The broker with its functions: who is who from the directory, everything said into ingest. */
export function createEdgeBroker(options: EdgeOptions & { ingest: Ingest }): Broker {
  const { config, log, directory, db, clock, logger, ingest, provision } = options
  const { index } = directory
  const childOf = (gatewayId: string) => (serial: string) => index.child(gatewayId, serial)
  return createBroker({
    listeners: listenersOf(config),
    clock,
    logger,
    findCredential: (key) => credentialOf(index, 'tokenHash' in key ? key.tokenHash : key.fingerprint),
    onTelemetry: (messages) => {
      // All of one device, and at least one.
      const { brandId, deviceId, topic } = messages[0]!
      return ingest.telemetry({ brandId, deviceId }, messages, topic)
    },
    onAttributes: ({ brandId, deviceId, payload, topic, delivery }) =>
      ingest.attributes({ brandId, deviceId }, payload, { via: topic, delivery }),
    onGatewayTelemetry: ({ brandId, deviceId, payload, topic, delivery }) =>
      ingest.gatewayTelemetry({ brandId, deviceId }, payload, childOf(deviceId), { via: topic, delivery }),
    onGatewayAttributes: ({ brandId, deviceId, payload, topic, delivery }) =>
      ingest.gatewayAttributes({ brandId, deviceId }, payload, childOf(deviceId), { via: topic, delivery }),
    onAttributesRequest: async ({ brandId, deviceId, clientKeys }) => {
      if (clientKeys === null) return {}
      const row = await db.asBrand(brandId, (tx) =>
        tx.selectFrom('devices').select('attributes').where('device_id', '=', deviceId).executeTakeFirst(),
      )
      const known = Object.entries(row?.attributes ?? {}).filter(([key]) => clientKeys.includes(key))
      return { client: Object.fromEntries(known) }
    },
    onPresence: ({ brandId, deviceId, epoch, state, graceful }) =>
      appendChange(log, brandId, { type: 'presence', deviceId, epoch, state, graceful }),
    findGatewayDevice: ({ gatewayId, name }) => index.child(gatewayId, name),
    provision,
    onAudit: ({ brandId, deviceId, credentialId, action, address, detail, atMs }) => {
      db.asHub((tx) =>
        writeAudit(tx, {
          brandId: brandId || HUB_BRAND,
          atMs,
          actor: deviceId,
          action: `mqtt.${action}`,
          subject: credentialId,
          detail: { address, detail },
        }),
      ).catch((error) => logger.warn({ err: error, action, deviceId }, 'an audit entry could not be written'))
    },
    whenRoom: () => ingest.whenRoom(),
  })
}

function credentialOf(index: DeviceDirectory['index'], hash: string): Credential | null {
  const found = index.credential(hash)
  if (!found) return null
  const { brandId, deviceId } = found.device
  return { credentialId: found.credentialId, brandId, deviceId, kind: index.isGateway(deviceId) ? 'gateway' : 'device' }
}

function listenersOf({ mqtt, mqtts, mqttWebSocket, proxyProtocol }: HubConfig): BrokerOptions['listeners'] {
  return {
    tcp: { port: mqtt.port, host: mqtt.host, variable: 'HUB_MQTT_PORT' },
    tls: mqtts && {
      port: mqtts.port,
      host: mqtt.host,
      variable: 'HUB_MQTTS_PORT',
      cert: readFileSync(mqtts.certFile),
      key: readFileSync(mqtts.keyFile),
      ...(mqtts.clientCaFile === null ? {} : { clientCa: readFileSync(mqtts.clientCaFile) }),
    },
    websocket: mqttWebSocket && { port: mqttWebSocket.port, host: mqtt.host, variable: 'HUB_MQTT_WS_PORT' },
    ...(proxyProtocol.length === 0 ? {} : { proxyFrom: proxyProtocol }),
  }
}
