import type {
  AcceptBody,
  DeclineBody,
  FaultReportBody,
  OfferView,
  QuoteDecisionBody,
  RateBody,
  ReportProblemBody,
  RescheduleBody,
  SnoozeBody,
  SolvedBody,
  Text,
} from '#contracts'
import { instant } from '#contracts'
import { type Random, sha256Hex } from '#platform'
import { noTruth, type TruthSink } from '../fleet/truth.ts'
import { HubApi, HubApiError } from '../hub-api.ts'
import { Agenda } from './agenda.ts'
import type { World } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** How often each answer is given; what is left over goes unanswered and expires. Shares that are absent are 0. */
export interface Temper {
  accept: number
  snooze: number
  decline: number
  /** Wants no more questions of this kind. */
  stop?: number
  /** Of those who accept and could do it alone, how many do. */
  myself: number
  /** Of those who say that they do it alone, how many never do. */
  onlySays?: number
  /** Of those who accept a visit: asks for another time, calls it off, takes the consent to share back. */
  reschedules?: number
  cancels?: number
  withdraws?: number
  /** Of those whose appliance fails, how many tell somebody. */
  reports?: number
  /** Of quotes, how many are agreed to and how many refused; the others run out. */
  acceptsQuote?: number
  declinesQuote?: number
  /** Of finished visits, how many are rated. */
  rates?: number
  /** Of safety warnings, how many are acted upon; all when absent. */
  heedsWarnings?: number
  /** Of those asked whether it is solved, how many answer, and truly. */
  answersSolved?: number
}

export const ORDINARY_TEMPER: Temper = { accept: 0.8, snooze: 0.12, decline: 0.05, myself: 0.35 }

export interface HomeownersOptions {
  hubUrl: string
  random: Random
  world: World
  temper?: Temper
  /** What stands in a home, by the hub's id of it. */
  devicesOfHome?: (homeId: string) => readonly { serial: string; category: string }[]
  /** The brand's hotline and app, which report for people; without it nobody reports. */
  brand?: () => HubApi | null
  /** What people say when this fails, as the product knows it. */
  symptomOf?: (category: string, component: string) => string | null
  timeZoneOf?: (serial: string) => string
  /** How long a call waits for a hub that was killed. */
  patienceMs?: number
  truth?: TruthSink
  onChange?: (change: HomeownerChange) => void
  /** Real time of an acceptance, from just before it was sent. */
  onAccepting?: (view: OfferView, link: string) => void
}

export type HomeownerChange =
  | { kind: 'notice'; atMs: number; view: OfferView; link: string }
  | {
      kind:
        | 'accept'
        | 'snooze'
        | 'decline'
        | 'self_service'
        | 'ignore'
        | 'stop'
        | 'reschedule'
        | 'cancel'
        | 'withdraw'
        | 'quote'
        | 'rate'
        | 'solved'
      atMs: number
      view: OfferView
      detail: string
    }
  | { kind: 'did_it'; atMs: number; serial: string; component: string }
  | { kind: 'report'; atMs: number; serial: string; component: string; channel: string }
  | { kind: 'warned'; atMs: number; text: string }

/** `data` of a notice event, as far as a person on the other end needs it. */
export interface Notice {
  noticeId: string
  kind: string
  reasonCode: string
  link: string | null
  sendAfter: string
  home: string
  text: Text
}

/** What a safety notice asks of a home with this kind of appliance, and can be done without help. */
const AT_ONCE = [{ category: 'smart-lock', component: 'cells' }] as const
/** Below this even a frightened homeowner sees that all is well. */
const WORTH_DOING_WEAR = 0.5
/** From here on nobody overlooks that it does not work. */
const BROKEN_WEAR = 1
const CHANNELS = ['hotline', 'app', 'wechat', 'page'] as const
/** Whoever reported a fault wants somebody to come. */
const REPORTER_ACCEPTS = 0.95

interface OpenOffer {
  path: string
  home: string
}

/** The people of the simulated homes: they get a message, open its link, and answer in their own time. */
export class DemoHomeowners {
  readonly #options: HomeownersOptions
  readonly #agenda = new Agenda()
  readonly #api: HubApi
  readonly #truth: TruthSink
  readonly #temper: Temper
  readonly #asked = new Map<string, number>()
  /** The newest link about a component, by `serial/component`. */
  readonly #links = new Map<string, string>()
  readonly #reported = new Set<string>()
  #reports = 0

  constructor(options: HomeownersOptions) {
    this.#options = options
    this.#truth = options.truth ?? noTruth
    this.#temper = options.temper ?? ORDINARY_TEMPER
    this.#api = new HubApi(options.hubUrl, null, { patienceMs: options.patienceMs ?? 0 })
  }

  /** A message arrived on somebody's phone. */
  receive(notice: Notice, nowMs: number): void {
    const { link, home } = notice
    if (notice.kind === 'safety') {
      this.#actAtOnce(notice, nowMs)
      return
    }
    if (link === null) return
    const path = `/home/v1/offers/${new URL(link).pathname.split('/').at(-1)}`
    const readMs = Math.max(nowMs, Date.parse(notice.sendAfter))
    this.#agenda.plan(readMs, (atMs) => this.#read({ path, home }, link, atMs))
  }

  /** Something stopped working in somebody's home, by the simulation's truth. */
  broke(serial: string, category: string, component: string, nowMs: number): void {
    const random = this.#options.random.fork(`broke ${serial} ${component} ${nowMs}`)
    if (!random.chance(this.#temper.reports ?? 0)) return
    const zone = this.#options.timeZoneOf?.(serial) ?? 'Asia/Shanghai'
    const channel = random.pick(CHANNELS)
    const noticed = awake(nowMs + (2 + 30 * random.next()) * HOUR_MS, zone)
    this.#agenda.plan(noticed, (atMs) => this.#report({ serial, category, component, channel }, atMs))
  }

  async step(nowMs: number): Promise<void> {
    await this.#agenda.runUntil(nowMs)
  }

  /** A warning is read when it comes, and what can be done is done within hours. */
  #actAtOnce({ home, text }: Notice, nowMs: number): void {
    this.#tell({ kind: 'warned', atMs: nowMs, text: `${text['zh-CN']} ${text.en}` })
    const random = this.#options.random.fork(`warned ${home} ${nowMs}`)
    const hours = 1 + 8 * random.next()
    if (!random.chance(this.#temper.heedsWarnings ?? 1)) return
    this.#agenda.plan(nowMs + hours * HOUR_MS, async (atMs) => {
      for (const { serial, category } of this.#options.devicesOfHome?.(home) ?? [])
        for (const { component, category: concerned } of AT_ONCE)
          if (category === concerned && this.#options.world.wear(serial, component) > WORTH_DOING_WEAR)
            this.#renew(serial, component, atMs)
    })
  }

  async #read(offer: OpenOffer, link: string, atMs: number): Promise<void> {
    const view = await this.#look(offer.path)
    if (!view) return
    const keys = view.needs.map((need) => `${need.device.serial}/${need.component.key}`)
    for (const key of keys) this.#links.set(key, offer.path)
    const key = keys.join('+')
    const times = (this.#asked.get(key) ?? 0) + 1
    this.#asked.set(key, times)
    // Each question is answered by a chance of its own, whoever else was asked meanwhile.
    const random = this.#options.random.fork(`${key} ${times}`)
    const later = (hours: number): number => awake(atMs + hours * HOUR_MS, view.timeZone)
    if (view.choices.includes('accept')) {
      this.#tell({ kind: 'notice', atMs, view, link })
      this.#agenda.plan(later(0.5 + 8 * random.next()), (at) => this.#answer(offer, link, at, random))
    } else if (view.quote && view.choices.includes('quote')) {
      this.#agenda.plan(later(0.5 + 12 * random.next()), (at) => this.#decide(offer, at, random.fork('quote')))
    } else if (view.choices.includes('solved')) {
      this.#agenda.plan(later(1 + 24 * random.next()), (at) => this.#solved(offer, at, random.fork('solved')))
    }
  }

  async #answer(offer: OpenOffer, link: string, atMs: number, random: Random): Promise<void> {
    const { path } = offer
    const view = await this.#look(path)
    if (!view?.choices.includes('accept')) return
    const temper = this.#temper
    const accept = view.needs.some((need) => this.#reported.has(need.device.serial)) ? REPORTER_ACCEPTS : temper.accept
    const mood = random.next()
    if (mood < accept) return this.#agree(offer, link, view, atMs, random)
    if (mood < accept + temper.snooze && view.choices.includes('snooze')) {
      const until = instant(atMs + (2 + random.int(4)) * DAY_MS)
      if (await this.#send(path, 'snooze', { until } satisfies SnoozeBody))
        this.#did({ kind: 'snooze', atMs, view, detail: until.slice(0, 10) })
      return
    }
    if (mood < accept + temper.snooze + temper.decline) {
      const { reason } = {
        reason: random.pick(['not_now', 'too_expensive', 'other_service'] as const),
      } satisfies DeclineBody
      if (await this.#send(path, 'decline', { reason })) this.#did({ kind: 'decline', atMs, view, detail: reason })
      return
    }
    if (mood < accept + temper.snooze + temper.decline + (temper.stop ?? 0) && view.choices.includes('stop')) {
      if (await this.#send(path, 'stop', {})) this.#did({ kind: 'stop', atMs, view, detail: '' })
      return
    }
    this.#did({ kind: 'ignore', atMs, view, detail: '' })
  }

  async #agree(offer: OpenOffer, link: string, view: OfferView, atMs: number, random: Random): Promise<void> {
    const { path } = offer
    const alone = view.needs.every((need) => need.selfService !== null) && view.choices.includes('self_service')
    if (alone && random.chance(this.#temper.myself)) {
      if (!(await this.#send(path, 'self_service', {}))) return
      this.#did({ kind: 'self_service', atMs, view, detail: view.needs[0]!.selfService!.guide })
      if (random.fork('only says').chance(this.#temper.onlySays ?? 0)) this.#deed(view, atMs, 'onlySays')
      else this.#agenda.plan(atMs + (1 + 2 * random.next()) * DAY_MS, async (at) => this.#doIt(view, at))
      return
    }
    const { slots, partners } = view
    if (slots.length === 0 || partners.length === 0) return this.#did({ kind: 'ignore', atMs, view, detail: 'no slot' })
    // Most take one of the first slots that suit.
    const slot = slots[random.int(Math.min(4, slots.length))]!
    const body: AcceptBody = { slot, shareWith: partners.map((partner) => partner.key), revision: view.revision }
    this.#options.onAccepting?.(view, link)
    if (!(await this.#send(path, 'accept', body))) return
    this.#did({ kind: 'accept', atMs, view, detail: slot.from })
    this.#secondThoughts(offer, view, atMs, random.fork('second thoughts'))
    this.#agenda.plan(awake(Date.parse(slot.to) + DAY_MS, view.timeZone), (at) =>
      this.#rate(offer, at, random.fork('rating'), 2),
    )
  }

  /** What people do between a yes and the visit. */
  #secondThoughts(offer: OpenOffer, view: OfferView, atMs: number, random: Random): void {
    const { reschedules = 0, cancels = 0, withdraws = 0 } = this.#temper
    const mood = random.next()
    const whenMs = awake(atMs + (1 + 10 * random.next()) * HOUR_MS, view.timeZone)
    if (mood < reschedules) this.#agenda.plan(whenMs, (at) => this.#reschedule(offer, at, random))
    else if (mood < reschedules + cancels)
      this.#agenda.plan(whenMs, async (at) => {
        const now = await this.#look(offer.path)
        if (now?.choices.includes('cancel') && (await this.#send(offer.path, 'cancel', {})))
          this.#did({ kind: 'cancel', atMs: at, view: now, detail: '' })
      })
    else if (mood < reschedules + cancels + withdraws)
      this.#agenda.plan(whenMs, async (at) => {
        await this.#withdraw(offer.home, view, at)
        this.#did({ kind: 'withdraw', atMs: at, view, detail: 'share' })
      })
  }

  async #reschedule({ path }: OpenOffer, atMs: number, random: Random): Promise<void> {
    const view = await this.#look(path)
    if (!view?.choices.includes('reschedule') || view.slots.length === 0) return
    const slot = view.slots[Math.min(view.slots.length - 1, 2 + random.int(6))]!
    if (await this.#send(path, 'reschedule', { slot } satisfies RescheduleBody))
      this.#did({ kind: 'reschedule', atMs, view, detail: slot.from })
  }

  /** In the brand's app, from everybody it was given for. */
  async #withdraw(homeId: string, view: OfferView, atMs: number): Promise<void> {
    await this.#options.brand?.()?.post(`/api/homes/${homeId}/consents`, {
      purpose: 'share',
      granted: false,
      at: instant(atMs),
      by: 'owner',
      method: 'app',
      textVersion: '1',
      textSha256: sha256Hex('withdrawn'),
      dataKinds: ['address', 'contact'],
      recipients: view.partners.map(({ key, name }) => ({ partnerKey: key, name: name['zh-CN'], contact: key })),
    })
  }

  async #decide({ path }: OpenOffer, atMs: number, random: Random): Promise<void> {
    const view = await this.#look(path)
    if (!view?.quote || !view.choices.includes('quote')) return
    const { acceptsQuote = 0, declinesQuote = 0 } = this.#temper
    const mood = random.next()
    if (mood >= acceptsQuote + declinesQuote) return this.#deed(view, atMs, 'ignoresQuote')
    const decision = mood < acceptsQuote ? 'accept' : 'decline'
    if (await this.#send(path, `quote/${view.quote.version}`, { decision } satisfies QuoteDecisionBody))
      this.#did({ kind: 'quote', atMs, view, detail: decision })
  }

  async #solved({ path }: OpenOffer, atMs: number, random: Random): Promise<void> {
    const view = await this.#look(path)
    if (!view?.choices.includes('solved') || !random.chance(this.#temper.answersSolved ?? 0)) return
    const solved = this.#allWell(view)
    if (await this.#send(path, 'solved', { solved } satisfies SolvedBody))
      this.#did({ kind: 'solved', atMs, view, detail: solved ? 'yes' : 'no' })
  }

  /** Looks again some days later when the visit is not over yet. */
  async #rate(offer: OpenOffer, atMs: number, random: Random, triesLeft: number): Promise<void> {
    const { path } = offer
    if (!random.fork('rates').chance(this.#temper.rates ?? 0)) return
    const view = await this.#look(path)
    if (!view) return
    if (!view.choices.includes('rate')) {
      if (triesLeft > 0 && view.progress)
        this.#agenda.plan(awake(atMs + 4 * DAY_MS, view.timeZone), (at) => this.#rate(offer, at, random, triesLeft - 1))
      return
    }
    const solved = this.#allWell(view)
    const stars = (): number => (solved ? 4 : 1) + random.int(2)
    const body: RateBody = { attitude: 4 + random.int(2), quality: stars(), speed: stars(), solved }
    if (await this.#send(path, 'rate', body)) this.#did({ kind: 'rate', atMs, view, detail: String(body.quality) })
  }

  async #report(
    what: { serial: string; category: string; component: string; channel: (typeof CHANNELS)[number] },
    atMs: number,
  ): Promise<void> {
    const { serial, category, component, channel } = what
    const { world } = this.#options
    const brand = this.#options.brand?.() ?? null
    // Somebody came meanwhile.
    if (!world.has(serial) || world.wear(serial, component) < BROKEN_WEAR) return
    const symptomCode = this.#options.symptomOf?.(category, component) ?? undefined
    const link = this.#links.get(`${serial}/${component}`)
    const body: ReportProblemBody = { kind: 'another_fault', ...(symptomCode ? { symptomCode } : {}) }
    // On the page when there is one that takes it; else by phone or in the app.
    const onPage = channel === 'page' && link !== undefined && (await this.#send(link, 'report_problem', body))
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
      if ((await this.#unlessOver(brand.post('/api/fault-reports', report))) === null) return
    }
    this.#reported.add(serial)
    this.#truth.write({
      at: instant(atMs),
      serial,
      category,
      component,
      kind: 'deed',
      by: 'homeowner',
      deed: `reports by ${told}`,
    })
    this.#tell({ kind: 'report', atMs, serial, component, channel: told })
  }

  #doIt(view: OfferView, atMs: number): void {
    for (const { device, component } of view.needs) {
      if (this.#options.world.has(device.serial)) this.#renew(device.serial, component.key, atMs)
    }
  }

  #renew(serial: string, component: string, atMs: number): void {
    this.#options.world.replace(serial, component, { atMs, by: 'homeowner' })
    this.#tell({ kind: 'did_it', atMs, serial, component })
  }

  /** By looking at the appliance, not at the page. */
  #allWell(view: OfferView): boolean {
    const { world } = this.#options
    return view.needs.every(
      ({ device, component }) =>
        !world.has(device.serial) || world.wear(device.serial, component.key) < WORTH_DOING_WEAR,
    )
  }

  /** Null when the offer is over: withdrawn, expired, answered by somebody else at home. */
  async #look(path: string): Promise<OfferView | null> {
    return this.#unlessOver(this.#api.get<OfferView>(path))
  }

  async #send(path: string, choice: string, body: unknown): Promise<boolean> {
    return (await this.#unlessOver(this.#api.post<OfferView>(`${path}/${choice}`, body))) !== null
  }

  async #unlessOver<T>(call: Promise<T>): Promise<T | null> {
    try {
      return await call
    } catch (error) {
      if (error instanceof HubApiError && [404, 409, 410, 422].includes(error.problem.status)) return null
      throw error
    }
  }

  #did(change: Extract<HomeownerChange, { detail: string }>): void {
    this.#deed(change.view, change.atMs, change.detail === '' ? change.kind : `${change.kind} ${change.detail}`)
    this.#tell(change)
  }

  #deed(view: OfferView, atMs: number, deed: string): void {
    for (const { device, component } of view.needs)
      this.#truth.write({
        at: instant(atMs),
        serial: device.serial,
        category: device.category,
        component: component.key,
        kind: 'deed',
        by: 'homeowner',
        deed,
      })
  }

  #tell(change: HomeownerChange): void {
    this.#options.onChange?.(change)
  }
}

/** Nobody answers in their sleep: what would fall between eleven and seven waits for the morning. */
export function awake(atMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' })
  const hour = Number(format.format(atMs))
  if (hour >= 7 && hour < 23) return atMs
  return atMs + ((7 - hour + 24) % 24) * HOUR_MS
}
