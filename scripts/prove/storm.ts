import type { CaseState, FleetHold, RuleDocument } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { realClock, realSleep } from '#platform'
import { HubApi, HubClock, startWebhookServer } from '#simulators'
import { type CaseRow, listAll } from './brand-desk.ts'
import { moveStormFleetIn, type Purifier, STORM_RULES, type StormFleet } from './storm-fleet.ts'
import { type Row, tally } from './table.ts'
import type { TrialHub } from './trial-hub.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** A hub that does as much at once as a fleet needs answers late, and still answers. */
const CALL_MS_MAX = 30 * MINUTE_MS
/** Longest that anything may take to come about, in real time. */
const PATIENCE_MS = 60 * MINUTE_MS
const LOOK_EVERY_MS = 250
/** Readings of one call. */
const READINGS_PER_CALL = 5_000

export interface StormOptions {
  /** One purifier each. */
  homes: number
  onProgress?: (line: string) => void
  signal?: AbortSignal
}

interface Storm {
  /** From the readings to the last case held. */
  heldSeconds: number
  /** Cases a second in the first and in the last fifth: equal where nothing grows with the fleet. */
  casesPerSecond: { first: number; last: number }
  cases: number
  fleetHeldEvents: number
  offersWhileHeld: number
  decidedSeconds: number
}

export interface StormResult {
  homes: number
  buggy: number
  dropped: Storm & { states: Record<string, number>; offers: number }
  released: Storm & { wornOffered: number; offers: number }
  noticesBeforeRelease: number
  seconds: number
  failures: string[]
}

/**
 * A rule that is wrong about a new firmware, activated over a whole fleet, twice: what is held is dropped the first
 * time and released the second, each by one call. Real log, PostgreSQL, bridge and deliveries.
 */
export async function proveStorm(hub: TrialHub, options: StormOptions): Promise<StormResult> {
  const { homes, onProgress = () => undefined, signal } = options
  const startedMs = realClock.nowMs()
  const api = new HubApi(hub.httpUrl, hub.adminKey, { timeoutMs: CALL_MS_MAX })
  const clock = new HubClock(api)
  const events = new Map<string, number>()
  let secret: string | null = null
  const server = await startWebhookServer({
    secret: () => secret,
    onEvent: ({ type }) => events.set(type, (events.get(type) ?? 0) + 1),
  })
  const told = (type: string): number => events.get(EVENT_TYPE_PREFIX + type) ?? 0
  try {
    // Mid-morning in Shanghai, so that no quiet hours stand in for the guard.
    const today = Math.ceil((await clock.read()) / (24 * HOUR_MS)) * 24 * HOUR_MS
    await clock.stepTo(today + 2 * HOUR_MS)
    const fleet = await moveStormFleetIn(api, { homes, nowMs: clock.nowMs, brandUrl: server.url })
    secret = fleet.setUp.endpointSecret
    const { brand } = fleet.setUp
    onProgress(`${homes} homes, ${fleet.buggy.length} of them on the wrong firmware: ${since(startedMs)} s`)
    const trial = new Trial({ clock, brand, fleet, told, onProgress, signal })

    await trial.everybody({ filter_dp_pa: 120, prefilter_dp_pa: 40 })
    const first = await trial.storm(STORM_RULES.dropped, { filter_dp_pa: 1_200 })
    // Hours later, settling long over, still nobody has been asked.
    await clock.stepTo(clock.nowMs + 2 * HOUR_MS)
    const offersHeld = await trial.offers()
    onProgress(
      `two hours later: ${offersHeld} offers, ${told('fleet.held')} fleet.held, ${told('notice.requested')} notices`,
    )
    const dropped = await trial.decide(first.hold, 'drop')
    await clock.stepTo(clock.nowMs + HOUR_MS)
    const states = tally((await trial.casesOf(STORM_RULES.dropped)).map(({ state }) => state))
    const offersDropped = await trial.offers()
    const noticesBeforeRelease = told('notice.requested')

    // The second rule looks at the other filter; the firmware is wrong about it as well.
    await trial.everybody({ filter_dp_pa: 120, prefilter_dp_pa: 40 })
    const second = await trial.storm(STORM_RULES.released, { prefilter_dp_pa: 400 })
    await trial.readings(fleet.worn, { prefilter_dp_pa: 120 })
    await trial.until(async () => (await trial.casesOf(STORM_RULES.released, 'open')).length === fleet.worn.length)
    await clock.stepTo(clock.nowMs + HOUR_MS)
    const wornOffered = await trial.offers()
    const released = await trial.decide(second.hold, 'release')
    await clock.stepTo(clock.nowMs + HOUR_MS)
    const offers = await trial.offers()

    const result: Omit<StormResult, 'failures'> = {
      homes,
      buggy: fleet.buggy.length,
      dropped: {
        ...first.storm,
        offersWhileHeld: offersHeld,
        decidedSeconds: dropped,
        states,
        offers: offersDropped,
      },
      released: {
        ...second.storm,
        offersWhileHeld: wornOffered - fleet.worn.length,
        decidedSeconds: released,
        wornOffered,
        offers,
      },
      noticesBeforeRelease,
      seconds: since(startedMs),
    }
    return { ...result, failures: failuresOf(result, fleet.worn.length) }
  } finally {
    await server.close()
  }
}

const since = (ms: number): number => Math.round((realClock.nowMs() - ms) / 1_000)

function failuresOf({ buggy, dropped, released, noticesBeforeRelease }: Omit<StormResult, 'failures'>, worn: number) {
  const failures: string[] = []
  const must = (holds: boolean, words: string): void => void (holds || failures.push(words))
  for (const [name, storm] of Object.entries({ dropped, released })) {
    must(storm.cases === buggy, `${name}: ${storm.cases} of ${buggy} cases were held`)
    must(storm.fleetHeldEvents === 1, `${name}: fleet.held was told ${storm.fleetHeldEvents} times`)
    must(storm.offersWhileHeld === 0, `${name}: ${storm.offersWhileHeld} offers were made while all was held`)
  }
  must(dropped.offers === 0, `${dropped.offers} offers came of what was dropped`)
  must(noticesBeforeRelease === 0, `${noticesBeforeRelease} notices left before anything was released`)
  must(dropped.states.cancelled === buggy, `what was dropped ended as ${JSON.stringify(dropped.states)}`)
  must(released.wornOffered === worn, `${released.wornOffered} of ${worn} really worn ones were asked meanwhile`)
  must(released.offers === buggy + worn, `${released.offers} of ${buggy + worn} offers came of what was released`)
  return failures
}

interface TrialParts {
  clock: HubClock
  brand: HubApi
  fleet: StormFleet
  told: (type: string) => number
  onProgress: (line: string) => void
  signal: AbortSignal | undefined
}

class Trial {
  readonly #parts: TrialParts

  constructor(parts: TrialParts) {
    this.#parts = parts
  }

  everybody(values: Record<string, number>): Promise<void> {
    return this.readings(this.#parts.fleet.all, values)
  }

  /** Measured now, sent through the brand's own cloud. */
  async readings(devices: readonly Purifier[], values: Record<string, number>): Promise<void> {
    const { brand, clock } = this.#parts
    await clock.stepTo(clock.nowMs + MINUTE_MS)
    for (let from = 0; from < devices.length; from += READINGS_PER_CALL) {
      const lines = devices
        .slice(from, from + READINGS_PER_CALL)
        .map(({ serial }) => JSON.stringify({ serial, ts: clock.nowMs, values }))
      const raw = { type: 'application/x-ndjson', text: `${lines.join('\n')}\n` }
      const { refused } = await brand.post<{ refused: number }>('/api/telemetry', null, { raw })
      if (refused > 0) throw new Error(`${refused} readings were refused`)
    }
  }

  /** Activates a rule and lets the firmware report what makes it true everywhere. */
  async storm(
    document: RuleDocument,
    values: Record<string, number>,
  ): Promise<{ hold: string; storm: Pick<Storm, 'heldSeconds' | 'casesPerSecond' | 'cases' | 'fleetHeldEvents'> }> {
    const { brand, fleet, told, onProgress } = this.#parts
    const toldBefore = told('fleet.held')
    await brand.post('/api/rules', document)
    await brand.post(`/api/rules/${document.key}/activate`, {})
    const startedMs = realClock.nowMs()
    await this.readings(fleet.buggy, values)
    const course: [atMs: number, cases: number][] = [[realClock.nowMs(), 0]]
    let hold: FleetHold | undefined
    await this.until(async () => {
      ;[hold] = (await this.#holds()).filter((one) => one.rule.key === document.key)
      const cases = hold?.cases ?? 0
      if (cases > course.at(-1)![1]) {
        course.push([realClock.nowMs(), cases])
        onProgress(`${document.key}: ${cases} held, ${since(startedMs)} s`)
      }
      return cases >= fleet.buggy.length
    })
    const heldSeconds = (realClock.nowMs() - startedMs) / 1_000
    await this.until(async () => told('fleet.held') > toldBefore)
    const holds = (await this.#holds()).filter((one) => one.rule.key === document.key)
    return {
      hold: hold!.id,
      storm: {
        heldSeconds,
        casesPerSecond: ratesOf(course, fleet.buggy.length),
        cases: holds.reduce((sum, one) => sum + one.cases, 0),
        fleetHeldEvents: told('fleet.held') - toldBefore,
      },
    }
  }

  /** One call; resolves when the last case has followed. Returns the seconds that took. */
  async decide(holdId: string, what: 'drop' | 'release'): Promise<number> {
    const { brand, onProgress } = this.#parts
    const startedMs = realClock.nowMs()
    await brand.post(`/api/fleet-holds/${holdId}/${what}`, { reason: 'the firmware reports ten times too much' })
    await this.until(async () => (await brand.get<FleetHold>(`/api/fleet-holds/${holdId}`)).cases === 0)
    const seconds = (realClock.nowMs() - startedMs) / 1_000
    onProgress(`${what}: ${seconds.toFixed(1)} s`)
    return seconds
  }

  async offers(): Promise<number> {
    return (await listAll(this.#parts.brand, '/api/offers')).length
  }

  async casesOf({ component }: RuleDocument, state?: CaseState): Promise<CaseRow[]> {
    const query = state === undefined ? '' : `?state=${state}`
    const cases = await listAll<CaseRow>(this.#parts.brand, `/api/cases${query}`)
    return cases.filter((one) => one.component === component)
  }

  /** Looks until something is so, while nothing else moves. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    const untilMs = realClock.nowMs() + PATIENCE_MS
    while (!(await holds())) {
      this.#parts.signal?.throwIfAborted()
      if (realClock.nowMs() > untilMs) throw new Error('what the trial waits for did not come about')
      await realSleep(LOOK_EVERY_MS)
    }
  }

  #holds(): Promise<FleetHold[]> {
    return listAll<FleetHold>(this.#parts.brand, '/api/fleet-holds')
  }
}

/** How fast cases came at the beginning and at the end of a storm. */
function ratesOf(course: readonly [atMs: number, cases: number][], all: number): { first: number; last: number } {
  const at = (cases: number): number => {
    const i = Math.max(
      1,
      course.findIndex(([, count]) => count >= cases),
    )
    const [[fromMs, from], [toMs, to]] = [course[i - 1]!, course[i]!]
    return fromMs + ((toMs - fromMs) * (cases - from)) / Math.max(1, to - from)
  }
  const fifth = all / 5
  const rate = (from: number, to: number): number =>
    Math.round((to - from) / Math.max(0.001, (at(to) - at(from)) / 1_000))
  return { first: rate(0, fifth), last: rate(all - fifth, all) }
}

export function stormRows(result: StormResult): Row[] {
  const { dropped, released } = result
  const both = (what: string, of: (storm: Storm) => number | string): Row => [what, of(dropped), of(released)]
  return [
    ['', 'dropped', 'released'],
    ['homes; purifiers on the wrong firmware', result.homes, result.buggy],
    both('cases held', ({ cases }) => cases),
    both('fleet.held told', ({ fleetHeldEvents }) => fleetHeldEvents),
    both('offers while held', ({ offersWhileHeld }) => offersWhileHeld),
    both('readings to last case held, s', ({ heldSeconds }) => heldSeconds),
    both('cases a second, first fifth', ({ casesPerSecond }) => casesPerSecond.first),
    both('cases a second, last fifth', ({ casesPerSecond }) => casesPerSecond.last),
    both('one call to the last case moved, s', ({ decidedSeconds }) => decidedSeconds),
    ['really worn ones asked meanwhile', '–', released.wornOffered],
    ['offers in the end', dropped.offers, released.offers],
    ['real time, s', '', result.seconds],
  ]
}
