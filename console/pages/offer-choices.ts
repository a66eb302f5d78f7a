import type {
  DeclineBody,
  DeclineReason,
  OfferView,
  SelfServiceBody,
  SelfServiceGuide,
  SnoozeBody,
  StopBody,
} from '#contracts'
import { button, field, oneOf, textArea, tick } from './controls.ts'
import { type Child, el } from './dom.ts'
import { applianceAndPart, type Need, type Offer, tell } from './offer-state.ts'
import { type Panel, panels } from './panels.ts'
import type { Word } from './words.ts'

const DECLINE_REASONS: Readonly<Record<DeclineReason, Word>> = {
  not_now: 'not_now',
  too_expensive: 'too_expensive',
  already_done: 'already_done',
  do_not_believe_it: 'do_not_believe_it',
  other_service: 'other_service',
  moved: 'moved',
  other: 'otherReason',
}
const SNOOZES = { 1: 'days1', 3: 'days3', 7: 'days7', 14: 'days14', 30: 'days30' } as const satisfies Record<
  number,
  Word
>
/** The hub takes no later moment; a minute less, so that a slow line does not make it too late. */
const SNOOZE_MS_MAX = 30 * 86_400_000 - 60_000
/** As the contract bounds it. */
const WORDS_MAX = 500

/** The quieter choices: each opens in place, says what it means, and is confirmed there. */
export function otherChoices(view: OfferView, page: Offer): HTMLElement | null {
  const { say, drafts, messages } = page
  const all: Record<string, Panel> = {
    self_service: { name: 'self_service', label: say('myself'), content: () => selfPanel(view, page) },
    visit: { name: 'visit', label: say('visit'), content: () => visitPanel(page) },
    snooze: { name: 'snooze', label: say('later'), content: () => snoozePanel(view, page) },
    decline: { name: 'decline', label: say('decline'), content: () => declinePanel(view, page) },
    stop: { name: 'stop', label: say('stop'), look: 'quiet', content: () => stopPanel(view, page) },
    resume: { name: 'resume', label: say('resume'), content: () => resumePanel(page) },
  }
  // Of a part of the offer it is said beside that part.
  const listed = Object.values(all).filter(
    ({ name }) =>
      (view.choices as readonly string[]).includes(name) && (name !== 'visit' || view.state === 'self_service'),
  )
  const group = panels('choices', listed, { drafts, back: say('back'), messages })
  return group && el('section', { class: 'card' }, group)
}

/** Which needs are meant, where there are several; all of them unless somebody unticks. */
function whichNeeds(
  list: readonly Need[],
  { say, locale }: Offer,
): { element: Child; chosen: () => string[] | undefined } {
  if (list.length < 2) return { element: null, chosen: () => undefined }
  const boxes = list.map((need) =>
    tick('checkbox', {
      name: 'need',
      value: need.caseId,
      checked: true,
      text: `${need.job.title[locale]} · ${need.device.name[locale]}`,
    }),
  )
  const element = el('fieldset', {}, el('legend', {}, say('whichNeeds')), ...boxes.map(({ label }) => label))
  return { element, chosen: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value) }
}

/** `undefined` for all, the chosen ones otherwise; asks when there are none. */
function withNeeds(page: Offer, chosen: string[] | undefined, send: (needs: { needs?: string[] }) => void): void {
  if (chosen?.length === 0) page.ask('whichNobody')
  else send(chosen === undefined ? {} : { needs: chosen })
}

function selfPanel(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const able = view.needs.filter((need) => need.selfService !== null)
  const which = whichNeeds(able, page)
  const several = view.needs.length > 1
  const send = () =>
    withNeeds(
      page,
      which.chosen() ?? (several ? able.map((need) => need.caseId) : undefined),
      (needs) =>
        void page.send(() => tell('self_service', needs satisfies SelfServiceBody), { panel: 'choices.self_service' }),
    )
  return el(
    'div',
    {},
    el('h2', {}, say('myselfTitle')),
    ...able.flatMap((need) => [
      several && el('h3', {}, `${need.job.title[locale]} · ${need.device.name[locale]}`),
      guideBody(need.selfService!, page),
    ]),
    which.element,
    el('p', {}, say('myselfMeans')),
    several && able.length < view.needs.length && el('p', {}, say('myselfRest')),
    button('myselfDo', send, 'main', say),
  )
}

function visitPanel(page: Offer): HTMLElement {
  const { say } = page
  const send = () => void page.send(() => tell('visit', {}), { panel: 'choices.visit' })
  return el('div', {}, el('p', {}, say('visitMeans')), button('visitDo', send, 'main', say))
}

function snoozePanel(view: OfferView, page: Offer): HTMLElement {
  const { say } = page
  const options = Object.entries(SNOOZES).map(([days, word]) => [days, say(word)] as const)
  const list = oneOf(say('laterTitle'), 'snooze', options, '3')
  const send = () => {
    const ms = Math.min(SNOOZE_MS_MAX, Number(list.chosen()) * 86_400_000)
    const body = { until: new Date(Date.parse(view.now) + ms).toISOString() } satisfies SnoozeBody
    void page.send(() => tell('snooze', body), { panel: 'choices.snooze' })
  }
  return el(
    'div',
    {},
    list.element,
    view.safety && el('p', { class: 'soft' }, say('safetyStill')),
    button('laterDo', send, 'main', say),
  )
}

function declinePanel(view: OfferView, page: Offer): HTMLElement {
  const { say } = page
  const options = Object.entries(DECLINE_REASONS).map(([reason, word]) => [reason as DeclineReason, say(word)] as const)
  const list = oneOf(say('declineTitle'), 'reason', options, null)
  const which = whichNeeds(view.needs, page)
  const text = textArea('text', WORDS_MAX)
  const send = () => {
    const reason = list.chosen()
    if (reason === null) return page.ask('declineTitle')
    const own = text.value.trim()
    withNeeds(page, which.chosen(), (needs) => {
      const body = { reason, ...needs, ...(own && { text: own }) } satisfies DeclineBody
      void page.send(() => tell('decline', body), { panel: 'choices.decline' })
    })
  }
  return el(
    'div',
    {},
    which.element,
    list.element,
    field(say('ownWords'), text, say('ownWordsOptional')),
    el('p', { class: 'soft' }, say('declineMeans')),
    button('declineDo', send, 'main', say),
  )
}

/** What "no more of these" means, before anybody says it. */
function stopPanel(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const which = whichNeeds(view.needs, page)
  const send = () =>
    withNeeds(
      page,
      which.chosen(),
      (needs) => void page.send(() => tell('stop', needs satisfies StopBody), { panel: 'choices.stop' }),
    )
  return el(
    'div',
    {},
    el('h2', {}, say('stopTitle')),
    ...(view.needs.length === 1 ? [el('p', {}, el('strong', {}, applianceAndPart(view.needs[0]!, locale)))] : []),
    which.element,
    el('ul', {}, el('li', {}, say('stopMeans')), el('li', {}, say('stopSafety')), el('li', {}, say('stopBack'))),
    button('stopDo', send, 'main', say),
  )
}

function resumePanel(page: Offer): HTMLElement {
  const { say } = page
  const send = () => void page.send(() => tell('resume', {}), { thanks: 'resumedThanks', panel: 'choices.resume' })
  return el('div', {}, el('p', {}, say('resumeMeans')), button('resumeDo', send, 'main', say))
}

export function guide(content: SelfServiceGuide, need: Need, page: Offer): HTMLElement {
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
  const minutes = say(content.minutes === 1 ? 'minute' : 'minutes')
  return el(
    'div',
    {},
    el('p', { class: 'soft' }, `${say('about')} ${content.minutes} ${minutes}`),
    el('ol', {}, ...(content.steps ?? []).map((step) => el('li', {}, step[locale]))),
  )
}
