import { realClock } from '#platform'
import type { DemoPartner } from './actors/partner.ts'
import type { Temper } from './actors/temper.ts'
import type { FleetFaults } from './fleet/faults.ts'
import type { FleetCounts } from './fleet/fleet.ts'
import { truthFile } from './fleet/truth.ts'
import type { Scenario } from './neighbourhood.ts'
import { Story, type StoryCounts } from './story.ts'
import { openTown } from './town.ts'

const HOUR_MS = 3_600_000
/** Few enough for two cores, enough for something to be due every few days. */
const DEVICES = 18
/** Three that wear in ways people know; with all twelve a season would hold one need of each. */
const KINDS = ['air-purifier', 'smart-lock', 'washing-machine'] as const
/** A season and a little more. */
const DAYS = 100
const GIVE_UP_MS = 300_000
/** Ordinary life between a sensor and a hub. */
const ORDINARY_FAULTS: FleetFaults = {
  drop: 0.002,
  duplicate: 0.005,
  offline: { chancePerDay: 0.01, hours: 6 },
}

/** A good partner on ordinary days: now and then it finds nothing, claims too much, or its server is away. */
const PARTNER = {
  habits: { findsNothing: 0.05, claimsOnly: 0.03 },
  down: { chancePerDay: 0.06, hours: 7 },
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
  const seed = options.seed ?? 1
  const story = new Story(print)
  const town = await openTown({
    hubUrl: options.hubUrl,
    mqttUrl: options.mqttUrl,
    platformKey: options.platformKey,
    seed,
    devices: options.devices ?? DEVICES,
    categories: KINDS,
    faults: options.faults ?? ORDINARY_FAULTS,
    partners: [{ key: 'swift-repair', name: '快修到家 Swift Repair', ...PARTNER }],
    onHomeowner: (change) => story.homeowner(change),
    onPartner: (change) => story.partner(change),
    onBrandEvent: (event, nowMs) => story.brandEvent(event, nowMs),
    ...(options.scenario ? { scenario: options.scenario } : {}),
    ...(options.temper ? { temper: options.temper } : {}),
    ...(options.truthFile ? { truth: truthFile(options.truthFile) } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  const { clock, startMs, plan } = town
  const [partner] = town.partners as [DemoPartner]

  try {
    story.knowDevices(town.setUp.devices)
    print(`${plan.devices.length} 台设备 appliances, ${plan.homes} 户家庭 homes, seed ${seed}`)
    print(`接口 API ${options.hubUrl}/docs`)
    print('')

    const endMs = startMs + (options.days ?? DAYS) * 24 * HOUR_MS
    const giveUpMs = options.once ? startedMs + (options.giveUpMs ?? GIVE_UP_MS) : Number.POSITIVE_INFINITY
    const goesOn = (): boolean =>
      clock.nowMs < endMs &&
      !(options.once && story.counts.verified > 0) &&
      !options.signal?.aborted &&
      realClock.nowMs() < giveUpMs
    while (goesOn()) await town.step()
    const { received, repeated, refused, badSignature } = partner.counts()
    const result: DemoResult = {
      ...story.counts,
      days: Math.round((clock.nowMs - startMs) / (24 * HOUR_MS)),
      seconds: Math.round((realClock.nowMs() - startedMs) / 100) / 10,
      failed: town.failures(),
      fleet: town.fleet.counts(),
      partner: { received, repeated, refused, badSignature },
      violations: partner.ledger.violations,
    }
    for (const line of summary(result)) print(line)
    if (options.once)
      print('链接已失效 the links above ended with the hub: run without --once to open them as the season plays')
    return result
  } finally {
    await town.close()
  }
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
