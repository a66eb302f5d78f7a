import { catalog } from '#catalog'
import { HubError, realClock, realSleep, seededRandom } from '#platform'
import type { FleetFaults } from './fleet/faults.ts'
import { Fleet, type FleetCounts, type FleetDevice } from './fleet/fleet.ts'
import { noTruth, truthFile } from './fleet/truth.ts'
import { HubApi } from './hub-api.ts'
import { planNeighbourhood, SCENARIOS, type Scenario } from './neighbourhood.ts'
import { registerFleet } from './register.ts'

export interface SimulateOptions {
  /** Any broker: `mqtt://host:port` or `mqtts://host:port`. */
  url: string
  /** PEM of a private authority. */
  ca?: string
  /** How many, or which: a list names each device's serial and access token. */
  devices: number | readonly { serial: string; token: string; category?: string }[]
  /** With a number of devices: the token is this, then the serial. Empty when absent. */
  tokenPrefix?: string
  /** With a number of devices: a hub to make them known to first, by its operator's key; it gives the tokens. */
  register?: { hubUrl: string; key: string }
  /** Messages per second of the whole fleet; each device on its own beat when absent. */
  rate?: number
  seed?: number
  scenario?: Scenario
  categories?: readonly string[]
  faults?: FleetFaults
  /** NDJSON of what really wore and failed. */
  truthFile?: string
  topic?: string
  /** Ends after this much real time; else with the signal. */
  durationMs?: number
  signal?: AbortSignal
  /** Called about once a second. */
  onProgress?: (counts: FleetCounts) => void
}

export interface SimulateResult extends FleetCounts {
  seed: number
  seconds: number
}

const PROGRESS_MS = 1_000
/** Rounds of sending are at least this far apart, so that a high rate makes larger rounds and not a busy loop. */
const ROUND_MS_MIN = 20

/** Runs a fleet in real time against any broker until told to stop; every reading acknowledged is counted. */
export async function runSimulate(options: SimulateOptions): Promise<SimulateResult> {
  const seed = options.seed ?? 1
  checkOptions(options)
  const truth = options.truthFile ? truthFile(options.truthFile) : noTruth
  const devices = await devicesOf(options, seed)
  const startedMs = realClock.nowMs()
  const fleet = new Fleet({
    url: options.url,
    devices,
    seed,
    truth,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(options.topic === undefined ? {} : { topic: options.topic }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  try {
    await fleet.connect()
    await live(fleet, options, devices.length, startedMs)
    await fleet.flush()
  } finally {
    await fleet.close()
    await truth.close()
  }
  return { seed, seconds: (realClock.nowMs() - startedMs) / 1_000, ...fleet.counts() }
}

async function live(
  fleet: Fleet,
  { rate, durationMs, signal, onProgress }: SimulateOptions,
  count: number,
  startedMs: number,
): Promise<void> {
  let toldMs = startedMs
  // With a rate, a round is one reading of every device; else time passes and each measures on its beat.
  const roundMs = rate === undefined ? PROGRESS_MS : Math.max(ROUND_MS_MIN, (1_000 * count) / rate)
  for (let round = 1; !signal?.aborted; round++) {
    const nowMs = realClock.nowMs()
    if (durationMs !== undefined && nowMs - startedMs >= durationMs) return
    if (rate === undefined) await fleet.stepTo(nowMs)
    else await fleet.measureAt(nowMs)
    if (nowMs - toldMs >= PROGRESS_MS) {
      toldMs = nowMs
      onProgress?.(fleet.counts())
    }
    const waitMs = startedMs + round * roundMs - realClock.nowMs()
    if (waitMs > 0) await realSleep(waitMs, signal)
  }
}

function checkOptions({ devices, rate, scenario, categories }: SimulateOptions): void {
  const count = typeof devices === 'number' ? devices : devices.length
  if (!Number.isInteger(count) || count < 1) throw new HubError('USAGE', '--devices needs at least one device.')
  if (rate !== undefined && !(rate > 0)) throw new HubError('USAGE', '--rate is messages per second and above 0.')
  if (scenario !== undefined && !Object.hasOwn(SCENARIOS, scenario))
    throw new HubError('USAGE', `--scenario "${scenario}" is none of ${Object.keys(SCENARIOS).join(', ')}.`)
  const known = catalog.map((entry) => entry.category)
  const unknown = categories?.find((category) => !known.includes(category))
  if (unknown !== undefined)
    throw new HubError('USAGE', `There are no simulated "${unknown}"; there are ${known.join(', ')}.`)
}

async function devicesOf(options: SimulateOptions, seed: number): Promise<FleetDevice[]> {
  const { devices, tokenPrefix = '', register, scenario, categories } = options
  const given = typeof devices === 'number' ? null : devices
  const plan = (count: number, kinds: readonly string[] | undefined, label: string) =>
    planNeighbourhood({
      devices: count,
      random: seededRandom(seed).fork(label),
      ...(scenario === undefined ? {} : { scenario }),
      ...(kinds === undefined ? {} : { categories: kinds }),
    }).devices
  if (!given) {
    const planned = plan(devices as number, categories, 'fleet')
    const tokens = register ? await registerFleet(new HubApi(register.hubUrl, register.key), planned) : null
    return planned.map(({ serial, model }) => ({ serial, token: tokens?.get(serial) ?? tokenPrefix + serial, model }))
  }
  return given.map(({ serial, token, category }) => {
    const kinds = category === undefined ? categories : [category]
    return { serial, token, model: plan(1, kinds, serial)[0]!.model }
  })
}
