import type {
  AcceptBody,
  DeclineBody,
  OfferView,
  QuoteDecisionBody,
  RateBody,
  RescheduleBody,
  SnoozeBody,
  SolvedBody,
  Text,
} from '#contracts'
import { instant } from '#contracts'
import { type Random, sha256Hex } from '#platform'
import { noTruth, type TruthSink } from '../fleet/truth.ts'
import { HubApi } from '../hub-api.ts'
import { Agenda } from './agenda.ts'
import { awake } from './awake.ts'
import { FaultReporter } from './fault-reporter.ts'
import { HomeDiary, type HomeownerChange } from './home-diary.ts'
import { OfferPage } from './offer-page.ts'
import { ORDINARY_TEMPER, type Temper } from './temper.ts'
import type { World } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

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
  readonly #page: OfferPage
  readonly #diary: HomeDiary
  readonly #reporter: FaultReporter
  readonly #temper: Temper
  readonly #asked = new Map<string, number>()
  /** The newest link about a component, by `serial/component`. */
  readonly #links = new Map<string, string>()

  constructor(options: HomeownersOptions) {
    this.#options = options
    this.#temper = options.temper ?? ORDINARY_TEMPER
    this.#page = new OfferPage(new HubApi(options.hubUrl, null, { patienceMs: options.patienceMs ?? 0 }))
    this.#diary = new HomeDiary(options.truth ?? noTruth, options.onChange)
    this.#reporter = new FaultReporter({
      random: options.random,
      world: options.world,
      agenda: this.#agenda,
      page: this.#page,
      diary: this.#diary,
      share: this.#temper.reports ?? 0,
      brand: () => options.brand?.() ?? null,
      symptomOf: (category, component) => options.symptomOf?.(category, component) ?? null,
      timeZoneOf: (serial) => options.timeZoneOf?.(serial) ?? 'Asia/Shanghai',
      linkOf: ({ serial, component }) => this.#links.get(`${serial}/${component}`),
    })
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
    this.#reporter.broke({ serial, category, component }, nowMs)
  }

  async step(nowMs: number): Promise<void> {
    await this.#agenda.runUntil(nowMs)
  }

  /** A warning is read when it comes, and what can be done is done within hours. */
  #actAtOnce({ home, text }: Notice, nowMs: number): void {
    this.#diary.tell({ kind: 'warned', atMs: nowMs, text: `${text['zh-CN']} ${text.en}` })
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
    const view = await this.#page.look(offer.path)
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
      this.#diary.tell({ kind: 'notice', atMs, view, link })
      this.#agenda.plan(later(0.5 + 8 * random.next()), (at) => this.#answer(offer, link, at, random))
    } else if (view.quote && view.choices.includes('quote')) {
      this.#agenda.plan(later(0.5 + 12 * random.next()), (at) => this.#decide(offer, at, random.fork('quote')))
    } else if (view.choices.includes('solved')) {
      this.#agenda.plan(later(1 + 24 * random.next()), (at) => this.#solved(offer, at, random.fork('solved')))
    }
  }

  async #answer(offer: OpenOffer, link: string, atMs: number, random: Random): Promise<void> {
    const { path } = offer
    const view = await this.#page.look(path)
    if (!view?.choices.includes('accept')) return
    const temper = this.#temper
    const accept = view.needs.some((need) => this.#reporter.hasReported(need.device.serial))
      ? REPORTER_ACCEPTS
      : temper.accept
    const mood = random.next()
    if (mood < accept) return this.#agree(offer, link, view, atMs, random)
    if (mood < accept + temper.snooze && view.choices.includes('snooze')) {
      const until = instant(atMs + (2 + random.int(4)) * DAY_MS)
      if (await this.#page.send(path, 'snooze', { until } satisfies SnoozeBody))
        this.#diary.did({ kind: 'snooze', atMs, view, detail: until.slice(0, 10) })
      return
    }
    if (mood < accept + temper.snooze + temper.decline) {
      const { reason } = {
        reason: random.pick(['not_now', 'too_expensive', 'other_service'] as const),
      } satisfies DeclineBody
      if (await this.#page.send(path, 'decline', { reason }))
        this.#diary.did({ kind: 'decline', atMs, view, detail: reason })
      return
    }
    if (mood < accept + temper.snooze + temper.decline + (temper.stop ?? 0) && view.choices.includes('stop')) {
      if (await this.#page.send(path, 'stop', {})) this.#diary.did({ kind: 'stop', atMs, view, detail: '' })
      return
    }
    this.#diary.did({ kind: 'ignore', atMs, view, detail: '' })
  }

  async #agree(offer: OpenOffer, link: string, view: OfferView, atMs: number, random: Random): Promise<void> {
    const { path } = offer
    const alone = view.needs.every((need) => need.selfService !== null) && view.choices.includes('self_service')
    if (alone && random.chance(this.#temper.myself)) {
      if (!(await this.#page.send(path, 'self_service', {}))) return
      this.#diary.did({ kind: 'self_service', atMs, view, detail: view.needs[0]!.selfService!.guide })
      if (random.fork('only says').chance(this.#temper.onlySays ?? 0)) this.#diary.deed(view, atMs, 'onlySays')
      else this.#agenda.plan(atMs + (1 + 2 * random.next()) * DAY_MS, async (at) => this.#doIt(view, at))
      return
    }
    const { slots, partners } = view
    if (slots.length === 0 || partners.length === 0)
      return this.#diary.did({ kind: 'ignore', atMs, view, detail: 'no slot' })
    // Most take one of the first slots that suit.
    const slot = slots[random.int(Math.min(4, slots.length))]!
    const body: AcceptBody = { slot, shareWith: partners.map((partner) => partner.key), revision: view.revision }
    this.#options.onAccepting?.(view, link)
    if (!(await this.#page.send(path, 'accept', body))) return
    this.#diary.did({ kind: 'accept', atMs, view, detail: slot.from })
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
        const now = await this.#page.look(offer.path)
        if (now?.choices.includes('cancel') && (await this.#page.send(offer.path, 'cancel', {})))
          this.#diary.did({ kind: 'cancel', atMs: at, view: now, detail: '' })
      })
    else if (mood < reschedules + cancels + withdraws)
      this.#agenda.plan(whenMs, async (at) => {
        await this.#withdraw(offer.home, view, at)
        this.#diary.did({ kind: 'withdraw', atMs: at, view, detail: 'share' })
      })
  }

  async #reschedule({ path }: OpenOffer, atMs: number, random: Random): Promise<void> {
    const view = await this.#page.look(path)
    if (!view?.choices.includes('reschedule') || view.slots.length === 0) return
    const slot = view.slots[Math.min(view.slots.length - 1, 2 + random.int(6))]!
    if (await this.#page.send(path, 'reschedule', { slot } satisfies RescheduleBody))
      this.#diary.did({ kind: 'reschedule', atMs, view, detail: slot.from })
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
    const view = await this.#page.look(path)
    if (!view?.quote || !view.choices.includes('quote')) return
    const { acceptsQuote = 0, declinesQuote = 0 } = this.#temper
    const mood = random.next()
    if (mood >= acceptsQuote + declinesQuote) return this.#diary.deed(view, atMs, 'ignoresQuote')
    const decision = mood < acceptsQuote ? 'accept' : 'decline'
    if (await this.#page.send(path, `quote/${view.quote.version}`, { decision } satisfies QuoteDecisionBody))
      this.#diary.did({ kind: 'quote', atMs, view, detail: decision })
  }

  async #solved({ path }: OpenOffer, atMs: number, random: Random): Promise<void> {
    const view = await this.#page.look(path)
    if (!view?.choices.includes('solved') || !random.chance(this.#temper.answersSolved ?? 0)) return
    const solved = this.#allWell(view)
    if (await this.#page.send(path, 'solved', { solved } satisfies SolvedBody))
      this.#diary.did({ kind: 'solved', atMs, view, detail: solved ? 'yes' : 'no' })
  }

  /** Looks again some days later when the visit is not over yet. */
  async #rate(offer: OpenOffer, atMs: number, random: Random, triesLeft: number): Promise<void> {
    const { path } = offer
    if (!random.fork('rates').chance(this.#temper.rates ?? 0)) return
    const view = await this.#page.look(path)
    if (!view) return
    if (!view.choices.includes('rate')) {
      if (triesLeft > 0 && view.progress)
        this.#agenda.plan(awake(atMs + 4 * DAY_MS, view.timeZone), (at) => this.#rate(offer, at, random, triesLeft - 1))
      return
    }
    const solved = this.#allWell(view)
    const stars = (): number => (solved ? 4 : 1) + random.int(2)
    const body: RateBody = { attitude: 4 + random.int(2), quality: stars(), speed: stars(), solved }
    if (await this.#page.send(path, 'rate', body))
      this.#diary.did({ kind: 'rate', atMs, view, detail: String(body.quality) })
  }

  #doIt(view: OfferView, atMs: number): void {
    for (const { device, component } of view.needs) {
      if (this.#options.world.has(device.serial)) this.#renew(device.serial, component.key, atMs)
    }
  }

  #renew(serial: string, component: string, atMs: number): void {
    this.#options.world.replace(serial, component, { atMs, by: 'homeowner' })
    this.#diary.tell({ kind: 'did_it', atMs, serial, component })
  }

  /** By looking at the appliance, not at the page. */
  #allWell(view: OfferView): boolean {
    const { world } = this.#options
    return view.needs.every(
      ({ device, component }) =>
        !world.has(device.serial) || world.wear(device.serial, component.key) < WORTH_DOING_WEAR,
    )
  }
}
