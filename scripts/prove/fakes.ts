import { CASE_STATES_OVER } from '#contracts'
import { type Random, realClock } from '#platform'
import { openTown, type Temper, type Town } from '#simulators'
import { type CaseHistory, listAll, releaseHolds } from './brand-desk.ts'
import { SLOW_KINDS, slowCatalog } from './slow-catalog.ts'
import { percent, type Row, tally } from './table.ts'
import type { TrialHub } from './trial-hub.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Of ten jobs one is only claimed, after one the appliance falls silent; at which place, chance decides. */
const DECK = 10
/** Appliances per job that is wanted: some homes say no or do it themselves, and slow parts are not due in time. */
const DEVICES_PER_JOB = 1.7
/** Eight reports a day, one of them at noon in the simulated city, when purifiers measure their filters. */
const CADENCE = { livesMs: HOUR_MS, reportsMs: 3 * HOUR_MS, offsetMs: HOUR_MS }
const STEP_MS = 3 * HOUR_MS
/** What is due at all is due by then. */
const COLLECT_DAYS_MAX = 60
/** Longest window of a verification, a fortnight, and some days. */
const SETTLE_DAYS_MAX = 18
/** The share of fakes that have to be seen. */
const SEEN_SHARE = 0.95

/**
 * Everybody agrees, nobody does anything alone: jobs are what is wanted, and a fake must not be put right by its home.
 * Nobody says whether it is solved either: a home's no reopens a case, and here silence alone is to be looked at.
 */
const TEMPER: Temper = { accept: 1, snooze: 0, decline: 0, myself: 0, heedsWarnings: 0, answersSolved: 0 }

type Fate = 'honest' | 'faked' | 'silent'

interface Job {
  fate: Fate
  caseId: string
  serial: string
  component: string
}

export interface FakesOptions {
  jobs: number
  seed: number
  onProgress?: (line: string) => void
  signal?: AbortSignal
}

export interface FakesResult {
  jobs: number
  days: number
  seconds: number
  readings: number
  /** How the first verification of each job ended, by what was really done. */
  ends: Record<Fate, Record<string, number>>
  seenShare: number
  silentReopened: number
  violations: string[]
  failures: string[]
}

/** Two hundred jobs of which a tenth are only claimed and a tenth cannot be observed: what the hub makes of each. */
export async function proveFakes(hub: TrialHub, options: FakesOptions): Promise<FakesResult> {
  const { jobs: wanted, seed, onProgress } = options
  const startedMs = realClock.nowMs()
  const jobs: Job[] = []
  const fates = new Map<string, Fate>()
  let deck: Fate[] = []
  let random: Random | null = null
  const draw = (): Fate => {
    if (deck.length === 0) {
      deck = ['faked', 'silent', ...Array.from({ length: DECK - 2 }, () => 'honest' as const)]
      for (let i = deck.length - 1; i > 0; i--) {
        const j = random!.int(i + 1)
        ;[deck[i], deck[j]] = [deck[j]!, deck[i]!]
      }
    }
    return deck.pop()!
  }

  const town: Town = await openTown({
    hubUrl: hub.httpUrl,
    mqttUrl: hub.mqttUrl,
    platformKey: hub.adminKey,
    seed,
    devices: Math.ceil(wanted * DEVICES_PER_JOB),
    scenario: 'due',
    categories: SLOW_KINDS,
    entries: slowCatalog(CADENCE.reportsMs),
    cadence: CADENCE,
    temper: TEMPER,
    faults: { drop: 0.002, duplicate: 0.005 },
    partners: [
      {
        key: 'swift-repair',
        name: '快修到家 Swift Repair',
        // A rework of a fake is done honestly: the trial is about the first repair of each need.
        itemFate: (_order, { caseId, device, diagnosis }) => {
          if (jobs.length >= wanted || fates.has(caseId)) return 'honest'
          // A cleaning by the calendar shows in no signal, done or not.
          if (!town.fleet.wears(device.serial, diagnosis.component)) return 'honest'
          // One appliance falls silent once, and whoever shares it would be silent too.
          const taken = jobs.some((job) => job.serial === device.serial)
          const fate = taken ? 'honest' : draw()
          fates.set(caseId, fate)
          if (taken) return 'honest'
          jobs.push({ fate, caseId, serial: device.serial, component: diagnosis.component })
          return fate === 'faked' ? 'claimsOnly' : 'honest'
        },
      },
    ],
    onPartner: (change) => {
      if (change.kind !== 'verdict' || change.verdict !== 'confirmed') return
      const job = jobs.find((one) => one.caseId === change.item.caseId)
      if (job?.fate === 'silent') town.fleet.unplug(job.serial)
    },
    ...(options.signal ? { signal: options.signal } : {}),
  })
  random = town.random.fork('deck')
  try {
    const brand = town.setUp.brand
    const days = (): number => (town.clock.nowMs - town.startMs) / DAY_MS
    const day = async (): Promise<void> => {
      for (let passedMs = 0; passedMs < DAY_MS && !options.signal?.aborted; passedMs += STEP_MS)
        await town.step(STEP_MS)
      await releaseHolds(brand)
      onProgress?.(
        `day ${Math.round(days())}: ${jobs.length} jobs, ${Math.round((realClock.nowMs() - startedMs) / 1_000)} s`,
      )
    }
    while (jobs.length < wanted && days() < COLLECT_DAYS_MAX && !options.signal?.aborted) await day()
    const collectedDays = days()
    // No more repairs are wanted, but those done are watched to their end.
    while (days() < collectedDays + SETTLE_DAYS_MAX && !options.signal?.aborted) {
      await day()
      if ((await endsOf(town, jobs)).every(({ end }) => end !== null)) break
    }
    const ends = await endsOf(town, jobs)
    const of = (fate: Fate) => ends.filter(({ job }) => job.fate === fate)
    const faked = of('faked')
    const seen = faked.filter(({ end }) => end === 'not_observed' || end === 'not_fixed').length
    const silentReopened = of('silent').filter(({ reopened }) => reopened).length
    const violations = town.partners.flatMap(({ ledger }) => ledger.violations)
    const seenShare = faked.length === 0 ? 0 : seen / faked.length
    return {
      jobs: jobs.length,
      days: Math.round(days()),
      seconds: Math.round((realClock.nowMs() - startedMs) / 1_000),
      readings: town.fleet.counts().readingsAcknowledged,
      ends: {
        honest: tally(of('honest').map(({ end }) => end ?? 'not over')),
        faked: tally(faked.map(({ end }) => end ?? 'not over')),
        silent: tally(of('silent').map(({ end }) => end ?? 'not over')),
      },
      seenShare,
      silentReopened,
      violations,
      failures: [
        ...violations,
        ...(jobs.length < wanted ? [`only ${jobs.length} of ${wanted} jobs came about`] : []),
        ...(faked.length === 0 ? ['no job was faked: the trial shows nothing'] : []),
        ...(seenShare < SEEN_SHARE ? [`${percent(seen, faked.length)} of the fakes were seen`] : []),
        ...(silentReopened > 0 ? [`${silentReopened} silent appliances reopened their case`] : []),
      ],
    }
  } finally {
    await town.close()
  }
}

interface JobEnd {
  job: Job
  /** How the first verification ended; `null` while it runs. */
  end: string | null
  reopened: boolean
}

/** From the case's own history: what came after the first repair. */
async function endsOf(town: Town, jobs: readonly Job[]): Promise<JobEnd[]> {
  const { brand } = town.setUp
  const known = new Map((await listAll<CaseHistory>(brand, '/api/cases')).map((one) => [one.id, one]))
  return Promise.all(
    jobs.map(async (job) => {
      const row = known.get(job.caseId)
      const { events, ...record } = await brand.get<CaseHistory>(`/api/cases/${job.caseId}`)
      const repaired = events.findIndex((one) => one.to === 'verifying')
      const after = repaired < 0 ? [] : events.slice(repaired + 1)
      const ended = after.find((one) => one.from === 'verifying' && one.to !== 'verifying')
      return {
        job,
        end:
          ended?.to === 'open'
            ? ended.event
            : ended
              ? (record.end ?? ended.event)
              : CASE_STATES_OVER.has(record.state) && row
                ? (record.end ?? record.state)
                : null,
        reopened: after.some((one) => one.to === 'open'),
      }
    }),
  )
}

export function fakesRows(result: FakesResult): Row[] {
  const ends = [...new Set(Object.values(result.ends).flatMap((it) => Object.keys(it)))]
  return [
    ['first verification ended', ...ends],
    ...(['honest', 'faked', 'silent'] as const).map(
      (fate): Row => [`${fate} repairs`, ...ends.map((end) => result.ends[fate][end] ?? 0)],
    ),
    ['fakes seen', percent(Math.round(result.seenShare * 1_000), 1_000)],
    ['silent ones reopened', result.silentReopened],
    ['jobs, days, readings', result.jobs, result.days, result.readings],
    ['real time, s', result.seconds],
  ]
}
