import type { CatalogEntry } from '#catalog'
import type { CloudEvent, OfferView } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { type Random, seededRandom } from '#platform'
import type { HomeownerChange } from './actors/home-diary.ts'
import { DemoHomeowners, type Notice } from './actors/homeowners.ts'
import type { PartnerHabits } from './actors/order-fate.ts'
import { DemoPartner, type PartnerChange, type PartnerOptions } from './actors/partner.ts'
import type { Temper } from './actors/temper.ts'
import { startWebhookServer, type WebhookServer } from './actors/webhook-server.ts'
import type { World } from './actors/world.ts'
import { Care } from './care.ts'
import type { FleetFaults } from './fleet/faults.ts'
import { type Cadence, Fleet } from './fleet/fleet.ts'
import { noTruth, type TruthRecord, type TruthSink } from './fleet/truth.ts'
import { HubApi } from './hub-api.ts'
import { HubClock } from './hub-clock.ts'
import { kindsOf, type PlannedDevice, planNeighbourhood, type Scenario } from './neighbourhood.ts'
import { type BrandSetUp, setUpBrand, zoneOfHome } from './setup.ts'
import { SuddenFaults } from './sudden-faults.ts'

const HOUR_MS = 3_600_000

export interface TownPartner extends Pick<PartnerOptions, 'down' | 'polls' | 'itemFate' | 'server'> {
  key: string
  name: string
  habits?: PartnerHabits
}

export interface TownOptions {
  /** `http://127.0.0.1:8080` */
  hubUrl: string
  /** `mqtt://127.0.0.1:1883` */
  mqttUrl: string
  /** The operator's key: creates the brand, the partners and everything else over HTTP. */
  platformKey: string
  /** Repeats the same homes, wear and decisions. */
  seed: number
  devices: number
  scenario?: Scenario
  categories?: readonly string[]
  /** What the brand makes; the kinds among the devices when absent. */
  entries?: readonly CatalogEntry[]
  cadence?: Cadence
  faults?: FleetFaults
  partners: readonly TownPartner[]
  temper?: Temper
  /** Faults no sensor sees coming, per appliance and year. */
  suddenPerYear?: number
  timeZones?: readonly string[]
  truth?: TruthSink
  /** How long every call waits for a hub that was killed. */
  patienceMs?: number
  onPartner?: (change: PartnerChange, partner: DemoPartner) => void
  onHomeowner?: (change: HomeownerChange) => void
  onAccepting?: (view: OfferView, link: string) => void
  onBrandEvent?: (event: CloudEvent, nowMs: number) => void
  signal?: AbortSignal
}

/** Everything outside a hub on stepped time: one brand with its homes, their appliances and people, and its partners. */
export interface Town {
  readonly setUp: BrandSetUp
  readonly hub: HubApi
  readonly clock: HubClock
  readonly fleet: Fleet
  readonly world: World
  readonly partners: readonly DemoPartner[]
  readonly brand: WebhookServer
  readonly plan: { homes: number; devices: PlannedDevice[] }
  readonly random: Random
  readonly startMs: number
  /** Components that failed before anybody came. */
  failures(): number
  /** IANA zone of a home, by the hub's id of it. */
  zoneOf(homeId: string): string
  /** One hour, or `byMs`: the hub's time, then what people do, then what was measured. */
  step(byMs?: number): Promise<number>
  close(): Promise<void>
}

/**
 * Sets a brand up through the API, connects its fleet over MQTT, and moves its people and partners along with the
 * hub's clock.
 *
 * @throws HubError `MISSING_DEPENDENCY` when the hub does not answer or runs on real time.
 */
export async function openTown(options: TownOptions): Promise<Town> {
  const { patienceMs = 0, hubUrl } = options
  const random = seededRandom(options.seed)
  const hub = new HubApi(hubUrl, options.platformKey, { patienceMs })
  const clock = new HubClock(hub)
  const startMs = await clock.read()
  const plan = planNeighbourhood({
    devices: options.devices,
    random: random.fork('fleet'),
    ...(options.scenario ? { scenario: options.scenario } : {}),
    ...(options.categories ? { categories: options.categories } : {}),
  })
  const zones = new Map(plan.devices.map((it) => [it.serial, zoneOfHome(it.home, options.timeZones)]))
  const entries = options.entries ?? kindsOf(plan.devices)
  const byHome = new Map<string, PlannedDevice[]>()
  const zoneByHome = new Map<string, string>()
  let failures = 0
  let fleet: Fleet | null = null
  let setUp: BrandSetUp | null = null

  // What fails is noticed by somebody, and counted, as it is written down.
  const written = options.truth ?? noTruth
  const truth: TruthSink = {
    write: (record: TruthRecord) => {
      written.write(record)
      if (record.kind !== 'failed') return
      failures++
      homeowners.broke(record.serial, record.category, record.component, clock.nowMs)
    },
    close: () => written.close(),
  }
  const sudden = new SuddenFaults({
    devices: plan.devices,
    perYear: options.suddenPerYear ?? 0,
    random: random.fork('sudden'),
    truth,
  })
  const care = new Care()
  const world: World = {
    has: (serial) => fleet?.has(serial) ?? false,
    wear: (serial, component) =>
      sudden.wear(serial, component) ??
      (fleet!.wears(serial, component) ? fleet!.wear(serial, component) : care.wear(serial, component, clock.nowMs)),
    replace: (serial, component, how) => {
      if (sudden.repair(serial, component, how)) return
      if (fleet!.wears(serial, component)) fleet!.replace(serial, component, how)
      else care.done(serial, component, how.atMs)
    },
  }
  const homeowners = new DemoHomeowners({
    hubUrl,
    random: random.fork('homes'),
    world,
    truth,
    patienceMs,
    brand: () => setUp?.brand ?? null,
    symptomOf: (category, component) => symptomOf(entries, category, component),
    timeZoneOf: (serial) => zones.get(serial)!,
    devicesOfHome: (homeId) => byHome.get(homeId) ?? [],
    ...(options.temper ? { temper: options.temper } : {}),
    ...(options.onHomeowner ? { onChange: options.onHomeowner } : {}),
    ...(options.onAccepting ? { onAccepting: options.onAccepting } : {}),
  })
  const partners = options.partners.map(({ name: _name, ...own }, i) => {
    const partner: DemoPartner = new DemoPartner({
      hubUrl,
      random: random.fork(i === 0 ? 'partner' : `partner ${own.key}`),
      world,
      truth,
      patienceMs,
      nowMs: () => clock.nowMs,
      onChange: (change) => options.onPartner?.(change, partner),
      ...own,
    })
    return partner
  })
  for (const [i, partner] of partners.entries())
    for (const other of partners.slice(i + 1)) partner.ledger.beside(other.ledger)
  let brandSecret: string | null = null
  const brand = await startWebhookServer({
    secret: () => brandSecret,
    onEvent: (event: CloudEvent) => {
      options.onBrandEvent?.(event, clock.nowMs)
      if (event.type === `${EVENT_TYPE_PREFIX}notice.requested`) homeowners.receive(event.data as Notice, clock.nowMs)
    },
  })

  const close = async (): Promise<void> => {
    await fleet?.close()
    for (const partner of partners) await partner.close()
    await brand.close()
    await written.close()
  }
  try {
    const registered = []
    for (const [i, partner] of partners.entries())
      registered.push({ key: partner.key, name: options.partners[i]!.name, url: await partner.start() })
    setUp = await setUpBrand({
      hub,
      nowMs: startMs,
      ...plan,
      partners: registered,
      brandUrl: brand.url,
      entries,
      ...(options.timeZones ? { timeZones: options.timeZones } : {}),
    })
    brandSecret = setUp.endpointSecret
    for (const partner of partners) partner.equip(setUp.partners.get(partner.key)!)
    for (const device of plan.devices) {
      const homeId = setUp.homeIds[device.home]!
      byHome.set(homeId, [...(byHome.get(homeId) ?? []), device])
      zoneByHome.set(homeId, zoneOfHome(device.home, options.timeZones))
    }
    const { devices } = setUp
    fleet = new Fleet({
      url: options.mqttUrl,
      devices: plan.devices.map(({ serial, model }) => ({ serial, model, token: devices.get(serial)!.token })),
      seed: options.seed,
      truth,
      ...(options.faults ? { faults: options.faults } : {}),
      ...(options.cadence ? { cadence: options.cadence } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    })
    await fleet.connect()
  } catch (error) {
    await close()
    throw error
  }
  const living = fleet
  return {
    setUp,
    hub,
    clock,
    fleet: living,
    world,
    partners,
    brand,
    plan,
    random,
    startMs,
    failures: () => failures,
    zoneOf: (homeId) => zoneByHome.get(homeId)!,
    async step(byMs = HOUR_MS) {
      // The hub first, so that nothing it is sent lies in its future; then what people do; then what was measured.
      const nowMs = await clock.stepTo(clock.nowMs + byMs)
      sudden.step(nowMs)
      await homeowners.step(nowMs)
      for (const partner of partners) await partner.step(nowMs)
      await living.stepTo(nowMs)
      return nowMs
    },
    close,
  }
}

function symptomOf(entries: readonly CatalogEntry[], category: string, component: string): string | null {
  const product = entries.find((entry) => entry.category === category)?.product
  return product?.components?.find((it) => it.key === component)?.symptoms?.[0]?.code ?? null
}
