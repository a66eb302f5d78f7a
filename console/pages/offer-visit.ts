import type { OfferView, RescheduleBody, WaitingFor } from '#contracts'
import { button, facts, slotWords } from './controls.ts'
import { el } from './dom.ts'
import { money, when } from './format.ts'
import { type Offer, sentence, tell } from './offer-state.ts'
import { panels } from './panels.ts'
import { slotPicker } from './slot-picker.ts'
import type { Word } from './words.ts'

const STAGES = ['received', 'taken', 'under_way', 'done', 'followed_up'] as const
/** What the visit waits for, said to somebody who waits. */
const WAITING: Readonly<Record<WaitingFor, readonly [title: Word, body: Word]>> = {
  partner: ['waitsPartner', 'waitingPartner'],
  quote: ['waitsQuote', 'waitingQuote'],
  parts: ['waitsParts', 'waitingParts'],
  appointment: ['waitsAppointment', 'waitingAppointment'],
}

type Progress = NonNullable<OfferView['progress']>

/** The one line that says how far it is; also read out when it changes by itself. */
export function stageTitle({ stage, visit, waitingFor }: Progress, say: Offer['say']): string {
  const over = stage === 'done' || stage === 'followed_up'
  const title = waitingFor
    ? say(WAITING[waitingFor][0])
    : say(stage === 'received' ? 'bookedTitle' : stage === 'taken' ? 'takenTitle' : stage)
  return visit > 1 && !over ? `${title} · ${say('visitNo')}${visit}${say('visitNoAfter')}` : title
}

/** How far the accepted visit is, when, who comes, and how it went. */
export function progress(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const state = view.progress
  const where = { locale, timeZone: view.timeZone }
  if (!state) return el('section', { class: 'card' }, el('p', { class: 'big' }, say('bookedTitle')))
  const reached = new Map(state.reached.map(({ stage, at }) => [stage, at]))
  const now = STAGES.indexOf(state.stage)
  const steps = STAGES.map((stage, i) => {
    const at = reached.get(stage)
    return el(
      'li',
      {
        class: `${i <= now ? 'reached' : ''}${i === now ? ' current' : ''}`,
        'aria-current': i === now ? 'step' : null,
      },
      el('span', {}, say(stage)),
      at !== undefined && el('time', { datetime: at }, when(at, 'full', where)),
    )
  })
  const { requested, appointment, technician, workOrder } = state
  const waiting = requested !== null && requested.from !== appointment?.from && now < STAGES.indexOf('under_way')
  const stars = technician?.rating === undefined ? '' : ` · ★ ${technician.rating}`
  return el(
    'section',
    { class: 'card', 'aria-label': say('progressTitle') },
    el('p', { class: 'big' }, stageTitle(state, say)),
    state.waitingFor &&
      el('p', { class: 'notice', 'data-waiting': state.waitingFor }, say(WAITING[state.waitingFor][1])),
    el('ol', { class: 'steps' }, ...steps),
    facts([
      appointment && [say('time'), el('strong', {}, slotWords(appointment, where))],
      waiting && [say('requested'), slotWords(requested, where)],
      technician && [say('technician'), `${technician.name ?? technician.ref}${stars}`],
      workOrder !== null && [say('orderNumber'), workOrder],
    ]),
    waiting && appointment !== null && el('p', { class: 'notice', role: 'status' }, say('rescheduleAsked')),
    ...results(view, state, page),
  )
}

/** What was found and whether the signal confirms it; need by need where there are several. */
function results(view: OfferView, state: Progress, { say, locale }: Offer): (HTMLElement | null)[] {
  const one = (found: string | null, verified: Progress['results'][number]['verified'], name: string | null) => [
    name === null ? null : el('h3', {}, name),
    found ? el('p', {}, el('strong', {}, say('found')), sentence(found, locale)) : null,
    verified && el('p', { class: `notice ${verified === 'verified' ? 'good' : 'warning'}` }, say(verified)),
  ]
  const several = state.results.length > 1
  if (several)
    return state.results.flatMap((result) => {
      const need = view.needs.find(({ caseId }) => caseId === result.caseId)
      return one(result.found, result.verified, need ? `${need.job.title[locale]} · ${need.device.name[locale]}` : '')
    })
  return state.result ? one(state.result.found, state.result.verified, null) : []
}

/** More was taken than agreed: both numbers, and what can be done. */
export function overchargeCard(view: OfferView, { say, locale }: Offer): HTMLElement | null {
  const over = view.progress?.overcharge ?? null
  if (over === null) return null
  const shown = (minor: number) => money(minor, view.charge.currency, locale)
  return el(
    'section',
    { class: 'notice warning', 'data-overcharge': '' },
    el('h2', {}, say('overTitle')),
    facts([
      [say('overAgreed'), shown(over.agreedMinor)],
      [say('overTaken'), el('strong', {}, shown(over.takenMinor))],
    ]),
    el('p', {}, say('overMeans')),
  )
}

/** Until somebody is at the door: another time, or not at all. */
export function changeCard(view: OfferView, page: Offer): HTMLElement | null {
  const { say, drafts, messages } = page
  const group = panels(
    'change',
    [
      ...(view.choices.includes('reschedule') && view.slots.length > 0
        ? [{ name: 'reschedule', label: say('reschedule'), content: () => reschedulePanel(view, page) }]
        : []),
      ...(view.choices.includes('cancel')
        ? [{ name: 'cancel', label: say('cancel'), content: () => cancelPanel(view, page) }]
        : []),
    ],
    { drafts, back: say('keep'), messages },
  )
  return group && el('section', { class: 'card' }, group)
}

function reschedulePanel(view: OfferView, page: Offer): HTMLElement {
  const { say, locale, drafts } = page
  const picker = slotPicker(view.slots, { say, locale, timeZone: view.timeZone, drafts, form: 'change.reschedule' })
  const send = () => {
    const slot = picker.chosen()
    if (!slot) return page.ask('pickTime')
    void page.send(() => tell('reschedule', { slot } satisfies RescheduleBody), { panel: 'change.reschedule' })
  }
  return el(
    'div',
    {},
    picker.element,
    el('p', { class: 'soft' }, say('rescheduleMeans')),
    button('rescheduleDo', send, 'main', say),
  )
}

function cancelPanel(view: OfferView, page: Offer): HTMLElement {
  const { say } = page
  const send = () => void page.send(() => tell('cancel', {}), { panel: 'change.cancel' })
  return el(
    'div',
    {},
    el('p', { class: 'big' }, say('cancelSure')),
    el('p', {}, say('cancelMeans')),
    view.safety && el('p', {}, say('safetyStill')),
    button('cancelDo', send, 'main', say),
  )
}
