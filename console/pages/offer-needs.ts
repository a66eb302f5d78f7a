import type { OfferView } from '#contracts'
import { details } from './controls.ts'
import { type Child, el } from './dom.ts'
import { evidenceFigure, sortedEvidence } from './evidence.ts'
import { applianceAndPart, type Need, type Offer, sentence, solved, tell, visited } from './offer-state.ts'
import { panels } from './panels.ts'
import type { Word } from './words.ts'

/** What it is about and how pressing it is; once the visit is over nothing urges any more. */
export function headline(view: OfferView, { say, locale }: Offer): HTMLElement {
  const past = visited(view)
  const tag: Word = solved(view)
    ? 'pastSolved'
    : past
      ? 'pastVisited'
      : view.safety
        ? 'safety'
        : view.state === 'accepted'
          ? 'booked'
          : view.urgency
  const several = view.needs.length > 1
  const first = view.needs[0]!
  const cause = sentence(first.cause[locale], locale)
  return el(
    'section',
    { class: 'card' },
    el('p', {}, el('span', { class: past || tag === 'booked' ? 'tag' : `tag ${view.urgency}` }, say(tag))),
    el(
      'h1',
      {},
      several ? `${say('severalBefore')}${view.needs.length}${say('severalAfter')}` : first.job.title[locale],
    ),
    several
      ? el(
          'ul',
          {},
          ...view.needs.map((need) => el('li', {}, `${need.job.title[locale]} · ${need.device.name[locale]}`)),
        )
      : past
        ? el('p', { class: 'soft' }, say('pastCause') + cause)
        : el('p', { class: 'lead' }, cause),
    several ? el('p', { class: 'soft' }, say('oneVisit')) : el('p', { class: 'soft' }, applianceAndPart(first, locale)),
  )
}

/** Why, need by need: the measurement as a picture with its limit, and in words. */
export function needs(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const several = view.needs.length > 1
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, say(visited(view) ? 'whyPast' : 'why')),
    ...view.needs.flatMap((need): Child[] => [
      several && el('h3', {}, need.job.title[locale]),
      several && el('p', { class: 'soft' }, applianceAndPart(need, locale)),
      several && el('p', {}, sentence(need.cause[locale], locale)),
      ...reasons(need, view, page),
    ]),
  )
}

function reasons(need: Need, view: OfferView, { say, locale }: Offer): Child[] {
  const where = { say, locale, timeZone: view.timeZone }
  const { main, others } = sortedEvidence(need.evidence)
  return [
    main && evidenceFigure(main, { ...where, main: true }),
    // Somebody told us of it: there is nothing measured to show.
    !main && el('p', { class: 'soft' }, say('noMeasurement')),
    others.length > 0 &&
      details(say('otherMeasurements'), ...others.map((item) => evidenceFigure(item, { ...where, main: false }))),
  ]
}

const APART: Readonly<Record<OfferView['apart'][number]['state'], Word>> = {
  self_service: 'apartSelf',
  declined: 'apartDeclined',
  recovered: 'apartRecovered',
  ended: 'apartEnded',
}

/** What was part of the offer and is so no more; what one wanted to do oneself may come back. */
export function apart(view: OfferView, page: Offer): HTMLElement | null {
  const { say, locale, drafts, messages } = page
  if (view.apart.length === 0) return null
  const own = view.apart.filter((it) => it.state === 'self_service')
  const body = { needs: own.map((it) => it.caseId) }
  const back =
    view.choices.includes('visit') &&
    view.state !== 'self_service' &&
    own.length > 0 &&
    panels(
      'apart',
      [
        {
          name: 'visit',
          label: say('visit'),
          content: () =>
            el(
              'div',
              {},
              el('p', {}, say('visitMeans')),
              el(
                'button',
                {
                  type: 'button',
                  class: 'main',
                  'data-send': 'visit',
                  click: () => void page.send(() => tell('visit', body), { panel: 'apart.visit' }),
                },
                say('visitDo'),
              ),
            ),
        },
      ],
      { drafts, back: say('back'), messages },
    )
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, say('apartTitle')),
    el(
      'ul',
      {},
      ...view.apart.map((it) => el('li', {}, applianceAndPart(it, locale), el('small', {}, say(APART[it.state])))),
    ),
    back,
  )
}
