import type { OfferView, ProblemKind, RateBody, ReportProblemBody, SolvedBody } from '#contracts'
import { button, choice, field, oneOf, textArea } from './controls.ts'
import { type Child, el } from './dom.ts'
import { when } from './format.ts'
import { type Offer, tell } from './offer-state.ts'
import { panels } from './panels.ts'
import { stars } from './stars.ts'
import type { Word } from './words.ts'

const PROBLEMS: Readonly<Record<ProblemKind, Word>> = {
  still_broken: 'still_broken',
  another_fault: 'another_fault',
  nobody_came: 'nobody_came',
  damage: 'damage',
  price: 'problemPrice',
  conduct: 'conduct',
  other: 'otherReason',
}
const RATED = { attitude: 'attitude', quality: 'qualityOfWork', speed: 'speed' } as const satisfies Record<string, Word>
type Rated = keyof typeof RATED
/** As the contract bounds them. */
const RATE_TEXT_MAX = 500
const PROBLEM_TEXT_MAX = 2_000

/** Nobody could see whether the repair holds, so the home is asked; afterwards, what it said. */
export function solvedCard(view: OfferView, page: Offer): Child {
  const { say } = page
  const said = view.progress?.result?.solved ?? null
  if (said !== null) {
    const thanks = el('p', { class: 'big' }, say(said ? 'solvedThanks' : 'unsolvedThanks'))
    return el('section', { class: 'card', role: 'status' }, thanks)
  }
  if (!view.choices.includes('solved')) return null
  const send = (solved: boolean): void => void page.send(() => tell('solved', { solved } satisfies SolvedBody))
  return el(
    'section',
    { class: 'card asks' },
    el('h2', { class: 'big' }, say('solvedTitle')),
    el('p', { class: 'soft' }, say('solvedWhy')),
    page.messages,
    choice('solved', say('solvedYes'), () => send(true), 'main'),
    choice('not-solved', say('solvedNo'), () => send(false)),
  )
}

/** How the visit was; may be changed for a week. */
export function ratingCard(view: OfferView, page: Offer): HTMLElement | null {
  const { say, locale, drafts, messages } = page
  const given = view.progress?.rating ?? null
  const may = view.choices.includes('rate')
  if (given === null && !may) return null
  const where = { locale, timeZone: view.timeZone }
  const group = may
    ? panels(
        'rating',
        [
          {
            name: 'rate',
            label: say(given ? 'rateChange' : 'rate'),
            look: given ? '' : 'main',
            content: () => ratePanel(view, page),
          },
        ],
        { drafts, back: say('back'), messages },
      )
    : null
  return el(
    'section',
    { class: 'card' },
    given && el('h2', {}, say('rateGiven')),
    given &&
      el(
        'dl',
        { class: 'rows' },
        ...(Object.keys(RATED) as Rated[]).flatMap((key) => [
          el('dt', {}, say(RATED[key])),
          el(
            'dd',
            { class: 'given', role: 'img', 'aria-label': `${given[key]} / 5` },
            '★'.repeat(given[key]) + '☆'.repeat(5 - given[key]),
          ),
        ]),
      ),
    given && may && el('p', { class: 'soft' }, `${say('rateUntil')} ${when(given.changeableUntil, 'full', where)}`),
    group,
  )
}

function ratePanel(view: OfferView, page: Offer): HTMLElement {
  const { say } = page
  const given = view.progress?.rating ?? null
  const rows = (Object.keys(RATED) as Rated[]).map((key) => ({
    key,
    ...stars(say(RATED[key]), key, given?.[key] ?? null, say),
  }))
  const answers = [['yes', say('solvedYes')] as const, ['no', say('solvedNo')] as const]
  const solved = oneOf(say('solvedTitle'), 'solved', answers, given === null ? null : given.solved ? 'yes' : 'no')
  solved.element.classList.add('two')
  const text = textArea('text', RATE_TEXT_MAX)
  const send = () => {
    const values = Object.fromEntries(rows.map(({ key, chosen }) => [key, chosen()])) as Record<Rated, number | null>
    const { attitude, quality, speed } = values
    const own = text.value.trim()
    if (attitude === null || quality === null || speed === null) return page.ask('rateMissing')
    if (solved.chosen() === null) return page.ask('rateSolvedMissing')
    const body = {
      attitude,
      quality,
      speed,
      solved: solved.chosen() === 'yes',
      ...(own && { text: own }),
    } satisfies RateBody
    void page.send(() => tell('rate', body), { thanks: 'rateThanks', panel: 'rating.rate' })
  }
  return el(
    'div',
    {},
    el('h2', {}, say('rateTitle')),
    ...rows.map((row) => row.element),
    solved.element,
    field(say('ownWords'), text, say('ownWordsOptional')),
    button('rateDo', send, 'main', say),
  )
}

/** Something is wrong with the appliance or with the visit. */
export function problemCard(view: OfferView, page: Offer): HTMLElement | null {
  if (!view.choices.includes('report_problem')) return null
  const { say, drafts, messages } = page
  const group = panels(
    'problem',
    [{ name: 'report_problem', label: say('problem'), content: () => problemPanel(view, page) }],
    { drafts, back: say('back'), messages },
  )
  return el('section', { class: 'card' }, group)
}

function problemPanel(view: OfferView, page: Offer): HTMLElement {
  const { say, locale } = page
  const options = Object.entries(PROBLEMS).map(([kind, word]) => [kind as ProblemKind, say(word)] as const)
  const kind = oneOf(say('problemTitle'), 'kind', options, null)
  const several = view.needs.length > 1
  const need = oneOf(
    say('problemNeed'),
    'need',
    view.needs.map((it) => [it.caseId, `${it.job.title[locale]} · ${it.device.name[locale]}`] as const),
    view.needs[0]!.caseId,
  )
  const text = textArea('text', PROBLEM_TEXT_MAX)
  const send = () => {
    const chosen = kind.chosen()
    const own = text.value.trim()
    if (chosen === null) return page.ask('problemTitle')
    if (chosen === 'other' && own === '') return page.ask('problemWords')
    const body = {
      kind: chosen,
      ...(several && { need: need.chosen()! }),
      ...(own && { text: own }),
    } satisfies ReportProblemBody
    void page.send(() => tell('report_problem', body), { thanks: 'problemThanks', panel: 'problem.report_problem' })
  }
  return el(
    'div',
    {},
    kind.element,
    several && need.element,
    field(say('ownWords'), text, say('problemPrivacy')),
    button('problemDo', send, 'main', say),
  )
}
