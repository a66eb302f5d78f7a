import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '#app'
import { silentLogger } from '#platform'
import { openInfluxHistory } from '#store'
import { CLIENT_VARIABLES } from '../app/environment.ts'
import { runCommand } from '../app/run-command.ts'
import { influxAvailable, startTestInflux, type TestInflux } from '../store/history/testing/influx-server.ts'

const root = join(import.meta.dirname, '..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Service {
  image?: string
  build?: string
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  depends_on?: Record<string, unknown>
  command?: string[]
}
interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}

const composeText = textOf('docker-compose.yml')
const compose = parse(composeText) as Compose
const services = Object.entries(compose.services)
const dockerfile = textOf('Dockerfile')

/** `${NAME:?…}` and `${NAME:-default}`, as compose reads them. */
const REFERENCE = /\$\{([A-Z_]+)(?::([?-])([^}]*))?\}/g
const references = [...composeText.matchAll(REFERENCE)].map(([, name, form]) => ({ name: name!, form }))

function filledIn(text: string): string {
  return String(text).replace(REFERENCE, (_all, _name, form, rest) =>
    form === '-' ? rest : randomBytes(32).toString('hex'),
  )
}

const hubEnvironment = {
  ...Object.fromEntries(
    [...dockerfile.matchAll(/\b((?:HUB|NODE)_[A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  ),
  ...Object.fromEntries(
    Object.entries(compose.services.hub!.environment!).map(([name, value]) => [name, filledIn(value)]),
  ),
}

describe('docker-compose.yml', () => {
  test('what it gives to the hub is a configuration the hub takes without a word', () => {
    const config = readConfig(hubEnvironment, '/hub')
    expect(config.warnings).toEqual([])
    expect(config.loopbackOnly).toBe(false)
    expect(config.influx).toMatchObject({ url: 'http://influxdb:8086', bucket: 'telemetry' })
    const known = textOf('app/environment.ts')
    for (const name of Object.keys(compose.services.hub!.environment!)) expect(known, name).toContain(`  ${name}:`)
  })

  test('its hub listens where the ports lead, and keeps its data in the volume', () => {
    const { http, mqtt, dataDir } = readConfig(hubEnvironment, '/hub')
    const inside = compose.services.hub!.ports!.map((port) => Number(port.split(':').at(-1)))
    expect(inside).toEqual([http.port, mqtt.port])
    expect(compose.services.hub!.volumes).toEqual([`hub:${dataDir}`])
    expect(dockerfile).toContain(`VOLUME ${dataDir}`)
  })

  test('every image is of a named version, or built here', () => {
    for (const [name, { image, build }] of services) {
      if (build) expect(existsSync(join(root, build, 'Dockerfile')), name).toBe(true)
      else expect(image, name).toMatch(/^[a-z/]+:\d+\.\d+[\w.-]*$/)
    }
    for (const [, base] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(base).toMatch(/^node:24[\w.-]*$/)
  })

  test('nothing is reachable from outside the machine', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  test('no secret has a default, and the example names every variable', () => {
    const example = textOf('.env.example')
    for (const { name, form } of references) {
      if (/PASSWORD|TOKEN|KEY/.test(name)) expect(form, name).toBe('?')
      if (form === '?') expect(example, name).toMatch(new RegExp(`^${name}=$`, 'm'))
    }
    expect(references.length).toBeGreaterThan(5)
    const secrets = Object.entries(compose.services).flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|TOKEN|_KEY$/.test(name)),
    )
    for (const [name, value] of secrets) expect(value, name).toContain('${')
  })

  test('services and volumes that are named exist', () => {
    for (const [name, { depends_on = {}, volumes = [] }] of services) {
      for (const other of Object.keys(depends_on)) expect(compose.services, name).toHaveProperty(other)
      for (const [source] of volumes.map((volume) => volume.split(':') as [string])) {
        if (source.startsWith('./')) expect(existsSync(join(root, source)), source).toBe(true)
        else expect(compose.volumes).toHaveProperty(source)
      }
    }
  })

  test('the simulators’ command line is one the command understands', async () => {
    const { command, environment } = compose.services.simulators!
    const [, , name, ...args] = command!
    let usage = ''
    await runCommand({
      args: [name!, '--help'],
      env: {},
      cwd: root,
      out: (text) => (usage += text),
      err: (text) => (usage += text),
      signal: new AbortController().signal,
    })
    for (const option of args.filter((arg) => arg.startsWith('--'))) expect(usage).toContain(`  ${option}`)
    expect(Object.keys(environment!).sort()).toEqual([...CLIENT_VARIABLES].sort())
  })
})

interface Dashboard {
  uid: string
  panels: { id: number; title: string; datasource: { uid: string }; targets: { query: string }[] }[]
  templating: { list: { name: string; query: string; regex: string; datasource: { uid: string } }[] }
}

const dashboards = readdirSync(join(root, 'deploy/grafana/dashboards'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(textOf(`deploy/grafana/dashboards/${file}`)) as Dashboard)
const [dataSource] = (
  parse(textOf('deploy/grafana/provisioning/datasources/influxdb.yml')) as {
    datasources: { uid: string; url: string; jsonData: { dbName: string }; secureJsonData: Record<string, string> }[]
  }
).datasources

describe('Grafana', () => {
  test('its data source is the history the hub writes', () => {
    const hub = compose.services.hub!.environment!
    expect(dataSource).toMatchObject({ url: hub.INFLUX_URL, jsonData: { dbName: hub.INFLUX_BUCKET } })
    for (const [, name] of JSON.stringify(dataSource).matchAll(/\$\{([A-Z_]+)\}/g))
      expect(compose.services.grafana!.environment).toHaveProperty(name!)
  })

  test('dashboards are where it looks for them, and ask that source', () => {
    const { providers } = parse(textOf('deploy/grafana/provisioning/dashboards/beforehand.yml')) as {
      providers: { options: { path: string } }[]
    }
    expect(compose.services.grafana!.volumes).toContain(`./deploy/grafana/dashboards:${providers[0]!.options.path}:ro`)
    expect(dashboards.length).toBeGreaterThan(0)
    for (const { panels, templating } of dashboards) {
      expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length)
      for (const { datasource } of [...panels, ...templating.list]) expect(datasource.uid).toBe(dataSource!.uid)
    }
  })
})

const CI = process.env.CI === 'true'

describe.skipIf(!CI && !influxAvailable())('every question of the dashboards (needs influxd, or INFLUX_URL)', () => {
  const BUCKET = `dashboard_${randomBytes(4).toString('hex')}`
  const DEVICES = ['dev_a', 'dev_b']
  let influx: TestInflux

  beforeAll(async () => {
    influx = await startTestInflux()
    const { INFLUX_TOKEN: token, INFLUX_ORG: org } = process.env
    const history = await openInfluxHistory({
      url: influx.url,
      bucket: BUCKET,
      logger: silentLogger,
      ...(token ? { token } : {}),
      ...(org ? { org } : {}),
    })
    const nowMs = Date.now()
    await history.write(
      DEVICES.map((deviceId, i) => ({
        seq: i + 1,
        brandId: 'brand_a',
        deviceId,
        receivedAtMs: nowMs,
        measuredAtMs: nowMs - 60_000,
        serverTime: false,
        imported: false,
        values: { filter_dp_pa: 131.2 + i, fan_on: true, mode: 'high' },
      })),
      { logId: 'log_a', seq: 2 },
    )
    const part = { brandId: 'brand_a', productKey: 'ap-300', component: 'hepa-filter', atMs: nowMs - 60_000 }
    const left = { wear: 0.4, p10Days: 40, p50Days: 55, p90Days: 70 }
    await history.writeHealth(DEVICES.map((deviceId) => ({ ...part, ...left, deviceId })))
    await history.close()
  })
  afterAll(() => influx?.stop())

  async function ask(query: string): Promise<unknown[][]> {
    const url = `${influx.url}/query?${new URLSearchParams({ db: BUCKET, epoch: 'ms', q: query })}`
    const authorization = process.env.INFLUX_TOKEN ? `Token ${process.env.INFLUX_TOKEN}` : ''
    const response = await fetch(url, authorization ? { headers: { authorization } } : {})
    const { results } = (await response.json()) as {
      results: { series?: { values: unknown[][] }[]; error?: string }[]
    }
    expect(results[0]?.error, query).toBeUndefined()
    return (results[0]?.series ?? []).flatMap((series) => series.values)
  }

  /** As Grafana fills in: several values of a variable become alternatives of the pattern. */
  const interpolated = (query: string): string =>
    query
      .replaceAll('$timeFilter', 'time > now() - 1h AND time < now()')
      .replaceAll('$__interval', '1m')
      .replaceAll('$brand', '(brand_a)')
      .replaceAll('$device', `(${DEVICES.join('|')})`)
      .replaceAll('$metric', 'filter_dp_pa')

  test('is answered by what the hub writes', async () => {
    for (const { panels, templating } of dashboards) {
      for (const { name, query } of templating.list)
        expect(await ask(interpolated(query)), `variable ${name}`).not.toEqual([])
      for (const { title, targets } of panels) {
        for (const { query } of targets) {
          const rows = await ask(interpolated(query))
          expect(
            rows.flatMap((row) => row.slice(1)).filter((value) => value !== null),
            title,
          ).not.toEqual([])
          expect(interpolated(query), title).not.toMatch(/\$\w/)
        }
      }
    }
  })

  test('offers metrics that can be drawn, and not the hub’s own columns', async () => {
    const metric = dashboards.flatMap(({ templating }) => templating.list).find(({ name }) => name === 'metric')!
    const keys = (await ask(metric.query)).map(([key]) => String(key))
    expect(keys).toEqual(expect.arrayContaining([':seq', 'fan_on:boolean', 'mode:text']))
    const pattern = new RegExp(metric.regex.slice(1, -1))
    expect(keys.filter((key) => pattern.test(key))).toEqual(['filter_dp_pa'])
  })
})
