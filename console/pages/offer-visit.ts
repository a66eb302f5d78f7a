import type { OfferView, RescheduleBody, SolvedBody } from '#contracts'
import { call } from './call.ts'
import { button, choice } from './controls.ts'
import { type Child, el } from './dom.ts'
import { slotText, when } from './format.ts'
import { path } from './offer-calls.ts'
import type { Page } from './session.ts'
import { slotPicker } from './slot-picker.ts'
import type { Word } from './words.ts'

const STAGES = ['received', 'taken', 'under_way', 'done', 'followed_up'] as const

type Offer = Page<OfferView>

/** How far the accepted visit is, when, who comes, and how it went. */
export function progress(view: OfferView, { say, locale }: Offer): HTMLElement {
  const state = view.progress
  const where = { locale, timeZone: view.timeZone }
  if (!state) return el('section', { class: 'card' }, el('p', { class: 'big' }, say('bookedTitle')))
  const reached = new Map(state.reached.map(({ stage, at }) => [stage, at]))
  const now = STAGES.indexOf(state.stage)
  const steps = STAGES.map((stage, i) =>
    el(
      'li',
      {
        class: `${i <= now ? 'reached' : ''}${i === now ? ' current' : ''}`,
        'aria-current': i === now ? 'step' : null,
      },
      say(stage),
    ),
  )
  const facts: Child[] = []
  const fact = (word: Word, text: string) => facts.push(el('dt', {}, say(word)), el('dd', {}, text))
  const { requested, appointment } = state
  if (appointment) fact('time', slotText(appointment, where))
  const waiting = requested !== null && requested.from !== appointment?.from && now < STAGES.indexOf('under_way')
  if (waiting) fact('requested', slotText(requested, where))
  if (state.technician) {
    const { name, ref, rating } = state.technician
    fact('technician', `${name ?? ref}${rating === undefined ? '' : ` · ${say('rating')} ${rating}`}`)
  }
  if (state.workOrder) fact('orderNumber', state.workOrder)
  const last = reached.get(state.stage)
  if (last !== undefined) fact('updated', when(last, 'full', where))
  return el(
    'section',
    { class: 'card', 'aria-label': say('progressTitle') },
    el('p', { class: 'big' }, now === 0 ? say('bookedTitle') : say(state.stage)),
    el('ol', { class: 'steps' }, ...steps),
    el('dl', { class: 'facts' }, ...facts),
    waiting && appointment !== null && el('p', { class: 'notice', role: 'status' }, say('rescheduleAsked')),
    state.result?.found && el('p', {}, el('strong', {}, `${say('found')}: `), state.result.found),
    state.result?.verified &&
      el('p', { class: `notice ${state.result.verified === 'verified' ? '' : 'warning'}` }, say(state.result.verified)),
  )
}

/** Until somebody is at the door: another time, or not at all. */
export function changeCard(view: OfferView, page: Offer): Child {
  const { say, locale } = page
  if (!view.choices.includes('cancel') && !view.choices.includes('reschedule')) return null
  const root = el('section', { class: 'card' })
  const menu = (): void =>
    root.replaceChildren(
      ...[
        view.choices.includes('reschedule') &&
          view.slots.length > 0 &&
          choice('reschedule', say('reschedule'), pickAnother),
        view.choices.includes('cancel') && choice('cancel', say('cancel'), ask),
      ].filter((it) => it !== false),
    )
  const pickAnother = (): void => {
    const picker = slotPicker(view.slots, { say, locale, timeZone: view.timeZone })
    const send = (): void => {
      const slot = picker.chosen()
      if (slot) void page.send(() => call<OfferView>(`${path}/reschedule`, { slot } satisfies RescheduleBody))
    }
    const panel = el('div', { 'data-open': '' }, picker.element, page.messages)
    panel.append(button('rescheduleDo', send, 'main', say), button('back', menu, 'quiet', say))
    root.replaceChildren(panel)
  }
  const ask = (): void => {
    const sure = el('div', { 'data-open': '' }, el('p', { class: 'big' }, say('cancelSure')), page.messages)
    sure.append(button('cancelDo', () => void page.send(() => call<OfferView>(`${path}/cancel`, {})), 'main', say))
    sure.append(button('keep', menu, '', say))
    root.replaceChildren(sure)
  }
  menu()
  return root
}

/** Nobody could see whether the repair holds, so the home is asked; afterwards, what it said. */
export function solvedCard(view: OfferView, page: Offer): Child {
  const { say } = page
  const said = view.progress?.result?.solved ?? null
  if (said !== null) {
    const thanks = el('p', { class: 'big' }, say(said ? 'solvedThanks' : 'unsolvedThanks'))
    return el('section', { class: 'card', role: 'status' }, thanks)
  }
  if (!view.choices.includes('solved')) return null
  const send = (solved: boolean): void =>
    void page.send(() => call<OfferView>(`${path}/solved`, { solved } satisfies SolvedBody))
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, say('solvedTitle')),
    page.messages,
    choice('solved', say('solvedYes'), () => send(true)),
    choice('not-solved', say('solvedNo'), () => send(false)),
  )
}
