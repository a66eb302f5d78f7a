import type { JobEventBody, JobView, PartnerStatus } from '#contracts'
import { field } from './controls.ts'
import { type Child, el } from './dom.ts'
import { when } from './format.ts'
import { outcomeForm } from './job-outcome.ts'
import { quoteForm } from './job-quote.ts'
import { code, type Job } from './job-state.ts'
import { presumed, STATUS_BUTTONS, statusChoices } from './job-statuses.ts'
import type { Outbox } from './outbox.ts'
import { slotPicker, timeFields } from './slot-picker.ts'
import type { Word } from './words.ts'

type Extra = Partial<JobEventBody>
/** What the form says, or `null` when something is missing, which it then says itself. */
interface StatusForm {
  element: HTMLElement
  read: () => Extra | null
}

/** As the contract bounds it. */
const OBJECTION_MAX = 2_000

const GROUP = 'status'
export const formOf = (status: PartnerStatus): string => `${GROUP}.${status}`

/** The next step as one large button, the others behind a word, and what still waits for the line. */
export function actions(view: JobView, page: Job, outbox: Outbox): HTMLElement {
  const { say, drafts } = page
  const root = el('section', { class: 'card' })
  const waiting = outbox.waiting()
  const place = presumed(
    view,
    waiting.map(({ status }) => status),
  )
  const choices = statusChoices(place.status, place.allowed)
  // Whoever goes on before the customer decided takes the quote back.
  const asked = view.quote?.state === 'open' && waiting.length === 0
  const next = asked ? null : choices.next
  const others = asked && choices.next ? [choices.next, ...choices.others] : choices.others
  const listed = [...(next ? [next] : []), ...others]
  // Said of a visit that is over, not of its progress.
  const objects = others.includes('objected')
  const press = (status: PartnerStatus, look: string) =>
    el(
      'button',
      { type: 'button', class: look || null, 'data-status': status, click: () => start(status) },
      say(STATUS_BUTTONS[status]!.word),
    )

  const menu = (): void => {
    const over = listed.every((status) => status === 'objected') && waiting.length === 0
    root.replaceChildren(
      ...[
        pendingNotice(page, outbox),
        page.messages,
        next && press(next, 'main'),
        asked && el('p', {}, say('quoteWait')),
        others.length > 0 &&
          !objects &&
          el('details', {}, el('summary', {}, say('moreStatuses')), ...others.map((it) => press(it, ''))),
        over &&
          el(
            'p',
            { class: 'big' },
            say((view.allowed.length === 0 || objects) && view.status !== null ? 'finishedTitle' : 'nothingNow'),
          ),
        over && el('p', {}, say('thanks')),
        doubts(view, page),
        objects && press('objected', ''),
      ].filter((child) => child instanceof Node),
    )
  }
  const send = (status: PartnerStatus, extra: Extra): void => {
    drafts.open(GROUP, null)
    menu()
    root.scrollIntoView({ block: 'nearest' })
    outbox.say({ status, visit: view.visit, ...extra })
  }
  const start = (status: PartnerStatus, byHand = true) => {
    const { form: kind, means } = STATUS_BUTTONS[status]!
    if (kind === 'none') return send(status, {})
    const form = statusForm(status, view, page)
    const submit = () => {
      if (!valid(form.element)) return page.ask('fieldWrong')
      const extra = form.read()
      if (extra !== null) send(status, extra)
    }
    const close = (): void => {
      drafts.open(GROUP, null)
      menu()
      root.querySelector<HTMLElement>(`[data-status="${status}"]`)?.focus()
      page.redraw()
    }
    const panel = el(
      'div',
      { 'data-open': status },
      el('h2', {}, say(STATUS_BUTTONS[status]!.word)),
      means && el('p', { class: 'soft' }, say(means)),
      form.element,
      page.messages,
      el(
        'button',
        { type: 'button', class: 'main', 'data-send': status, click: submit },
        say(status === 'completed' ? 'finish' : 'send'),
      ),
      el('button', { type: 'button', class: 'quiet', 'data-back': '', click: close }, say('back')),
    )
    root.replaceChildren(panel)
    drafts.bind(formOf(status), form.element)
    if (!byHand) return
    drafts.open(GROUP, status)
    panel.setAttribute('tabindex', '-1')
    panel.focus()
    root.scrollIntoView({ block: 'start' })
  }
  menu()
  const before = drafts.opened(GROUP) as PartnerStatus | null
  if (before !== null && listed.includes(before)) start(before, false)
  return root
}

/** How repairs were found to have ended, where the technician may know better. */
function doubts({ doubted, items, timeZone }: JobView, { say, locale }: Job): Child {
  if (doubted.length === 0) return null
  return el(
    'div',
    { class: 'notice warning', 'data-doubted': doubted.length },
    ...doubted.map(({ item, end }) => {
      const found = items.find((one) => one.id === item)
      return el('p', { class: 'big' }, `${found?.job.title[locale] ?? ''}: ${say(DOUBTS[end])}`)
    }),
    el('p', { class: 'soft' }, `${say('objectUntil')} ${when(doubted[0]!.objectUntil, 'full', { locale, timeZone })}`),
  )
}

const DOUBTS = {
  not_fixed: 'foundNotFixed',
  not_observed: 'foundNotObserved',
  unverified: 'foundUnverified',
} as const satisfies Record<JobView['doubted'][number]['end'], Word>

/** What the hub may not have yet, so that nobody wonders whether it was sent. */
function pendingNotice({ say }: Job, outbox: Outbox): Child {
  const waiting = outbox.waiting()
  if (waiting.length === 0) return null
  return el(
    'div',
    { class: 'notice warning', role: 'status', 'data-waiting': waiting.length },
    el('p', { class: 'big' }, say(outbox.busy() ? 'sending' : 'waitingToSend')),
    el('p', {}, waiting.map(({ status }) => code(say, status)).join(' → ')),
    !outbox.busy() && el('p', { class: 'soft' }, say('waitingMeans')),
    !outbox.busy() &&
      el('button', { type: 'button', 'data-again': '', click: () => void outbox.flush() }, say('sendNow')),
  )
}

const FORMS = {
  none: nothing,
  sure: nothing,
  slot: slotForm,
  reason: reasonForm,
  objection: objectionForm,
  reason_slot: (status: PartnerStatus, view: JobView, page: Job): StatusForm => {
    const both = [reasonForm(status, view, page), slotForm(status, view, page)]
    return {
      element: el('div', {}, ...both.map(({ element }) => element)),
      read() {
        const said = both.map(({ read }) => read())
        return said.includes(null) ? null : Object.assign({}, ...said)
      },
    }
  },
  quote: (status: PartnerStatus, view: JobView, page: Job): StatusForm => {
    const { element, read } = quoteForm(view, formOf(status), page)
    return {
      element,
      read: () =>
        asked(
          read(),
          (quote) => ({ quote }),
          () => page.ask('quoteMissing'),
        ),
    }
  },
  outcome: (status: PartnerStatus, view: JobView, page: Job): StatusForm => {
    const { element, read } = outcomeForm(view, formOf(status), page)
    return {
      element,
      read: () =>
        asked(
          read(),
          (outcome) => ({ outcome }),
          () => page.ask('verdictMissing'),
        ),
    }
  },
} as const

function objectionForm(_status: PartnerStatus, _view: JobView, { say }: Job): StatusForm {
  const text = el('textarea', { name: 'objection', maxlength: OBJECTION_MAX, rows: 4, required: true })
  return {
    element: el('div', {}, field(say('objectionText'), text)),
    read: () => ({ objection: { text: text.value.trim() } }),
  }
}

function statusForm(status: PartnerStatus, view: JobView, page: Job): StatusForm {
  return FORMS[STATUS_BUTTONS[status]!.form](status, view, page)
}

function nothing(): StatusForm {
  return { element: el('div', {}), read: () => ({}) }
}

function reasonForm(status: PartnerStatus, _view: JobView, { say }: Job): StatusForm {
  const options = STATUS_BUTTONS[status]!.reasons.map((reason) => el('option', { value: reason }, code(say, reason)))
  const select = el('select', { name: 'reason' }, ...options)
  return {
    element: el('div', {}, field(say('reason'), select)),
    read: () => ({ reason: select.value as NonNullable<JobEventBody['reason']> }),
  }
}

/** One of the times the home chose, or any other that was agreed on the phone. */
function slotForm(status: PartnerStatus, view: JobView, page: Job): StatusForm {
  const { say, locale, drafts } = page
  const { slots } = view.workOrder.window
  const start = view.appointment ?? slots[0] ?? null
  const other = timeFields(start, { say, timeZone: view.timeZone, nowAt: view.now })
  const ahead = status === 'appointed' ? slots.filter((slot) => slot.to > view.now) : []
  const pick =
    ahead.length > 0 ? slotPicker(ahead, { say, locale, timeZone: view.timeZone, drafts, form: formOf(status) }) : null
  const toggle = el('input', { type: 'checkbox', name: 'otherTime', value: 'yes', change: () => show() })
  const show = (): void => {
    other.element.hidden = pick !== null && !toggle.checked
    if (pick) pick.element.hidden = toggle.checked
  }
  show()
  const read = (): Extra | null => {
    const slot = pick && !toggle.checked ? pick.chosen() : other.chosen()
    return asked(
      slot,
      ({ from, to }) => ({ appointment: { from, to } }),
      () => page.ask('timeWrong'),
    )
  }
  return {
    element: el(
      'div',
      {},
      pick?.element,
      pick && el('label', { class: 'choice' }, toggle, el('span', {}, say('otherTime'))),
      other.element,
    ),
    read,
  }
}

function asked<T>(value: T | null, then: (value: T) => Extra, ask: () => void): Extra | null {
  if (value !== null) return then(value)
  ask()
  return null
}

/** Fields the browser finds wrong, but only those that can be seen. */
function valid(root: HTMLElement): boolean {
  const wrong = [...root.querySelectorAll<HTMLInputElement>('input, select, textarea')].find(
    (it) => it.offsetParent !== null && !it.checkValidity(),
  )
  wrong?.focus()
  return wrong === undefined
}
