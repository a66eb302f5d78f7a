import type { FaultReportBody, ReportProblemBody } from '#contracts'
import { instant } from '#contracts'
import type { Random } from '#platform'
import type { HubApi } from '../hub-api.ts'
import type { Agenda } from './agenda.ts'
import { awake } from './awake.ts'
import type { HomeDiary } from './home-diary.ts'
import { type OfferPage, unlessOver } from './offer-page.ts'
import type { World } from './world.ts'

const HOUR_MS = 3_600_000
/** From here on nobody overlooks that it does not work. */
const BROKEN_WEAR = 1
const CHANNELS = ['hotline', 'app', 'wechat', 'page'] as const
type Channel = (typeof CHANNELS)[number]

/** A part that has failed in somebody's home. */
export interface BrokenPart {
  serial: string
  category: string
  component: string
}

export interface FaultReporterParts {
  random: Random
  world: World
  agenda: Agenda
  page: OfferPage
  diary: HomeDiary
  /** Of those whose appliance fails, how many tell somebody. */
  share: number
  /** The brand's hotline and app, which report for people; without it nobody reports. */
  brand: () => HubApi | null
  symptomOf: (category: string, component: string) => string | null
  timeZoneOf: (serial: string) => string
  /** The newest link about a part, when its home was ever asked about it. */
  linkOf: (part: BrokenPart) => string | undefined
}

/** People who notice that something stopped working, and tell: on the page, by phone or in an app. */
export class FaultReporter {
  readonly #parts: FaultReporterParts
  readonly #reported = new Set<string>()
  #reports = 0

  constructor(parts: FaultReporterParts) {
    this.#parts = parts
  }

  /** Whether somebody has reported a fault of this appliance. */
  hasReported(serial: string): boolean {
    return this.#reported.has(serial)
  }

  /** Something stopped working in somebody's home, by the simulation's truth. */
  broke(part: BrokenPart, nowMs: number): void {
    const { random: chance, agenda, share, timeZoneOf } = this.#parts
    const random = chance.fork(`broke ${part.serial} ${part.component} ${nowMs}`)
    if (!random.chance(share)) return
    const channel = random.pick(CHANNELS)
    const noticed = awake(nowMs + (2 + 30 * random.next()) * HOUR_MS, timeZoneOf(part.serial))
    agenda.plan(noticed, (atMs) => this.#report(part, channel, atMs))
  }

  async #report(part: BrokenPart, channel: Channel, atMs: number): Promise<void> {
    const { world, page, diary, symptomOf, linkOf } = this.#parts
    const { serial, category, component } = part
    const brand = this.#parts.brand()
    // Somebody came meanwhile.
    if (!world.has(serial) || world.wear(serial, component) < BROKEN_WEAR) return
    const symptomCode = symptomOf(category, component) ?? undefined
    const link = linkOf(part)
    const body: ReportProblemBody = { kind: 'another_fault', ...(symptomCode ? { symptomCode } : {}) }
    // On the page when there is one that takes it; else by phone or in the app.
    const onPage = channel === 'page' && link !== undefined && (await page.send(link, 'report_problem', body))
    const told = onPage ? 'page' : channel === 'page' ? 'app' : channel
    if (!onPage) {
      if (!brand) return
      const report: FaultReportBody = {
        serial,
        reportedAt: instant(atMs),
        channel: told as FaultReportBody['channel'],
        externalRef: `T-${++this.#reports}`,
        ...(symptomCode ? { symptomCode } : {}),
      }
      if ((await unlessOver(brand.post('/api/fault-reports', report))) === null) return
    }
    this.#reported.add(serial)
    diary.write(part, atMs, `reports by ${told}`)
    diary.tell({ kind: 'report', atMs, serial, component, channel: told })
  }
}
