import type { JobView } from '#contracts'
import { details, facts } from './controls.ts'
import { el } from './dom.ts'
import { evidenceFigure, sortedEvidence } from './evidence.ts'
import { money, quantity, slotText, span, when } from './format.ts'
import { code, type Item, isoMinutes, type Job, partName, productName, textList } from './job-state.ts'
import { COVERED, priceRows } from './offer-price.ts'

/** Everything about one item: evidence, steps, tools, the appliance and its past. */
export function itemCard(item: Item, view: JobView, page: Job): HTMLElement {
  const { say, locale } = page
  const { job } = item
  const several = view.items.length > 1
  return el(
    'section',
    { class: 'card', 'aria-label': job.title[locale] },
    several && el('h2', { class: 'big' }, `${job.title[locale]} · ${productName(item, page)}`),
    job.steps.length > 0 && el('h2', {}, say('steps')),
    job.steps.length > 0 && textList('ol', job.steps, page),
    job.tools.length > 0 && el('h2', {}, say('tools')),
    job.tools.length > 0 && textList('ul', job.tools, page),
    el('h2', {}, say('evidence')),
    ...evidence(item, view, page),
    el('h2', {}, say('device')),
    device(item, view, page),
  )
}

function evidence({ diagnosis }: Item, view: JobView, { say, locale }: Job): (HTMLElement | null)[] {
  const where = { say, locale, timeZone: view.timeZone }
  const { main, others } = sortedEvidence(diagnosis.evidence)
  const { dataAgeSeconds: age, forecast, alternatives, faultCodes, selfTest, remoteActions } = diagnosis
  const at = (instant: string) => when(instant, 'full', where)
  const steps = selfTest?.steps.map(({ code: name, result, value, unit = '' }) =>
    [name, say(result === 'pass' ? 'testPass' : 'testFail'), value === undefined ? '' : quantity(value, unit, locale)]
      .filter(Boolean)
      .join(' '),
  )
  return [
    main ? evidenceFigure(main, { ...where, main: true }) : el('p', { class: 'soft' }, say('noMeasurement')),
    ...others.map((it) => evidenceFigure(it, { ...where, main: false })),
    facts([
      forecast !== undefined && [
        say('forecast'),
        `${reaches(forecast, diagnosis.evidence, locale)} · ${when(forecast.p10, 'date', where)} – ${forecast.p90 ? when(forecast.p90, 'date', where) : '…'}`,
        ...(forecast.factors ?? []).map((factor) => el('div', { class: 'soft' }, factor[locale])),
      ],
      alternatives.length > 0 && [
        say('alternatives'),
        alternatives.map((it) => it.text[locale]).join(say('listComma')),
      ],
      faultCodes.length > 0 && [
        say('faultCodes'),
        faultCodes.map((it) => `${it.code} (${at(it.at)})`).join(say('listComma')),
      ],
      steps !== undefined &&
        selfTest !== undefined && [say('selfTest'), `${at(selfTest.at)}: ${steps.join(say('listComma'))}`],
      remoteActions.length > 0 && [
        say('remoteActions'),
        remoteActions.map((it) => `${it.code}: ${it.result} (${at(it.at)})`).join(say('listComma')),
      ],
      age !== null && [say('dataAge'), `${span(isoMinutes(age), locale)}${say('ago')}`],
    ]),
  ]
}

/** What is forecast, under the name and in the unit of its measurement where that is among the evidence. */
function reaches(
  { metric, reaches: value }: NonNullable<Item['diagnosis']['forecast']>,
  evidence: Item['diagnosis']['evidence'],
  locale: Job['locale'],
): string {
  const measured = evidence.find((it) => it.metric === metric)
  return `${measured?.name?.[locale] ?? metric} ${quantity(value, measured?.unit ?? '', locale)}`
}

function device(item: Item, view: JobView, page: Job): HTMLElement | null {
  const { say, locale } = page
  const where = { locale, timeZone: view.timeZone }
  const it = item.device
  const visit = (past: Item['device']['history'][number]): string =>
    [
      when(past.at, 'date', where),
      past.verdict && code(say, past.verdict),
      past.parts.map((sku) => partName(view, sku, page)).join(', '),
      past.verified && say(past.verified === 'verified' ? 'pastHeld' : 'pastUnproven'),
    ]
      .filter(Boolean)
      .join(' · ')
  return facts([
    [
      say('product'),
      productName(item, page).includes(it.model ?? '')
        ? productName(item, page)
        : `${productName(item, page)} · ${it.model}`,
    ],
    [say('serial'), it.serial],
    it.firmware ? [say('firmware'), it.firmware] : null,
    it.installedAt ? [say('installed'), new Date(it.installedAt).toISOString().slice(0, 10)] : null,
    it.history.length > 0
      ? [say('history'), ...it.history.map((past) => el('div', {}, visit(past)))]
      : [say('history'), say('historyNone')],
  ])
}

/** What the home agreed to, line by line, and who pays. */
export function agreed(view: JobView, page: Job): HTMLElement {
  const { say, locale } = page
  const where = { locale, timeZone: view.timeZone }
  const { charge, window } = view.workOrder
  const slot = window.slots[0]
  return el(
    'section',
    { class: 'card' },
    details(
      `${say('agreedTitle')} · ${money(charge.totalMinor, charge.currency, locale)}`,
      priceRows(charge.lines, { ...charge, total: [say('total'), charge.totalMinor] }, page),
      facts([
        [say('payer'), say(charge.payer === 'homeowner' ? 'payerCustomer' : COVERED[charge.payer])],
        charge.acceptedAt ? [say('agreedAt'), when(charge.acceptedAt, 'full', where)] : null,
        slot ? [say('windowLabel'), slotText(slot, where)] : null,
      ]),
    ),
  )
}

/** What was said so far, newest first; nothing before the first saying. */
export function reported(view: JobView, { say, locale }: Job): HTMLElement | null {
  if (view.events.length === 0) return null
  const where = { locale, timeZone: view.timeZone }
  const rows = view.events.map(({ status, visit, at }) => {
    const which = visit > 1 ? ` · ${say('visitNo')}${visit}${say('visitNoAfter')}` : ''
    return [when(at, 'full', where), code(say, status) + which] as const
  })
  return el('section', { class: 'card' }, details(say('said'), facts(rows.reverse())))
}
