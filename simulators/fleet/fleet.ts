import { HubError, isHubError, type Random, realSleep, seededRandom, toError } from '#platform'
import type { DeviceModel } from '../physics/device-model.ts'
import { FaultyUplink, type FleetFaults, type TimedReading } from './faults.ts'
import { MqttDevice } from './mqtt-device.ts'
import { noTruth, TruthKeeper, type TruthSink } from './truth.ts'

const TELEMETRY_TOPIC = 'v1/devices/me/telemetry'
/** Connects and publishes under way together: enough to fill a broker's batch, below its limit on new connections. */
const PARALLEL_MAX = 64
/** A broker that is away this many tries in a row is gone. */
const TRIES_MAX = 40
/** Before anything was sent, an address that answers nothing is rather a wrong one: said within two seconds. */
const FIRST_TRIES_MAX = 5
const RETRY_MS_MAX = 5_000

export interface FleetDevice {
  serial: string
  token: string
  model: DeviceModel
}

export interface FleetOptions {
  url: string
  ca?: string
  devices: readonly FleetDevice[]
  seed: number
  faults?: FleetFaults
  truth?: TruthSink
  topic?: string
  cadence?: Cadence
  signal?: AbortSignal
  /** Called at each PUBACK, in its order per device: what the broker has answered for. */
  onAcknowledged?: (serial: string, readings: readonly TimedReading[]) => void
}

/** A slower beat than the models' own, for many devices over a long time; all of it on whole multiples. */
export interface Cadence {
  /** How often a device lives on: what wears and what people do with it. */
  livesMs: number
  /** How often it reports what it then measures. */
  reportsMs: number
  /** Shifts the reports, so that a moment of the day that matters is among them. */
  offsetMs?: number
}

export interface FleetCounts {
  devices: number
  produced: number
  dropped: number
  duplicated: number
  overflowed: number
  /** Messages and readings with a PUBACK; a duplicate counts again. */
  messagesAcknowledged: number
  readingsAcknowledged: number
  reconnects: number
}

interface Member extends FleetDevice {
  uplink: FaultyUplink
  line: MqttDevice
  truth: Map<string, TruthKeeper>
  nextMs: number | null
  unplugged: boolean
}

/** Simulated appliances with real connections. Time is told to them; they never look at a clock. */
export class Fleet {
  readonly #members: Map<string, Member>
  readonly #options: FleetOptions
  #messages = 0
  #readings = 0
  #reconnects = 0
  /** Ends the waiting of every device at once, on request or because the fleet closes. */
  readonly #closing = new AbortController()
  readonly #stop: AbortSignal

  constructor(options: FleetOptions) {
    this.#options = options
    const { signal: asked } = options
    this.#stop = asked ? AbortSignal.any([asked, this.#closing.signal]) : this.#closing.signal
    const random = seededRandom(options.seed)
    this.#members = new Map(options.devices.map((device) => [device.serial, this.#member(device, random)]))
  }

  /** @throws HubError `MISSING_DEPENDENCY` when no broker answers, `UNAUTHENTICATED` when it refuses a token. */
  async connect(): Promise<void> {
    // One device asks first: a broker that is not there is told once and soon.
    for (const member of [...this.#members.values()].slice(0, 1)) await this.#connect(member, FIRST_TRIES_MAX)
    await this.#each((member) => this.#connect(member))
  }

  /** Lives until `toMs`: every device measures on its own beat and sends what its faults let through. Resolves at the last PUBACK. */
  async stepTo(toMs: number): Promise<void> {
    await this.#each(async (member) => {
      const readings = this.#live(member, toMs)
      if (member.unplugged) return
      for (const message of member.uplink.pass(readings, toMs)) await this.#send(member, message)
    })
  }

  /** One reading of every device now, whatever its beat: for a given rate of messages. */
  async measureAt(atMs: number): Promise<void> {
    await this.#each(async (member) => {
      for (const message of member.uplink.pass([this.#measure(member, atMs)], atMs)) await this.#send(member, message)
    })
  }

  /** Sends what is still held back by delays and outages. */
  async flush(): Promise<void> {
    await this.#each(async (member) => {
      for (const message of member.uplink.flush()) await this.#send(member, message)
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#each((member) => member.line.close())
  }

  serials(): string[] {
    return [...this.#members.keys()]
  }

  has(serial: string): boolean {
    return this.#members.has(serial)
  }

  /** Whether its physics knows this part; what is only looked after by the calendar is none. */
  wears(serial: string, component: string): boolean {
    return this.#of(serial).model.components.includes(component)
  }

  /** What somebody who opens the appliance sees: 0 new, 1 failed. */
  wear(serial: string, component: string): number {
    return this.#of(serial).model.wear(component)
  }

  /** Puts a new part in: from the next reading on the signal shows it. */
  replace(
    serial: string,
    component: string,
    { atMs, by, pace = 1 }: { atMs: number; by: string; pace?: number },
  ): void {
    const member = this.#of(serial)
    const wearBefore = member.model.wear(component)
    member.model.replace(component, pace)
    member.truth.get(component)?.replaced(atMs, by, { wearBefore, pace })
  }

  /** Lives on without a word: no reading of it is sent any more, held back ones included. */
  unplug(serial: string): void {
    this.#of(serial).unplugged = true
  }

  counts(): FleetCounts {
    const counts: FleetCounts = {
      devices: this.#members.size,
      produced: 0,
      dropped: 0,
      duplicated: 0,
      overflowed: 0,
      messagesAcknowledged: this.#messages,
      readingsAcknowledged: this.#readings,
      reconnects: this.#reconnects,
    }
    for (const { uplink } of this.#members.values()) {
      counts.produced += uplink.counts.produced
      counts.dropped += uplink.counts.dropped
      counts.duplicated += uplink.counts.duplicated
      counts.overflowed += uplink.counts.overflowed
    }
    return counts
  }

  #member(device: FleetDevice, random: Random): Member {
    const { url, ca, faults, truth = noTruth } = this.#options
    const who = { serial: device.serial, category: device.model.category }
    return {
      ...device,
      uplink: new FaultyUplink(random.fork(device.serial), faults),
      line: new MqttDevice({ url, clientId: device.serial, token: device.token, ...(ca ? { ca } : {}) }),
      truth: new Map(
        device.model.components.map((component) => [component, new TruthKeeper(truth, { ...who, component })]),
      ),
      nextMs: null,
      unplugged: false,
    }
  }

  #live(member: Member, toMs: number): TimedReading[] {
    const { cadence } = this.#options
    const everyMs = cadence?.livesMs ?? member.model.everyMs
    const readings: TimedReading[] = []
    // Devices measure on whole multiples of their beat, as a clock set by the network makes them.
    let atMs = member.nextMs ?? Math.floor(toMs / everyMs) * everyMs
    for (; atMs <= toMs; atMs += everyMs) {
      const reading = this.#measure(member, atMs)
      if (!cadence || (atMs - (cadence.offsetMs ?? 0)) % cadence.reportsMs === 0) readings.push(reading)
    }
    member.nextMs = atMs
    return readings
  }

  #measure(member: Member, atMs: number): TimedReading {
    const reading = { ts: atMs, values: member.model.measure(atMs) }
    for (const [component, keeper] of member.truth) keeper.observe(atMs, member.model.wear(component))
    return reading
  }

  async #connect(member: Member, triesMax = TRIES_MAX): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await member.line.connect()
        // Too late to be of use, and nobody would close it.
        if (this.#closing.signal.aborted) member.line.destroy()
        return
      } catch (error) {
        // A refused token will be refused again; a broker that is restarting will not.
        if (isHubError(error)) throw error
        if (tries >= triesMax || this.#stop.aborted) throw this.#noBroker(error)
        await realSleep(Math.min(RETRY_MS_MAX, 50 * 2 ** tries), this.#stop)
      }
    }
  }

  #noBroker(cause: unknown): HubError {
    // An address with several IPs fails with several causes and no message of its own.
    const { message, code } = toError(cause) as NodeJS.ErrnoException
    const detail = `No MQTT broker answers at ${this.#options.url} (${message || code}). Start one, or give its address.`
    return new HubError('MISSING_DEPENDENCY', detail, { cause })
  }

  async #send(member: Member, readings: TimedReading[]): Promise<void> {
    const { topic = TELEMETRY_TOPIC, onAcknowledged } = this.#options
    const payload = JSON.stringify(readings.length === 1 ? readings[0] : readings)
    for (let tries = 1; ; tries++) {
      try {
        if (!member.line.connected) {
          if (tries > 1) this.#reconnects++
          await this.#connect(member)
        }
        await member.line.publish(topic, payload, { dup: tries > 1 })
        break
      } catch (error) {
        // Without a PUBACK the device still owns the reading and sends it again.
        if (isHubError(error) || tries >= TRIES_MAX || this.#stop.aborted) throw error
        await realSleep(Math.min(RETRY_MS_MAX, 50 * 2 ** tries), this.#stop)
      }
    }
    this.#messages++
    this.#readings += readings.length
    onAcknowledged?.(member.serial, readings)
  }

  #of(serial: string): Member {
    const member = this.#members.get(serial)
    if (!member) throw new Error(`no simulated device has the serial ${serial}`)
    return member
  }

  async #each(work: (member: Member) => Promise<void>): Promise<void> {
    const waiting = this.#members.values()
    const lane = async (): Promise<void> => {
      for (const member of waiting) await work(member)
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL_MAX, this.#members.size) }, lane))
  }
}
