/**
 * Kills the hub again and again while appliances send, and then asks: is everything that was acknowledged
 * in the log and in the history, and do alerts, cases and orders equal those of the same log read from empty?
 *
 *   node scripts/kill-loop.ts [--cycles 20] [--devices 20] [--cities 10] [--seed 1]
 *
 * With one city the needs of all appliances look like a storm and most are held for the brand.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { newSecret, realClock, realSleep, SecretBox, seededRandom, silentLogger } from '#platform'
import { HubApi, startWebhookServer } from '#simulators'
import { Appliance } from './kill-loop/appliance.ts'
import { setUpHomes } from './kill-loop/homes.ts'
import { Ledger } from './kill-loop/ledger.ts'
import { verify } from './kill-loop/verify.ts'

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    devices: { type: 'string', default: '20' },
    cities: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
})
const cycles = Number(values.cycles)
const devices = Number(values.devices)
const random = seededRandom(Number(values.seed))
/** How long a hub lives under load before it is killed: sometimes before its start is over. */
const LIFE_MS_MAX = 3_000
/** A cycle with its start; appliances clog all along the trial. */
const CYCLE_MS = 5_000
const START_MS_MAX = 120_000
const SETTLED_MS_MAX = 120_000

const folder = mkdtempSync(join(tmpdir(), 'beforehand-kill-'))
// The embedded database's own user, as root, has to pass through.
chmodSync(folder, 0o711)
const dataDir = join(folder, 'data')
const adminKey = newSecret()
const secretKey = Buffer.from(Array.from({ length: 32 }, () => random.int(256)))
const [httpPort, mqttPort] = [await freePort(), await freePort()]
const say = (line: string): void => void process.stdout.write(`${line}\n`)

let partnerSecret: string | null = null
const orders = new Map<string, number>()
const partner = await startWebhookServer({
  secret: () => partnerSecret,
  onEvent: ({ type, data }) => {
    if (type !== 'beforehand.work_order.created') return
    const { id } = (data as { workOrder: { id: string } }).workOrder
    orders.set(id, (orders.get(id) ?? 0) + 1)
  },
})

/** Nothing of the trial outlives it, however it ends. */
const hubs = new Set<ChildProcess>()
process.on('exit', () => {
  for (const one of hubs) one.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

let child = await startHub()
const hub = new HubApi(`http://127.0.0.1:${httpPort}`, adminKey)
const house = await setUpHomes(hub, {
  count: devices,
  cities: Number(values.cities),
  partnerUrl: partner.url,
  nowMs: realClock.nowMs(),
})
partnerSecret = house.partnerSecret

const ledger = new Ledger()
const startedMs = realClock.nowMs()
const appliances = house.devices.map(
  ({ id, token }, i) =>
    new Appliance({
      url: `mqtt://127.0.0.1:${mqttPort}`,
      deviceId: id,
      token,
      clogsAtMs: startedMs + ((i + 0.5) / devices) * cycles * CYCLE_MS,
      ledger,
      random: random.fork(id),
    }),
)

let starting = 0
for (let cycle = 1; cycle <= cycles; cycle++) {
  await realSleep(random.next() * LIFE_MS_MAX)
  child.kill('SIGKILL')
  await once(child, 'exit')
  // Every fourth time the next one dies while it starts.
  if (cycle % 4 === 0) {
    const unborn = spawnHub()
    await realSleep(random.next() * LIFE_MS_MAX)
    unborn.kill('SIGKILL')
    await once(unborn, 'exit')
    starting++
  }
  child = await startHub()
  if (cycle % 5 === 0 || cycle === cycles) say(`${cycle} kills, ${ledger.size} readings acknowledged`)
}

for (const appliance of appliances) await appliance.finish()
await settled()
child.kill('SIGTERM')
const [code] = (await once(child, 'exit')) as [number | null]
const before = orders.size
const { faults, counts } = await verify(dataDir, { ledger, box: new SecretBox(secretKey), logger: silentLogger })
if (code !== 0) faults.push(`the last hub ended with ${code}`)
if (orders.size !== before) faults.push(`reading from empty asked the partner for ${orders.size - before} other orders`)
for (const [id, times] of orders) if (times > 1) faults.push(`the partner got order ${id} ${times} times`)
if (partner.counts.badSignature > 0) faults.push(`${partner.counts.badSignature} events with a bad signature`)
if (orders.size === 0) faults.push('no order reached the partner: the trial shows nothing')
await partner.close()
if (!values.keep) rmSync(folder, { recursive: true, force: true })
else say(`kept ${folder}`)

const facts = {
  kills: cycles + starting,
  killedWhileStarting: starting,
  sent: ledger.sent,
  ...counts,
  partnerOrders: orders.size,
}
say(
  Object.entries(facts)
    .map(([name, count]) => `${name} ${count}`)
    .join(' · '),
)
for (const fault of faults) say(`FAULT: ${fault}`)
say(faults.length === 0 ? 'Nothing acknowledged was lost, nothing was sent twice.' : `${faults.length} faults`)
process.exit(faults.length === 0 ? 0 : 1)

function spawnHub(): ChildProcess {
  const started = fork(join(import.meta.dirname, 'kill-loop', 'hub-process.ts'), {
    env: {
      PATH: process.env.PATH,
      HUB_DATA_DIR: dataDir,
      HUB_HTTP_PORT: String(httpPort),
      HUB_MQTT_PORT: String(mqttPort),
      HUB_ADMIN_KEY: adminKey,
      HUB_SECRET_KEY: secretKey.toString('base64'),
      HUB_ALLOW_LOOPBACK: 'yes',
      HUB_DISK_RESERVE: '0',
      HUB_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  hubs.add(started)
  started.once('exit', () => hubs.delete(started))
  return started
}

async function startHub(): Promise<ChildProcess> {
  const started = spawnHub()
  const late = new AbortController()
  const outcome = await Promise.race([
    once(started, 'message').then(() => 'ready'),
    once(started, 'exit').then(([exit]) => `ended with ${exit}`),
    realSleep(START_MS_MAX, late.signal).then(() => 'did not start'),
  ])
  late.abort()
  if (outcome === 'ready') return started
  started.kill('SIGKILL')
  throw new Error(`the hub ${outcome}`)
}

/** Everything acknowledged is decided, recorded and sent. */
async function settled(): Promise<void> {
  const untilMs = realClock.nowMs() + SETTLED_MS_MAX
  for (;;) {
    const text = await (await fetch(`${hub.url}/metrics`)).text()
    const metric = (name: string): number => Number(new RegExp(`^beforehand_${name} (.+)$`, 'm').exec(text)?.[1])
    const pending = await hub.get<{ items: unknown[] }>('/api/deliveries?state=pending')
    const { items } = await house.brand.get<{ items: { dispatch: string }[] }>('/api/cases?state=open')
    // A case that only tells stays open for as long as its alert does; the others are on their way to an order.
    const cases = items.filter(({ dispatch }) => dispatch !== 'notify')
    const lag = metric('rules_lag_records') + metric('history_lag_records')
    if (lag === 0 && pending.items.length === 0 && cases.length === 0) return
    if (realClock.nowMs() > untilMs)
      throw new Error(
        `not settled: lag ${lag}, ${pending.items.length} deliveries, ${cases.length} cases without an order`,
      )
    await realSleep(200)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
