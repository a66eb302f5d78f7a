import type { JobEventBody, JobView, PartnerReason, PartnerStatus, SiteAddress, WorkOrderItem } from '#contracts'
import { call, tokenOf } from './call.ts'
import { type Child, el } from './dom.ts'
import { evidenceFigure, sortedEvidence } from './evidence.ts'
import { money, slotText, span, when } from './format.ts'
import { outcomeForm } from './job-outcome.ts'
import { STATUS_BUTTONS, statusChoices } from './job-statuses.ts'
import { type Page, runScreen } from './session.ts'
import { slotPicker } from './slot-picker.ts'
import { sayCode, type Word } from './words.ts'

type Job = Page<JobView>

const path = `/job/v1/${encodeURIComponent(tokenOf(location.pathname))}`
/** Once shown it stays on the page, so that looking twice is recorded once. */
let site: SiteAddress | null = null

const screen = runScreen<JobView>({
  root: document.getElementById('page')!,
  load: () => call<JobView>(path),
  localeOf: (view) => view.locale,
  render(view, page) {
    document.title = `${view.items[0]!.job.title[page.locale]} · ${view.workOrder.number}`
    return [
      el(
        'header',
        { class: 'top' },
        el('span', {}, `${view.brand.name[page.locale]} · ${view.workOrder.number}`),
        page.switcher(),
      ),
      summary(view, page),
      safetyRules(view, page),
      actions(view, page),
      address(view, page),
      ...view.items.flatMap((item) => itemCards(item, view, page)),
    ]
  },
})
void screen.reload()

/** What a technician needs in ten seconds: what, where, when, why, which parts, what to charge. */
function summary(view: JobView, { say, locale }: Job): HTMLElement {
  const where = { locale, timeZone: view.timeZone }
  const { workOrder } = view
  const facts: Child[] = []
  const fact = (word: Word, ...content: Child[]) => facts.push(el('dt', {}, say(word)), el('dd', {}, ...content))
  if (view.appointment) fact('time', el('strong', {}, slotText(view.appointment, where)))
  else if (workOrder.window.slots[0]) fact('windowLabel', slotText(workOrder.window.slots[0], where))
  fact('dueBy', when(workOrder.window.dueBy, 'full', where))
  if (view.status === null) fact('acceptBy', when(workOrder.sla.acceptBy, 'full', where))
  fact('where', [view.site.district, view.site.street].filter(Boolean).join(' / ') || '–')
  const causes = view.items.map((item) => item.diagnosis)
  fact(
    'cause',
    ...causes.flatMap((diagnosis, i): Child[] => [
      i > 0 && el('br'),
      diagnosis.cause.text[locale],
      confidence(diagnosis.confidence, say),
    ]),
  )
  const parts = view.items.flatMap((item) => item.job.parts)
  const nameOf = (sku: string): string => {
    const name = workOrder.charge.lines.find((line) => line.sku === sku)?.name?.[locale]
    return name === undefined ? sku : `${name} ${sku}`
  }
  fact(
    'bring',
    ...(parts.length
      ? parts.flatMap((part, i): Child[] => [
          i > 0 && el('br'),
          el('strong', {}, `${nameOf(part.sku)} × ${part.quantity}`),
          chance(part.needChance, say),
        ])
      : [say('noParts')]),
  )
  const { charge } = workOrder
  const collects = charge.payer === 'homeowner' && charge.collectedBy === 'partner'
  fact('charge', collects ? say('collect') + money(charge.totalMinor, charge.currency, locale) : say('collectNothing'))
  return el(
    'section',
    { class: 'card' },
    el(
      'p',
      {},
      el('span', { class: 'tag' }, view.status === null ? say('statusNone') : sayCode(say, view.status)),
      workOrder.priority !== 'normal' &&
        el(
          'span',
          { class: 'tag warning' },
          say(workOrder.priority === 'urgent' ? 'priority_urgent' : 'priority_high'),
        ),
      workOrder.reworkOf !== null && el('span', { class: 'tag critical' }, say('rework')),
    ),
    el('h1', {}, view.items.map((item) => item.job.title[locale]).join(' + ')),
    el(
      'p',
      { class: 'soft' },
      view.items
        .map(
          (item) => `${item.device.productName?.[locale] ?? item.device.product} · ${span(item.job.duration, locale)}`,
        )
        .join(' / '),
    ),
    el('dl', { class: 'facts' }, ...facts),
  )
}

/** What protects the technician stands before anything that can be pressed. */
function safetyRules(view: JobView, { say, locale }: Job): Child {
  const rules = new Set(view.items.flatMap((item) => item.job.safety.map((rule) => rule[locale])))
  if (rules.size === 0) return null
  const list = el('ul', {}, ...[...rules].map((rule) => el('li', {}, rule)))
  return el('section', { class: 'notice warning', 'data-safety': '' }, el('h2', {}, say('safetyRules')), list)
}

function confidence(value: number | null, say: Job['say']): Child {
  return value === null ? null : el('span', { class: 'soft' }, ` (${say('confidence')} ${Math.round(value * 100)} %)`)
}

function chance(value: number | undefined, say: Job['say']): Child {
  return value === undefined || value >= 1
    ? null
    : el('span', { class: 'soft' }, ` (${say('needChance')} ${Math.round(value * 100)} %)`)
}

function actions(view: JobView, page: Job): HTMLElement {
  const { say } = page
  const root = el('section', { class: 'card' })
  const { next, others } = statusChoices(view.status, view.allowed)
  if (!next && others.length === 0) {
    root.append(el('p', { class: 'big' }, say('finishedTitle')), el('p', {}, say('thanks')))
    return root
  }
  const menu = (): void => {
    const main =
      next &&
      el(
        'button',
        { type: 'button', class: 'main', 'data-status': next, click: () => start(next) },
        say(STATUS_BUTTONS[next]!.word),
      )
    const rest = others.map((status) =>
      el(
        'button',
        { type: 'button', 'data-status': status, click: () => start(status) },
        say(STATUS_BUTTONS[status]!.word),
      ),
    )
    root.replaceChildren(
      ...[
        page.messages,
        main,
        rest.length > 0 && el('details', {}, el('summary', {}, say('moreStatuses')), ...rest),
      ].filter((child) => child instanceof Node),
    )
  }
  const start = (status: PartnerStatus): void => {
    if (STATUS_BUTTONS[status]!.form === 'none') {
      send(status, {})
      return
    }
    const form = statusForm(status, view, page, (extra) => send(status, extra))
    form.append(page.messages, el('button', { type: 'button', class: 'quiet', click: menu }, say('back')))
    root.replaceChildren(form)
    form.setAttribute('tabindex', '-1')
    form.focus()
  }
  const send = (status: PartnerStatus, extra: Partial<JobEventBody>): void => {
    const event: JobEventBody = { status, visit: view.visit, ...extra }
    void page.send(() => call<JobView>(`${path}/events`, event))
  }
  menu()
  return root
}

/** The fields a status needs, and a button that sends them. */
function statusForm(
  status: PartnerStatus,
  view: JobView,
  page: Job,
  send: (extra: Partial<JobEventBody>) => void,
): HTMLElement {
  const { say, locale } = page
  const { form, reasons, word } = STATUS_BUTTONS[status]!
  const root = el('div', {}, el('h2', {}, say(word)))
  const readers: (() => Partial<JobEventBody>)[] = []
  if (form === 'reason' || form === 'reason_slot') {
    const select = el(
      'select',
      {},
      ...reasons.map((reason) =>
        el('option', { value: reason }, reason === 'price' ? say('reasonPrice') : sayCode(say, reason)),
      ),
    )
    root.append(el('label', { class: 'field' }, el('span', {}, say('reason')), select))
    readers.push(() => ({ reason: select.value as PartnerReason }))
  }
  if (form === 'slot' || form === 'reason_slot') {
    const picker = slotPicker(view.workOrder.window.slots, { say, locale, timeZone: view.timeZone })
    root.append(picker.element)
    readers.push(() => {
      const appointment = picker.chosen()
      return appointment ? { appointment } : {}
    })
  }
  if (form === 'outcome') {
    const outcome = outcomeForm(view, page)
    root.append(outcome.element)
    readers.push(() => ({ outcome: outcome.read() }))
  }
  const submit = (): void => {
    // The browser's own checks speak the reader's language already.
    for (const field of root.querySelectorAll<HTMLInputElement>('input, textarea, select'))
      if (field.offsetParent !== null && !field.reportValidity()) return
    send(Object.assign({}, ...readers.map((read) => read())) as Partial<JobEventBody>)
  }
  root.append(
    el(
      'button',
      { type: 'button', class: 'main', 'data-send': status, click: submit },
      say(form === 'outcome' ? 'finish' : 'send'),
    ),
  )
  return root
}

function address(view: JobView, page: Job): HTMLElement {
  const { say } = page
  const root = el('section', { class: 'card' }, el('h2', {}, say('address')))
  if (!view.siteOpen) {
    root.append(el('p', { class: 'soft' }, say('addressAfter')))
    return root
  }
  const draw = (found: SiteAddress): void => {
    const { contact } = found
    const lines = [
      [found.province, found.city, found.district].filter(Boolean).join(' '),
      [found.street, found.community].filter(Boolean).join(' '),
      [found.building, found.unit, found.floor, found.room].filter(Boolean).join(' '),
    ].filter(Boolean)
    root.replaceChildren(
      ...[
        el('h2', {}, say('address')),
        ...lines.map((line) => el('p', { class: 'lead' }, line)),
        found.accessNotes ? el('p', { class: 'soft' }, `${say('access')}: ${found.accessNotes}`) : null,
        el(
          'a',
          { class: 'button', href: `tel:${contact.number.replace(/[^\d+]/g, '')}` },
          [
            say('call'),
            contact.name,
            contact.number,
            contact.extension ? `${say('extension')} ${contact.extension}` : '',
          ]
            .filter(Boolean)
            .join(' '),
        ),
      ].filter((child) => child !== null),
    )
  }
  if (site) draw(site)
  else {
    const button = el(
      'button',
      { type: 'button', 'data-address': '', click: () => void fetchSite() },
      say('addressShow'),
    )
    const fetchSite = async (): Promise<void> => {
      button.disabled = true
      const answer = await call<SiteAddress>(`${path}/site`)
      button.disabled = false
      if (answer.ok) draw((site = answer.value))
      else
        root.append(
          el(
            'p',
            { class: 'notice alarm', role: 'alert' },
            say(answer.trouble === 'offline' ? 'offline' : answer.trouble === 'gone' ? 'gone' : 'failed'),
          ),
        )
    }
    root.append(button)
  }
  return root
}

function itemCards(item: WorkOrderItem, view: JobView, { say, locale }: Job): HTMLElement[] {
  const where = { say, locale, timeZone: view.timeZone }
  const { job, device, diagnosis } = item
  const age = diagnosis.dataAgeSeconds
  const { main, others } = sortedEvidence(diagnosis.evidence)
  const list = (texts: readonly Record<'en' | 'zh-CN', string>[], tag: 'ul' | 'ol') =>
    el(tag, {}, ...texts.map((text) => el('li', {}, text[locale])))
  const facts: Child[] = []
  const fact = (word: Word, text: string | null | undefined) => {
    if (text) facts.push(el('dt', {}, say(word)), el('dd', {}, text))
  }
  fact('device', device.productName?.[locale] ?? device.product)
  fact('serial', device.serial)
  fact('firmware', device.firmware)
  fact(
    'history',
    device.history
      .map((visit) =>
        [when(visit.at, 'date', where), visit.verdict && sayCode(say, visit.verdict), visit.parts.join(', ')]
          .filter(Boolean)
          .join(' '),
      )
      .join('; '),
  )
  const cards: (HTMLElement | false)[] = [
    el(
      'section',
      { class: 'card' },
      el('h2', {}, say('evidence')),
      main && evidenceFigure(main, { ...where, main: true }),
      ...others.map((item) => evidenceFigure(item, { ...where, main: false })),
      age !== null && el('p', { class: 'soft' }, `${say('dataAge')} ${span(isoMinutes(age), locale)}${say('ago')}`),
    ),
    job.steps.length > 0 && el('section', { class: 'card' }, el('h2', {}, say('steps')), list(job.steps, 'ol')),
    el(
      'section',
      { class: 'card' },
      job.tools.length > 0 && el('h2', {}, say('tools')),
      job.tools.length > 0 && list(job.tools, 'ul'),
      el('h2', {}, say('device')),
      el('dl', { class: 'facts' }, ...facts),
    ),
  ]
  return cards.filter((card) => card !== false)
}

function isoMinutes(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60))
  const hours = Math.floor(minutes / 60)
  return hours >= 24 ? `P${Math.floor(hours / 24)}DT${hours % 24}H` : `PT${hours}H${minutes % 60}M`
}
