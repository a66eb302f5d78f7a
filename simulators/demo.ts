import type { CloudEvent } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { realClock, seededRandom } from '#platform'
import { DemoHomeowners, type Notice, type Temper } from './actors/homeowners.ts'
import { DemoPartner } from './actors/partner.ts'
import { startWebhookServer } from './actors/webhook-server.ts'
import type { World } from './actors/world.ts'
import type { FleetFaults } from './fleet/faults.ts'
import { Fleet, type FleetCounts } from './fleet/fleet.ts'
import { noTruth, type TruthSink, truthFile } from './fleet/truth.ts'
import { HubApi } from './hub-api.ts'
import { HubClock } from './hub-clock.ts'
import { planNeighbourhood, type Scenario } from './neighbourhood.ts'
import { setUpBrand } from './setup.ts'
import { Story, type StoryCounts } from './story.ts'

const HOUR_MS = 3_600_000
/** Few enough for two cores, enough for something to be due every few days. */
const DEVICES = 18
/** A season and a little more. */
const DAYS = 100
const GIVE_UP_MS = 300_000
/** Ordinary life between a sensor and a hub. */
const ORDINARY_FAULTS: FleetFaults = {
  drop: 0.002,
  duplicate: 0.005,
  offline: { chancePerDay: 0.01, hours: 6 },
}

export interface DemoOptions {
  /** `http://127.0.0.1:8080` */
  hubUrl: string
  /** `mqtt://127.0.0.1:1883` */
  mqttUrl: string
  /** The operator's key: creates the brand, the partner and everything else over HTTP. */
  platformKey: string
  /** Repeats the same season, homes and decisions. */
  seed?: number
  devices?: number
  /** Days of hub time to play. */
  days?: number
  /** Stop after the first verified repair. */
  once?: boolean
  /** With `once`, stop without one after this much real time. */
  giveUpMs?: number
  scenario?: Scenario
  faults?: FleetFaults
  temper?: Temper
  /** NDJSON of what really wore and failed. */
  truthFile?: string
  /** Takes the story line by line. */
  print?: (line: string) => void
  signal?: AbortSignal
}

export interface DemoResult extends StoryCounts {
  /** Hub time played. */
  days: number
  /** Real time. */
  seconds: number
  /** Components that failed before anybody came, by the simulation's own truth. */
  failed: number
  fleet: FleetCounts
  partner: { received: number; repeated: number; refused: number; badSignature: number }
  /** What the partner's ledger says must never happen, and did. */
  violations: string[]
}

/**
 * Plays a season against a hub on stepped time: sets a brand up through the API, runs its
 * fleet over MQTT, its homes and a partner over HTTP, and tells what happens.
 *
 * @throws HubError `MISSING_DEPENDENCY` when the hub does not answer or runs on real time.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const print = options.print ?? (() => {})
  const startedMs = realClock.nowMs()
  const random = seededRandom(options.seed ?? 1)
  const hub = new HubApi(options.hubUrl, options.platformKey)
  const clock = new HubClock(hub)
  const startMs = await clock.read()
  const story = new Story(print)
  const { sink, failures } = countingFailures(options.truthFile ? truthFile(options.truthFile) : noTruth)

  let fleet: Fleet | null = null
  const world: World = {
    has: (serial) => fleet?.has(serial) ?? false,
    wear: (serial, component) => fleet!.wear(serial, component),
    replace: (serial, component, how) => fleet!.replace(serial, component, how),
  }
  const byHome = new Map<string, { serial: string; category: string }[]>()
  const homeowners = new DemoHomeowners({
    hubUrl: options.hubUrl,
    random: random.fork('homes'),
    world,
    ...(options.temper ? { temper: options.temper } : {}),
    devicesOfHome: (homeId) => byHome.get(homeId) ?? [],
    onChange: (change) => story.homeowner(change),
  })
  const partner = new DemoPartner({
    hubUrl: options.hubUrl,
    random: random.fork('partner'),
    world,
    nowMs: () => clock.nowMs,
    findsNothing: 0.05,
    claimsOnly: 0.03,
    down: { chancePerDay: 0.06, hours: 7 },
    onChange: (change) => story.partner(change),
  })
  let brandSecret: string | null = null
  const brand = await startWebhookServer({
    secret: () => brandSecret,
    onEvent: (event: CloudEvent) => {
      story.brandEvent(event, clock.nowMs)
      if (event.type === `${EVENT_TYPE_PREFIX}notice.requested`) homeowners.receive(event.data as Notice, clock.nowMs)
    },
  })
  const partnerUrl = await partner.start()

  try {
    const plan = planNeighbourhood({
      devices: options.devices ?? DEVICES,
      random: random.fork('fleet'),
      ...(options.scenario ? { scenario: options.scenario } : {}),
    })
    const setUp = await setUpBrand({ hub, nowMs: startMs, ...plan, partnerUrl, brandUrl: brand.url })
    brandSecret = setUp.endpointSecret
    partner.equip({ secret: setUp.partnerSecret, apiKey: setUp.partnerApiKey })
    story.knowDevices(setUp.devices)
    for (const device of plan.devices) {
      const homeId = setUp.homeIds[device.home]!
      byHome.set(homeId, [...(byHome.get(homeId) ?? []), device])
    }
    fleet = new Fleet({
      url: options.mqttUrl,
      devices: plan.devices.map(({ serial, model }) => ({ serial, model, token: setUp.devices.get(serial)!.token })),
      seed: options.seed ?? 1,
      faults: options.faults ?? ORDINARY_FAULTS,
      truth: sink,
      ...(options.signal ? { signal: options.signal } : {}),
    })
    await fleet.connect()
    print(`${plan.devices.length} 台设备 appliances, ${plan.homes} 户家庭 homes, seed ${options.seed ?? 1}`)
    print(`接口 API ${options.hubUrl}/docs`)
    print('')

    const endMs = startMs + (options.days ?? DAYS) * 24 * HOUR_MS
    const giveUpMs = options.once ? startedMs + (options.giveUpMs ?? GIVE_UP_MS) : Number.POSITIVE_INFINITY
    const goesOn = (): boolean =>
      clock.nowMs < endMs &&
      !(options.once && story.counts.verified > 0) &&
      !options.signal?.aborted &&
      realClock.nowMs() < giveUpMs
    while (goesOn()) {
      // The hub first, so that nothing it is sent lies in its future; then what people do; then what was measured.
      const nowMs = await clock.stepTo(clock.nowMs + HOUR_MS)
      await homeowners.step(nowMs)
      await partner.step(nowMs)
      await fleet.stepTo(nowMs)
    }
    const { received, repeated, refused, badSignature } = partner.counts()
    const result: DemoResult = {
      ...story.counts,
      days: Math.round((clock.nowMs - startMs) / (24 * HOUR_MS)),
      seconds: Math.round((realClock.nowMs() - startedMs) / 100) / 10,
      failed: failures(),
      fleet: fleet.counts(),
      partner: { received, repeated, refused, badSignature },
      violations: partner.ledger.violations,
    }
    for (const line of summary(result)) print(line)
    if (options.once)
      print('链接已失效 the links above ended with the hub: run without --once to open them as the season plays')
    return result
  } finally {
    await fleet?.close()
    await partner.close()
    await brand.close()
    await sink.close()
  }
}

/** The truth as it is written, with the failures counted for the last lines of the story. */
function countingFailures(to: TruthSink): { sink: TruthSink; failures: () => number } {
  let failed = 0
  const sink: TruthSink = {
    write: (record) => {
      if (record.kind === 'failed') failed++
      to.write(record)
    },
    close: () => to.close(),
  }
  return { sink, failures: () => failed }
}

function summary(result: DemoResult): string[] {
  const { fleet } = result
  return [
    '',
    `${result.days} 天 days in ${result.seconds} s: ${fleet.readingsAcknowledged} 条读数 readings acknowledged`,
    `发现 faults ${result.alerts} · 提醒 offers ${result.offers} · 同意 accepted ${result.accepted} · 自理 does it alone ${result.doesItAlone} · 工单 work orders ${result.workOrders} · 已证实 verified ${result.verified} · 自理证实 done alone and seen ${result.selfServiced} · 未修复 not fixed ${result.notFixed} · 未发现故障 no fault found ${result.noFaultFound}`,
    `失效 failed before anybody came: ${result.failed}`,
    ...result.violations.map((violation) => `✘ ${violation}`),
  ]
}
