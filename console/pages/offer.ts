import type { AcceptBody, DeclineBody, OfferView, SelfServiceGuide, SnoozeBody } from '#contracts'
import { call } from './call.ts'
import { button, choice } from './controls.ts'
import { type Child, el } from './dom.ts'
import { evidenceFigure, sortedEvidence } from './evidence.ts'
import { money, span, when } from './format.ts'
import { path } from './offer-calls.ts'
import { changeCard, progress, solvedCard } from './offer-visit.ts'
import { type Page, runScreen } from './session.ts'
import { slotPicker } from './slot-picker.ts'
import type { Word } from './words.ts'

/** A visit under way changes by the minute at most. */
const REFRESH_MS = 20_000
const DECLINE_REASONS = [
  'not_now',
  'too_expensive',
  'already_done',
  'do_not_believe_it',
  'other_service',
  'moved',
  'other',
] as const
const SNOOZES = [1, 3, 7, 14, 30] as const

type Offer = Page<OfferView>
type Need = OfferView['needs'][number]

let shown: OfferView | null = null
const screen = runScreen<OfferView>({
  root: document.getElementById('page')!,
  load: () => call<OfferView>(path),
  localeOf: (view) => view.locale,
  render(view, page) {
    shown = view
    const title = view.needs[0]!.job.title[page.locale]
    document.title = `${title} · ${view.brand.name[page.locale]}`
    return [header(view, page), ...body(view, page)]
  },
})
void screen.reload()
setInterval(() => {
  // Only a visit under way is watched; a choice half made is never drawn over.
  if (document.visibilityState === 'visible' && shown?.state === 'accepted' && !document.querySelector('[data-open]'))
    void screen.reload()
}, REFRESH_MS)

function header(view: OfferView, page: Offer): HTMLElement {
  return el('header', { class: 'top' }, el('span', {}, view.brand.name[page.locale]), page.switcher())
}

function body(view: OfferView, page: Offer): Child[] {
  const { say } = page
  switch (view.state) {
    case 'offered':
    case 'snoozed':
      return asked(view, page)
    case 'accepted':
      return [headline(view, page), progress(view, page), needs(view, page), price(view, page), changeCard(view, page)]
    case 'self_service':
      return [
        ended(say('selfTitle'), say('selfAfter')),
        ...view.needs.map((need) => need.selfService && guide(need.selfService, need, page)),
        view.choices.includes('accept') && details(say('changeMind'), booking(view, page)),
      ]
    case 'declined':
      return [ended(say('declinedTitle'))]
    case 'expired':
      return [ended(say('expiredTitle'), say('expired'))]
    case 'withdrawn':
      return [ended(say('withdrawnTitle'))]
    case 'cancelled':
      return [ended(say('cancelledTitle'))]
    case 'closed':
      return view.progress
        ? [headline(view, page), progress(view, page), solvedCard(view, page)]
        : [ended(say('closedTitle'))]
  }
}

function asked(view: OfferView, page: Offer): Child[] {
  const { say, locale } = page
  const where = { locale, timeZone: view.timeZone }
  return [
    view.state === 'snoozed' &&
      view.snoozedUntil !== null &&
      el(
        'div',
        { class: 'notice', role: 'status' },
        el('p', { class: 'big' }, say('snoozedTitle')),
        el('p', {}, say('snoozedBody') + when(view.snoozedUntil, 'full', where)),
      ),
    headline(view, page),
    needs(view, page),
    price(view, page),
    view.choices.includes('accept') && booking(view, page),
    otherChoices(view, page),
    el('p', { class: 'soft' }, `${say('validUntil')} ${when(view.expiresAt, 'full', where)}`),
  ]
}

/** Once the visit is over nothing urges any more; a danger stays until it is known to be gone. */
function headline(view: OfferView, { say, locale }: Offer): HTMLElement {
  const first = view.needs[0]!
  const past = visited(view)
  const result = view.progress?.result
  const solved = result?.solved === true || (result?.verified === 'verified' && result.solved !== false)
  const tag: Word = solved ? 'pastSolved' : past ? 'pastVisited' : view.safety ? 'safety' : view.urgency
  const cause = sentence(first.cause[locale], locale)
  return el(
    'section',
    { class: 'card' },
    el('p', {}, el('span', { class: past ? 'tag' : `tag ${view.urgency}` }, say(tag))),
    view.safety && !solved && el('p', { class: 'notice alarm', role: 'alert' }, say(view.safety)),
    el('h1', {}, first.job.title[locale]),
    past ? el('p', { class: 'soft' }, say('pastCause') + cause) : el('p', { class: 'lead' }, cause),
    el('p', { class: 'soft' }, applianceAndPart(first, locale)),
  )
}

/** Whether the technician has been there. */
function visited(view: OfferView): boolean {
  return view.state === 'closed' || view.progress?.stage === 'done' || view.progress?.stage === 'followed_up'
}

function applianceAndPart(need: Need, locale: 'zh-CN' | 'en'): string {
  return `${need.device.name[locale]} · ${need.component.name[locale]}`
}

function needs(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const where = { say, locale, timeZone: view.timeZone }
  const parts = view.needs.flatMap((need, i): Child[] => {
    const { main, others } = sortedEvidence(need.evidence)
    return [
      i > 0 && el('h2', {}, need.job.title[locale]),
      i > 0 && el('p', {}, sentence(need.cause[locale], locale)),
      main && evidenceFigure(main, { ...where, main: true }),
      others.length > 0 &&
        details(say('otherMeasurements'), ...others.map((item) => evidenceFigure(item, { ...where, main: false }))),
    ]
  })
  return el('section', { class: 'card' }, el('h2', {}, say(visited(view) ? 'whyPast' : 'why')), ...parts)
}

function price(view: OfferView, { say, locale }: Offer): HTMLElement {
  const { charge } = view
  const free = charge.payer !== 'homeowner'
  const lines = charge.lines.flatMap((line) => [
    el(
      'dt',
      {},
      [say(line.kind), line.name?.[locale] ?? line.sku, (line.quantity ?? 1) > 1 ? `× ${line.quantity}` : '']
        .filter(Boolean)
        .join(' '),
    ),
    el('dd', {}, money(line.amountMinor, charge.currency, locale)),
  ])
  const payer: Word = {
    homeowner: charge.collectedBy === 'brand' ? 'payerHomeownerBrand' : 'payerHomeowner',
    warranty: 'payerWarranty',
    extended_warranty: 'payerExtended',
    brand: 'payerBrand',
    partner: 'payerPartner',
  }[charge.payer] as Word
  const minutes = view.needs.map((need) => span(need.job.duration, locale)).join(' + ')
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, say('price')),
    !free &&
      el(
        'dl',
        { class: 'rows' },
        ...lines,
        el('dt', { class: 'total' }, say('total')),
        el('dd', { class: 'total' }, money(charge.totalMinor, charge.currency, locale)),
      ),
    el('p', free ? { class: 'big' } : { class: 'soft' }, say(payer)),
    el('p', { class: 'soft' }, `${say('takes')} ${minutes}`),
  )
}

function booking(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  if (view.slots.length === 0 || view.partners.length === 0)
    return el('section', { class: 'card' }, el('p', {}, say('noSlots')))
  const picker = slotPicker(view.slots, { say, locale, timeZone: view.timeZone })
  const one = view.partners.length === 1
  const boxes = view.partners.map((partner) => {
    const input = el('input', { type: 'checkbox', name: 'partner', value: partner.key })
    input.checked = true
    return { partner, input }
  })
  const who = one
    ? el('p', {}, `${say('who')}: `, el('strong', {}, view.partners[0]!.name[locale]))
    : el(
        'fieldset',
        {},
        el('legend', {}, say('who')),
        ...boxes.map(({ partner, input }) =>
          el('label', { class: 'choice' }, input, el('span', {}, partner.name[locale])),
        ),
      )
  const accept = (): void => {
    const slot = picker.chosen()
    const shareWith = boxes.filter(({ input }) => input.checked).map(({ partner }) => partner.key)
    if (!slot || shareWith.length === 0) return
    void page.send(() => call<OfferView>(`${path}/accept`, { slot, shareWith } satisfies AcceptBody))
  }
  return el(
    'section',
    { class: 'card' },
    picker.element,
    who,
    el('p', { class: 'soft', lang: locale }, view.consentText.text[locale]),
    page.messages,
    el('button', { type: 'button', class: 'main', 'data-choice': 'accept', click: accept }, say('accept')),
  )
}

/** The quieter choices: each opens in place, says what it means, and is confirmed there. */
function otherChoices(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const root = el('section', { class: 'card' })
  const open = (panel: HTMLElement): void => {
    panel.setAttribute('data-open', '')
    panel.append(
      page.messages,
      button('back', () => menu(), 'quiet', say),
    )
    root.replaceChildren(panel)
    panel.setAttribute('tabindex', '-1')
    panel.focus()
    panel.scrollIntoView({ block: 'nearest' })
  }
  const menu = (): void => {
    const guides = view.needs.map((need) => need.selfService).filter((it) => it !== null)
    root.replaceChildren(
      ...[
        view.choices.includes('self_service') &&
          choice('self_service', say('myself'), () => open(selfPanel(guides, page))),
        view.choices.includes('snooze') && choice('snooze', say('later'), () => open(snoozePanel(view, page))),
        view.choices.includes('decline') && choice('decline', say('decline'), () => open(declinePanel(page))),
      ].filter((it) => it !== false),
    )
    root.hidden = root.childElementCount === 0
  }
  root.lang = locale
  menu()
  return root
}

function snoozePanel(view: OfferView, page: Offer): HTMLElement {
  const { say } = page
  const latestMs = Date.parse(view.now) + 30 * 86_400_000
  const panel = el('div', {}, el('h2', {}, say('laterTitle')))
  const inputs = SNOOZES.map((days, i) => {
    const input = el('input', { type: 'radio', name: 'snooze', value: days })
    input.checked = i === 1
    panel.append(el('label', { class: 'choice' }, input, el('span', {}, say(`days${days}`))))
    return input
  })
  const send = (): void => {
    const days = Number(inputs.find((input) => input.checked)?.value ?? 3)
    const untilMs = Math.min(latestMs, Date.parse(view.now) + days * 86_400_000)
    const until = new Date(untilMs).toISOString()
    void page.send(() => call<OfferView>(`${path}/snooze`, { until } satisfies SnoozeBody))
  }
  panel.append(button('laterDo', send, 'main', say))
  return panel
}

function declinePanel(page: Offer): HTMLElement {
  const { say } = page
  const panel = el('div', {}, el('h2', {}, say('declineTitle')))
  const inputs = DECLINE_REASONS.map((reason, i) => {
    const input = el('input', { type: 'radio', name: 'reason', value: reason })
    input.checked = i === 0
    panel.append(el('label', { class: 'choice' }, input, el('span', {}, say(reason))))
    return input
  })
  const send = (): void => {
    const reason = (inputs.find((input) => input.checked)?.value ?? 'other') as DeclineBody['reason']
    void page.send(() => call<OfferView>(`${path}/decline`, { reason } satisfies DeclineBody))
  }
  panel.append(button('declineDo', send, 'main', say))
  return panel
}

function selfPanel(guides: readonly SelfServiceGuide[], page: Offer): HTMLElement {
  const panel = el('div', {}, el('h2', {}, page.say('myselfTitle')), ...guides.map((it) => guideBody(it, page)))
  panel.append(
    button('myselfDo', () => void page.send(() => call<OfferView>(`${path}/self_service`, {})), 'main', page.say),
  )
  return panel
}

function guide(content: SelfServiceGuide, need: Need, page: Offer): HTMLElement {
  const { locale } = page
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, need.job.title[locale]),
    el('p', { class: 'soft' }, applianceAndPart(need, locale)),
    guideBody(content, page),
  )
}

function guideBody(content: SelfServiceGuide, { say, locale }: Offer): HTMLElement {
  return el(
    'div',
    {},
    el(
      'p',
      { class: 'soft' },
      `${say('about')} ${content.minutes} ${say(content.minutes === 1 ? 'minute' : 'minutes')}`,
    ),
    el('ol', {}, ...(content.steps ?? []).map((step) => el('li', {}, step[locale]))),
  )
}

function ended(title: string, text?: string): HTMLElement {
  return el('section', { class: 'card', role: 'status' }, el('h1', {}, title), text !== undefined && el('p', {}, text))
}

function details(summary: string, ...children: Child[]): HTMLElement {
  return el('details', {}, el('summary', {}, summary), ...children)
}

/** Causes are written without a full stop, so that others can go on after them. */
function sentence(text: string, locale: 'zh-CN' | 'en'): string {
  return /[.。!！?？]$/.test(text) ? text : text + (locale === 'en' ? '.' : '。')
}
