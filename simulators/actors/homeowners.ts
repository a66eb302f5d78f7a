import type { AcceptBody, DeclineBody, OfferView, SnoozeBody, Text } from '#contracts'
import { instant } from '#contracts'
import type { Random } from '#platform'
import { HubApi, HubApiError } from '../hub-api.ts'
import { Agenda } from './agenda.ts'
import type { World } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** How often each answer is given; what is left over goes unanswered and expires. */
export interface Temper {
  accept: number
  snooze: number
  decline: number
  /** Of those who accept and could do it alone, how many do. */
  myself: number
}

export const ORDINARY_TEMPER: Temper = { accept: 0.8, snooze: 0.12, decline: 0.05, myself: 0.35 }

export interface HomeownersOptions {
  hubUrl: string
  random: Random
  world: World
  temper?: Temper
  /** What stands in a home, by the hub's id of it. */
  devicesOfHome?: (homeId: string) => readonly { serial: string; category: string }[]
  onChange?: (change: HomeownerChange) => void
}

export type HomeownerChange =
  | { kind: 'notice'; atMs: number; view: OfferView; link: string }
  | { kind: 'accept' | 'snooze' | 'decline' | 'self_service' | 'ignore'; atMs: number; view: OfferView; detail: string }
  | { kind: 'did_it'; atMs: number; serial: string; component: string }
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

/** The people of the simulated homes: they get a message, open its link, and answer in their own time. */
export class DemoHomeowners {
  readonly #options: HomeownersOptions
  readonly #agenda = new Agenda()
  readonly #api: HubApi
  readonly #asked = new Map<string, number>()

  constructor(options: HomeownersOptions) {
    this.#options = options
    this.#api = new HubApi(options.hubUrl, null)
  }

  /** A message arrived on somebody's phone. */
  receive(notice: Notice, nowMs: number): void {
    const { link } = notice
    if (notice.kind === 'safety') {
      this.#actAtOnce(notice, nowMs)
      return
    }
    if (link === null) return
    const readMs = Math.max(nowMs, Date.parse(notice.sendAfter))
    this.#agenda.plan(readMs, (atMs) => this.#read(link, atMs))
  }

  async step(nowMs: number): Promise<void> {
    await this.#agenda.runUntil(nowMs)
  }

  /** A warning is read when it comes, and what can be done is done within hours. */
  #actAtOnce({ home, text }: Notice, nowMs: number): void {
    this.#tell({ kind: 'warned', atMs: nowMs, text: `${text['zh-CN']} ${text.en}` })
    const hours = 1 + 8 * this.#options.random.fork(`warned ${home} ${nowMs}`).next()
    this.#agenda.plan(nowMs + hours * HOUR_MS, async (atMs) => {
      for (const { serial, category } of this.#options.devicesOfHome?.(home) ?? [])
        for (const { component, category: concerned } of AT_ONCE)
          if (category === concerned && this.#options.world.wear(serial, component) > WORTH_DOING_WEAR)
            this.#renew(serial, component, atMs)
    })
  }

  async #read(link: string, atMs: number): Promise<void> {
    const path = `/home/v1/offers/${new URL(link).pathname.split('/').at(-1)}`
    const view = await this.#look(path)
    if (!view?.choices.includes('accept')) return
    const key = view.needs.map((need) => `${need.device.serial}/${need.component.key}`).join('+')
    const times = (this.#asked.get(key) ?? 0) + 1
    this.#asked.set(key, times)
    this.#tell({ kind: 'notice', atMs, view, link })
    // Each question is answered by a chance of its own, whoever else was asked meanwhile.
    const random = this.#options.random.fork(`${key} ${times}`)
    const thinkMs = (0.5 + 8 * random.next()) * HOUR_MS
    this.#agenda.plan(awake(atMs + thinkMs, view.timeZone), (at) => this.#answer(path, at, random))
  }

  async #answer(path: string, atMs: number, random: Random): Promise<void> {
    const view = await this.#look(path)
    if (!view?.choices.includes('accept')) return
    const temper = this.#options.temper ?? ORDINARY_TEMPER
    const mood = random.next()
    if (mood < temper.accept) return this.#agree(path, view, atMs, random)
    if (mood < temper.accept + temper.snooze && view.choices.includes('snooze')) {
      const until = instant(atMs + (2 + random.int(4)) * DAY_MS)
      if (await this.#send(path, 'snooze', { until } satisfies SnoozeBody))
        this.#tell({ kind: 'snooze', atMs, view, detail: until.slice(0, 10) })
      return
    }
    if (mood < temper.accept + temper.snooze + temper.decline) {
      const { reason } = {
        reason: random.pick(['not_now', 'too_expensive', 'other_service'] as const),
      } satisfies DeclineBody
      if (await this.#send(path, 'decline', { reason })) this.#tell({ kind: 'decline', atMs, view, detail: reason })
      return
    }
    this.#tell({ kind: 'ignore', atMs, view, detail: '' })
  }

  async #agree(path: string, view: OfferView, atMs: number, random: Random): Promise<void> {
    const alone = view.needs.every((need) => need.selfService !== null) && view.choices.includes('self_service')
    if (alone && random.chance((this.#options.temper ?? ORDINARY_TEMPER).myself)) {
      if (!(await this.#send(path, 'self_service', {}))) return
      this.#tell({ kind: 'self_service', atMs, view, detail: view.needs[0]!.selfService!.guide })
      this.#agenda.plan(atMs + (1 + 2 * random.next()) * DAY_MS, async (at) => this.#doIt(view, at))
      return
    }
    const { slots, partners } = view
    if (slots.length === 0 || partners.length === 0)
      return this.#tell({ kind: 'ignore', atMs, view, detail: 'no slot' })
    // Most take one of the first slots that suit.
    const slot = slots[random.int(Math.min(4, slots.length))]!
    const body: AcceptBody = { slot, shareWith: partners.map((partner) => partner.key) }
    if (await this.#send(path, 'accept', body)) this.#tell({ kind: 'accept', atMs, view, detail: slot.from })
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
