import { type Static, Type } from 'typebox'

/**
 * Every environment variable of the hub, as text, with the form it must have. The
 * description is the second half of the sentence a user reads when it has not
 * ("HUB_HTTP_PORT must be …"), so that a rule and its explanation cannot part.
 */
const Port = (what: string, byDefault: string) =>
  Type.Optional(
    Type.String({
      pattern: '^(6553[0-5]|655[0-2]\\d|65[0-4]\\d{2}|6[0-4]\\d{3}|[1-5]\\d{4}|[1-9]\\d{0,3}|0)$',
      description: `a port number from 0 to 65535 (${what}; 0 takes a free one)`,
      default: byDefault,
    }),
  )
const Host = (byDefault: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9.:_-]{1,253}$',
      description: 'a host name or address to listen on',
      default: byDefault,
    }),
  )
const Path = (what: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: `a path (${what})` }))
const HttpUrl = (what: string) =>
  Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#]+', description: `an http or https address (${what})` }))

export const Environment = Type.Object({
  HUB_DATA_DIR: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4_096, description: 'a path (the data folder)', default: './data' }),
  ),
  HUB_HTTP_PORT: Port('API and pages', '8080'),
  HUB_HTTP_HOST: Host('127.0.0.1'),
  HUB_PUBLIC_URL: HttpUrl('what links in messages begin with'),
  HUB_MQTT_PORT: Port('MQTT over TCP', '1883'),
  HUB_MQTT_HOST: Host('127.0.0.1'),
  HUB_MQTTS_PORT: Port('MQTT over TLS', 'off'),
  HUB_TLS_CERT: Path('the certificate chain, PEM'),
  HUB_TLS_KEY: Path('the private key, PEM'),
  HUB_TLS_CLIENT_CA: Path('the authority that signs device certificates, PEM'),
  HUB_MQTT_WS_PORT: Port('MQTT over WebSocket', 'off'),
  DATABASE_URL: Type.Optional(
    Type.String({ pattern: '^postgres(ql)?://\\S+$', description: 'a PostgreSQL address, postgres://user@host/name' }),
  ),
  DATABASE_OWNER_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://\\S+$',
      description: "a PostgreSQL address (the owner's, for migrations, when DATABASE_URL is a restricted role)",
    }),
  ),
  INFLUX_URL: HttpUrl('InfluxDB'),
  INFLUX_TOKEN: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: 'an InfluxDB token' })),
  INFLUX_ORG: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'the name of an InfluxDB organisation' }),
  ),
  INFLUX_BUCKET: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'the name of an InfluxDB bucket or 1.x database' }),
  ),
  NATS_URL: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: 'a NATS address' })),
  HUB_ROLES: Type.Optional(
    Type.String({
      pattern: '^\\s*(all|(edge|record|rules|bridge|api)(\\s*,\\s*(edge|record|rules|bridge|api))*)\\s*$',
      description: '"all" or a comma list of edge, record, rules, bridge, api',
      default: 'all',
    }),
  ),
  HUB_ADMIN_KEY: Type.Optional(
    Type.String({
      // Requests with a shorter key are not even looked up, so one here could never be used.
      pattern: '^[A-Za-z0-9_.~+/=-]{16,256}$',
      description: "the first administrator's key, 16 to 256 letters, digits or _ . ~ + / = -",
    }),
  ),
  HUB_SECRET_KEY: Type.Optional(
    Type.String({
      pattern: '^([A-Za-z0-9+/_-]{43}=?|[0-9a-fA-F]{64})$',
      description: '32 bytes in base64 or hexadecimal (seals secrets at rest; made in the data folder when absent)',
    }),
  ),
  HUB_ALLOW_LOOPBACK: Type.Optional(
    Type.String({
      pattern: '^(yes|no)$',
      description: '"yes" or "no" (development: partners may have plain http addresses on this machine)',
      default: 'no',
    }),
  ),
  HUB_TIME_SCALE: Type.Optional(
    Type.String({
      pattern: '^[1-9]\\d{0,7}$',
      description: 'a whole number from 1 (hub seconds per real second, at most)',
      default: '1',
    }),
  ),
  HUB_LOG_DIR: Path('where the telemetry log lies'),
  HUB_DISK_RESERVE: Type.Optional(
    Type.String({
      pattern: '^\\d{1,15}\\s*([KMGT]i?B|B)?$',
      description: 'a number of bytes, with a unit if wanted: 536870912, 512MiB, 2GB',
      default: '512MiB',
    }),
  ),
  HUB_PROXY_PROTOCOL: Type.Optional(
    Type.String({
      pattern: '^[0-9a-fA-F.:/]+(\\s*,\\s*[0-9a-fA-F.:/]+)*$',
      description: 'a comma list of trusted balancer addresses or networks (10.0.0.5, 10.1.0.0/16)',
    }),
  ),
  HUB_LOG_LEVEL: Type.Optional(
    Type.String({
      pattern: '^(fatal|error|warn|info|debug|trace|silent)$',
      description: 'one of fatal, error, warn, info, debug, trace, silent',
      default: 'info',
    }),
  ),
})
export type Environment = Static<typeof Environment>
export type VariableName = keyof Environment

/** What the schema says of a variable beyond its form. */
export interface VariableMeaning {
  description: string
  default?: string
}
export const MEANING = Environment.properties as unknown as Record<VariableName, VariableMeaning>

/** Read by commands that ask a running hub, not by the hub itself. */
export const CLIENT_VARIABLES: readonly string[] = ['HUB_URL', 'HUB_KEY']

/** Parts of the contract that later versions bring; until then a hub that is asked for one says so. */
export const NOT_BUILT: Partial<Record<VariableName, string>> = {
  NATS_URL: 'the distributed telemetry log is not built yet; leave it unset to use the embedded log',
}
