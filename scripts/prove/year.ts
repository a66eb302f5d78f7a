import { CASE_STATES_OVER, type CloudEvent, EVENT_TYPE_PREFIX, type FaultReport } from '#contracts'
import { realClock } from '#platform'
import { HubApiError, type LedgerOrder, openTown, type Temper, type Town, type TownPartner } from '#simulators'
import { type CaseRow, doubleCases, listAll, releaseHolds } from './brand-desk.ts'
import { SLOW_KINDS, slowCatalog } from './slow-catalog.ts'
import { percent, quantile, type Row, tally } from './table.ts'
import type { TrialHub } from './trial-hub.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_DAYS = 365

/**
 * Two reports a day, one of them at noon in the simulated city, when purifiers measure their filters: the fewest with
 * which every rule of the catalog can still speak, and a million readings for a thousand homes and a year.
 */
export const CADENCE = { livesMs: HOUR_MS, reportsMs: 12 * HOUR_MS, offsetMs: 4 * HOUR_MS }
/** People act this often; finer steps change what happens by minutes and take twice as long. */
const STEP_MS = 2 * HOUR_MS
/** One appliance and a half per home. */
const DEVICES_PER_HOME = 1.5
/** On both sides of the date line and the equator, with summer time and without, whole hours and halves. */
const TIME_ZONES = [
  'Asia/Shanghai',
  'Asia/Urumqi',
  'Asia/Kolkata',
  'Australia/Adelaide',
  'Europe/Berlin',
  'America/New_York',
]
/** Quiet hours of a home that has not said otherwise. */
const QUIET = { from: 21 * 60, to: 8 * 60 + 30 }

/** Three partners as they are found: a good one, one whose server is often away, one without a server. */
export const PARTNERS: readonly TownPartner[] = [
  {
    key: 'swift-repair',
    name: '快修到家 Swift Repair',
    habits: {
      rejects: 0.03,
      findsNobody: 0.03,
      awaitsPart: 0.05,
      quotes: 0.03,
      findsNothing: 0.03,
      claimsOnly: 0.02,
      fitsBadPart: 0.02,
      repeatsItself: 0.05,
      outOfOrder: 0.03,
      objects: 0.3,
    },
  },
  {
    key: 'home-masters',
    name: '居家师傅 Home Masters',
    habits: {
      keepsSilent: 0.04,
      answersLate: 0.03,
      missesAppointment: 0.04,
      comesTwice: 0.04,
      overcharges: 0.04,
      claimsOnly: 0.04,
      contradicts: 0.02,
      fails: 0.02,
    },
    down: { chancePerDay: 0.05, hours: 7 },
  },
  { key: 'old-workshop', name: '老字号维修 Old Workshop', habits: { rejects: 0.1, comesTwice: 0.05 }, polls: true },
]

export const TEMPER: Temper = {
  accept: 0.72,
  snooze: 0.1,
  decline: 0.06,
  stop: 0.02,
  myself: 0.3,
  onlySays: 0.15,
  reschedules: 0.08,
  cancels: 0.03,
  withdraws: 0.01,
  reports: 0.8,
  acceptsQuote: 0.6,
  declinesQuote: 0.25,
  rates: 0.3,
  answersSolved: 0.6,
}
/** Boards, hoses, motors that no sensor sees coming, per appliance and year. */
const SUDDEN_PER_YEAR = 0.05

export interface YearOptions {
  homes: number
  days: number
  seed: number
  onProgress?: (line: string) => void
  signal?: AbortSignal
}

export interface YearResult {
  homes: number
  devices: number
  days: number
  seed: number
  seconds: number
  readings: number
  contactsPerHomeYear: { p50: number; p95: number; max: number }
  contacts: { all: number; byReason: Record<string, number>; safetyAtNight: number; atNight: number }
  needs: { all: number; raisedByHub: number; reportedFirst: number; reportsThatJoined: number; failedInTruth: number }
  firstVisit: { finished: number; fixed: number; fixedInTruth: number }
  acceptToStoredMs: { count: number; p50: number; p99: number; max: number; serverAway: number }
  orders: number
  ends: Record<string, number>
  live: Record<string, number>
  violations: string[]
}

/** A simulated year: what homes, partners and the brand saw of it. */
export async function proveYear(hub: TrialHub, options: YearOptions): Promise<YearResult> {
  const { homes, days, seed, onProgress } = options
  const startedMs = realClock.nowMs()
  const contacts: { home: string; atMs: number; kind: string; reason: string }[] = []
  const accepting = new Map<string, number>()
  const stored: number[] = []
  let serverAway = 0
  const visits = new FirstVisits()

  const town = await openTown({
    hubUrl: hub.httpUrl,
    mqttUrl: hub.mqttUrl,
    platformKey: hub.adminKey,
    seed,
    devices: Math.round(homes * DEVICES_PER_HOME),
    categories: SLOW_KINDS,
    entries: slowCatalog(CADENCE.reportsMs),
    cadence: CADENCE,
    faults: { drop: 0.002, duplicate: 0.002, offline: { chancePerDay: 0.004, hours: 30 } },
    partners: PARTNERS,
    temper: TEMPER,
    suddenPerYear: SUDDEN_PER_YEAR,
    timeZones: TIME_ZONES,
    ...(options.signal ? { signal: options.signal } : {}),
    onAccepting: (view) => {
      for (const { caseId } of view.needs) accepting.set(caseId, realClock.nowMs())
    },
    onPartner: (change, partner) => {
      visits.partner(change)
      if (change.kind !== 'received') return
      const since = accepting.get(change.order.cases[0]!)
      for (const one of change.order.cases) accepting.delete(one)
      if (since === undefined || change.order.webhookId === null) return
      if ((partner.arrivals.get(change.order.webhookId)?.times ?? 1) > 1 || awayBefore(partner, change.order))
        serverAway++
      else stored.push(change.order.receivedRealMs - since)
    },
    onBrandEvent: (event: CloudEvent) => {
      if (event.type !== `${EVENT_TYPE_PREFIX}notice.requested`) return
      const notice = event.data as { home: string; kind: string; reasonCode: string; sendAfter: string }
      const atMs = Math.max(Date.parse(event.time), Date.parse(notice.sendAfter))
      contacts.push({ home: notice.home, atMs, kind: notice.kind, reason: notice.reasonCode })
    },
  })
  try {
    const endMs = town.startMs + days * DAY_MS
    let toldMs = town.startMs
    while (town.clock.nowMs < endMs && !options.signal?.aborted) {
      const nowMs = await town.step(STEP_MS)
      if (Math.floor(nowMs / DAY_MS) === Math.floor((nowMs - STEP_MS) / DAY_MS)) continue
      await releaseHolds(town.setUp.brand)
      if (nowMs - toldMs < 10 * DAY_MS) continue
      toldMs = nowMs
      const day = Math.round((nowMs - town.startMs) / DAY_MS)
      const seconds = Math.round((realClock.nowMs() - startedMs) / 1_000)
      onProgress?.(`day ${day}: ${orderCount(town)} orders, ${contacts.length} contacts, ${seconds} s`)
    }
    const playedDays = Math.round((town.clock.nowMs - town.startMs) / DAY_MS)
    const cases = await listAll<CaseRow>(town.setUp.brand, '/api/cases')
    const reports = await reportsOf(town)
    const perHome = new Map(town.setUp.homeIds.map((id) => [id, 0]))
    for (const { home } of contacts) perHome.set(home, (perHome.get(home) ?? 0) + 1)
    const yearly = [...perHome.values()].map((count) => (count * YEAR_DAYS) / playedDays)
    const night = contacts.filter((one) => atNight(one.atMs, town.zoneOf(one.home)))
    const reportedFirst = cases.filter((one) => one.source === 'reported').length
    const disturbed = night.filter((one) => one.kind !== 'safety')
    return {
      homes,
      devices: town.plan.devices.length,
      days: playedDays,
      seed,
      seconds: Math.round((realClock.nowMs() - startedMs) / 1_000),
      readings: town.fleet.counts().readingsAcknowledged,
      contactsPerHomeYear: { p50: quantile(yearly, 0.5), p95: quantile(yearly, 0.95), max: Math.max(...yearly) },
      contacts: {
        all: contacts.length,
        byReason: tally(contacts.map((one) => one.reason)),
        safetyAtNight: night.length - disturbed.length,
        atNight: disturbed.length,
      },
      needs: {
        all: cases.length,
        raisedByHub: cases.length - reportedFirst,
        reportedFirst,
        reportsThatJoined: reports.filter((one) => one.joined).length,
        failedInTruth: town.failures(),
      },
      firstVisit: visits.count(cases, town),
      acceptToStoredMs: {
        count: stored.length,
        p50: quantile(stored, 0.5),
        p99: quantile(stored, 0.99),
        max: Math.max(0, ...stored),
        serverAway,
      },
      orders: orderCount(town),
      ends: tally(cases.filter((one) => CASE_STATES_OVER.has(one.state)).map((one) => one.end ?? one.state)),
      live: tally(
        cases
          .filter((one) => !CASE_STATES_OVER.has(one.state))
          .map((one) => one.state + (one.needsReview === null ? '' : ', before a person')),
      ),
      violations: [
        ...town.partners.flatMap(({ ledger }) => [...ledger.violations, ...ledger.neverCancelled()]),
        ...doubleCases(cases, CASE_STATES_OVER),
        ...disturbed.map(
          (one) => `notice "${one.reason}" at night in ${town.zoneOf(one.home)}, ${new Date(one.atMs).toISOString()}`,
        ),
        ...badSignatures(town),
      ],
    }
  } finally {
    await town.close()
  }
}

/** The table a person reads. */
export function yearRows(result: YearResult): Row[] {
  const { contacts, contactsPerHomeYear: per, needs, firstVisit, acceptToStoredMs: stored } = result
  return [
    ['homes, appliances, days', result.homes, result.devices, result.days],
    ['readings acknowledged', result.readings],
    ['contacts per home-year p50 / p95 / max', per.p50, per.p95, per.max],
    ['contacts at night by the home’s clock', contacts.atNight],
    ['… safety warnings at night, apart', contacts.safetyAtNight],
    ...Object.entries(contacts.byReason).map(([reason, count]): Row => [`contacts: ${reason}`, count]),
    ['needs, and the share the hub raised first', needs.all, percent(needs.raisedByHub, needs.all)],
    ['reports that opened a need / joined one', needs.reportedFirst, needs.reportsThatJoined],
    ['components failed before anybody came (truth)', needs.failedInTruth],
    ['finished first visits, verified after it', firstVisit.finished, percent(firstVisit.fixed, firstVisit.finished)],
    ['… really fixed after it (truth)', '', percent(firstVisit.fixedInTruth, firstVisit.finished)],
    ['orders', result.orders],
    ['accept to stored at the partner, ms p50 / p99 / max', stored.p50, stored.p99, stored.max],
    ['… of orders; not counted: server was away', stored.count, stored.serverAway],
    ...Object.entries(result.ends).map(([end, count]): Row => [`cases ended: ${end}`, count]),
    ...Object.entries(result.live).map(([state, count]): Row => [`cases still live: ${state}`, count]),
    ['violations', result.violations.length],
    ['real time, s', result.seconds],
  ]
}

type OnPartner = NonNullable<Parameters<typeof openTown>[0]['onPartner']>
type Change = Parameters<OnPartner>[0]

/** First visits that came to an end, and whether they did it: by the hub's verification, and by the truth. */
class FirstVisits {
  readonly #byCase = new Map<
    string,
    { visits: number; order: LedgerOrder; honest: boolean; serial: string; component: string }
  >()

  partner(change: Change): void {
    if (change.kind !== 'verdict' || this.#byCase.has(change.item.caseId)) return
    this.#byCase.set(change.item.caseId, {
      visits: change.order.visits,
      order: change.order,
      honest: change.verdict === 'confirmed' && change.fate !== 'claimsOnly',
      serial: change.item.device.serial,
      component: change.item.diagnosis.component,
    })
  }

  /** Cases that go on are left out: nobody knows yet. */
  count(cases: readonly CaseRow[], town: Town): YearResult['firstVisit'] {
    const orders = new Map<string, number>()
    for (const { ledger } of town.partners)
      for (const order of ledger.orders.values())
        if (order.statuses.includes('completed'))
          for (const one of order.cases) orders.set(one, (orders.get(one) ?? 0) + 1)
    const counts = { finished: 0, fixed: 0, fixedInTruth: 0 }
    for (const one of cases) {
      const first = this.#byCase.get(one.id)
      if (!first || one.state !== 'closed' || one.end === 'no_fault_found') continue
      counts.finished++
      const once = first.visits === 1 && orders.get(one.id) === 1
      if (once && one.end === 'verified') counts.fixed++
      if (once && first.honest) counts.fixedInTruth++
    }
    return counts
  }
}

function orderCount(town: Town): number {
  return town.partners.reduce((sum, { ledger }) => sum + ledger.orders.size, 0)
}

/** It came hub hours after it was written: the partner's server had refused it meanwhile. */
function awayBefore(partner: Town['partners'][number], order: LedgerOrder): boolean {
  return partner.counts().refused > 0 && order.receivedAtMs - Date.parse(order.packet.workOrder.createdAt) > 0
}

function badSignatures(town: Town): string[] {
  const count = town.partners.reduce((sum, one) => sum + one.counts().badSignature, town.brand.counts.badSignature)
  return count === 0 ? [] : [`${count} events with a bad signature`]
}

async function reportsOf(town: Town): Promise<FaultReport[]> {
  try {
    return await listAll<FaultReport>(town.setUp.brand, '/api/fault-reports')
  } catch (error) {
    if (error instanceof HubApiError && error.problem.status === 404) return []
    throw error
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** By the home's own clock, as a calendar knows it, not as the hub computes it. */
export function atNight(atMs: number, timeZone: string): boolean {
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    formats.set(timeZone, format)
  }
  const [hours, minutes] = format.format(atMs).split(':').map(Number) as [number, number]
  const minute = hours * 60 + minutes
  return minute >= QUIET.from || minute < QUIET.to
}
