import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { Value } from 'typebox/value'
import { HubError, type Problem } from '#platform'
import { CLIENT_VARIABLES, Environment, MEANING, NOT_BUILT, type VariableName } from './environment.ts'

export const ROLES = ['edge', 'record', 'rules', 'bridge', 'api'] as const
export type Role = (typeof ROLES)[number]

export interface HubConfig {
  readonly dataDir: string
  readonly http: { readonly port: number; readonly host: string; readonly publicUrl: string | null }
  readonly mqtt: { readonly port: number; readonly host: string }
  readonly mqtts: {
    readonly port: number
    readonly certFile: string
    readonly keyFile: string
    readonly clientCaFile: string | null
  } | null
  readonly mqttWebSocket: { readonly port: number } | null
  readonly databaseUrl: string | null
  readonly databaseOwnerUrl: string | null
  readonly influx: {
    readonly url: string
    readonly token: string | null
    readonly org: string | null
    readonly bucket: string
  } | null
  readonly roles: ReadonlySet<Role>
  readonly adminKey: string | null
  readonly secretKey: Uint8Array | null
  readonly allowLoopback: boolean
  readonly timeScale: number
  readonly logDir: string
  readonly diskReserveBytes: number
  readonly proxyProtocol: readonly string[]
  readonly logLevel: string
  /** Everything listens on the loopback only: development switches are allowed. */
  readonly loopbackOnly: boolean
  /** Sentences for the log: what was given and has no effect. */
  readonly warnings: readonly string[]
}

/** A key this short can be guessed over the network; 256 random bits have 43 characters. */
const ADMIN_KEY_LENGTH_MIN = 24
/** Keys that stand in documents and examples. */
const KNOWN_KEY = /^(.)\1*$|admin|changeme|change-me|secret|password|default|example|demo|test|beforehand|12345/i

const BYTES: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** The environment with what `.env` adds; the environment itself wins. */
export function environmentOf(cwd: string, env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const file = join(cwd, '.env')
  return existsSync(file) ? { ...parseEnv(readFileSync(file, 'utf8')), ...env } : env
}

/**
 * The configuration, checked once and frozen. An empty variable counts as unset.
 * @throws HubError `CONFIG_INVALID` with every problem found, each naming its variable;
 * `MISSING_DEPENDENCY` when the only fault is a feature that is not built yet.
 */
export function readConfig(env: Record<string, string | undefined>, cwd: string = process.cwd()): HubConfig {
  const problems: Problem[] = []
  const complain = (name: string, detail: string): void => {
    problems.push({ pointer: name, detail })
  }
  const given = (name: VariableName): string | null => env[name]?.trim() || null

  const malformed = new Set<string>()
  for (const [name, schema] of Object.entries(Environment.properties)) {
    const value = given(name as VariableName)
    if (value === null || Value.Check(schema, value)) continue
    malformed.add(name)
    complain(name, `must be ${MEANING[name as VariableName].description}`)
  }
  /** The text to interpret: nothing that was already complained about. */
  const read = (name: VariableName): string | null => (malformed.has(name) ? null : given(name))
  const withDefault = (name: VariableName): string => read(name) ?? MEANING[name].default ?? ''
  const port = (name: VariableName): number => Number(withDefault(name))
  const optionalPort = (name: VariableName): number | null => (read(name) === null ? null : port(name))
  const path = (name: VariableName): string | null => {
    const value = read(name)
    return value === null ? null : resolve(cwd, value)
  }

  const httpHost = withDefault('HUB_HTTP_HOST')
  const mqttHost = withDefault('HUB_MQTT_HOST')
  const loopbackOnly = isLoopback(httpHost) && isLoopback(mqttHost)
  const timeScale = Number(withDefault('HUB_TIME_SCALE'))
  const allowLoopback = withDefault('HUB_ALLOW_LOOPBACK') === 'yes'
  const adminKey = read('HUB_ADMIN_KEY')
  const dataDir = resolve(cwd, withDefault('HUB_DATA_DIR'))
  const roles = rolesOf(withDefault('HUB_ROLES'))
  const mqttsPort = optionalPort('HUB_MQTTS_PORT')
  const tls = { cert: path('HUB_TLS_CERT'), key: path('HUB_TLS_KEY'), clientCa: path('HUB_TLS_CLIENT_CA') }
  const influxUrl = read('INFLUX_URL')
  const bucket = read('INFLUX_BUCKET')

  if (mqttsPort !== null && (!tls.cert || !tls.key))
    complain('HUB_MQTTS_PORT', 'needs HUB_TLS_CERT and HUB_TLS_KEY as well')
  for (const [name, file] of [
    ['HUB_TLS_CERT', tls.cert],
    ['HUB_TLS_KEY', tls.key],
    ['HUB_TLS_CLIENT_CA', tls.clientCa],
  ] as const)
    if (file !== null && !existsSync(file)) complain(name, `names a file that is not there: ${file}`)
  if (influxUrl !== null && !bucket && !malformed.has('INFLUX_BUCKET'))
    complain('INFLUX_BUCKET', 'is needed with INFLUX_URL: the bucket (2.x) or database (1.x) for telemetry')
  if (timeScale > 1 && !loopbackOnly)
    complain('HUB_TIME_SCALE', 'above 1 is for demos and tests: HUB_HTTP_HOST and HUB_MQTT_HOST must be loopback')
  if (allowLoopback && !loopbackOnly)
    complain('HUB_ALLOW_LOOPBACK', 'is for development: HUB_HTTP_HOST and HUB_MQTT_HOST must be loopback')
  if (read('DATABASE_OWNER_URL') !== null && given('DATABASE_URL') === null)
    complain('DATABASE_OWNER_URL', 'needs DATABASE_URL, the restricted role the hub works as')
  if (roles.has('api') && !(roles.has('edge') && roles.has('record')))
    complain('HUB_ROLES', '"api" needs "edge" and "record" in the same process, which has the embedded telemetry log')
  if (adminKey !== null && !loopbackOnly) {
    if (adminKey.length < ADMIN_KEY_LENGTH_MIN)
      complain('HUB_ADMIN_KEY', `needs at least ${ADMIN_KEY_LENGTH_MIN} characters when not bound to the loopback`)
    else if (KNOWN_KEY.test(adminKey))
      complain('HUB_ADMIN_KEY', 'looks like a key from an example; choose a random one when not bound to the loopback')
  }
  if (env.HUB_ADMIN_KEY !== undefined && env.HUB_ADMIN_KEY.trim() === '' && !loopbackOnly)
    complain('HUB_ADMIN_KEY', 'is set but empty; unset it to have one generated')

  const notBuilt = Object.entries(NOT_BUILT).filter(([name]) => given(name as VariableName) !== null)
  if (problems.length === 0 && notBuilt.length > 0)
    throw new HubError('MISSING_DEPENDENCY', notBuilt.map(([name, detail]) => `${name}: ${detail}`).join('\n'))
  for (const [name, detail] of notBuilt) complain(name, detail)
  if (problems.length > 0)
    throw new HubError('CONFIG_INVALID', problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('\n'), {
      problems,
    })

  return deepFreeze({
    dataDir,
    http: {
      port: port('HUB_HTTP_PORT'),
      host: httpHost,
      publicUrl: read('HUB_PUBLIC_URL')?.replace(/\/+$/, '') ?? null,
    },
    mqtt: { port: port('HUB_MQTT_PORT'), host: mqttHost },
    mqtts:
      mqttsPort !== null && tls.cert && tls.key
        ? { port: mqttsPort, certFile: tls.cert, keyFile: tls.key, clientCaFile: tls.clientCa }
        : null,
    mqttWebSocket: optionalPort('HUB_MQTT_WS_PORT') === null ? null : { port: port('HUB_MQTT_WS_PORT') },
    databaseUrl: read('DATABASE_URL'),
    databaseOwnerUrl: read('DATABASE_OWNER_URL'),
    influx:
      influxUrl !== null && bucket !== null
        ? { url: influxUrl, token: read('INFLUX_TOKEN'), org: read('INFLUX_ORG'), bucket }
        : null,
    roles,
    adminKey,
    secretKey: secretBytes(read('HUB_SECRET_KEY')),
    allowLoopback,
    timeScale,
    logDir: path('HUB_LOG_DIR') ?? join(dataDir, 'log'),
    diskReserveBytes: bytesOf(withDefault('HUB_DISK_RESERVE')),
    proxyProtocol: read('HUB_PROXY_PROTOCOL')?.split(/\s*,\s*/) ?? [],
    logLevel: withDefault('HUB_LOG_LEVEL'),
    loopbackOnly,
    warnings: warningsOf(env, { mqttsPort, influxUrl }),
  })
}

/** Only what surely stays on this machine; a name may resolve to anything, so only `localhost` counts. */
function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function rolesOf(text: string): ReadonlySet<Role> {
  return new Set(text === 'all' ? ROLES : (text.split(',').map((role) => role.trim()) as Role[]))
}

function bytesOf(text: string): number {
  const [, digits, unit] = /^(\d+)\s*(\D*)$/.exec(text) ?? []
  return Number(digits) * (BYTES[unit || 'B'] ?? 1)
}

function secretBytes(text: string | null): Uint8Array | null {
  if (text === null) return null
  return text.length === 64 ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
}

/** Misspelt variables and those whose partner is missing: not wrong enough to refuse, too odd to keep quiet. */
function warningsOf(
  env: Record<string, string | undefined>,
  { mqttsPort, influxUrl }: { mqttsPort: number | null; influxUrl: string | null },
): string[] {
  const known = new Set([...Object.keys(Environment.properties), ...CLIENT_VARIABLES])
  const unknown = Object.keys(env).filter((name) => name.startsWith('HUB_') && !known.has(name))
  const idle = (on: boolean, names: string[], needs: string): string[] =>
    on ? [] : names.filter((name) => env[name]?.trim()).map((name) => `${name} has no effect without ${needs}`)
  return [
    ...unknown.map((name) => `${name} is not a variable of the hub`),
    ...idle(mqttsPort !== null, ['HUB_TLS_CERT', 'HUB_TLS_KEY', 'HUB_TLS_CLIENT_CA'], 'HUB_MQTTS_PORT'),
    ...idle(influxUrl !== null, ['INFLUX_TOKEN', 'INFLUX_ORG', 'INFLUX_BUCKET'], 'INFLUX_URL'),
  ]
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (member !== null && typeof member === 'object' && !ArrayBuffer.isView(member)) deepFreeze(member)
  return Object.freeze(value)
}
