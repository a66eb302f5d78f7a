import type { JobView } from '#contracts'
import { facts, slotWords } from './controls.ts'
import { type Child, el } from './dom.ts'
import { money, span, when } from './format.ts'
import { code, type Job, partName, productName } from './job-state.ts'
import { regionText } from './regions.ts'

/** What a technician needs in ten seconds: what, where, when, why, which parts, what to charge. */
export function summary(view: JobView, page: Job): HTMLElement {
  const { say, locale } = page
  const where = { locale, timeZone: view.timeZone }
  const { workOrder, items } = view
  const asked = workOrder.window.slots[0]
  const several = items.length > 1
  const site = view.site.street ?? view.site.district
  return el(
    'section',
    { class: 'card' },
    el(
      'p',
      {},
      el('span', { class: 'tag' }, view.status === null ? say('statusNone') : code(say, view.status)),
      view.visit > 1 && el('span', { class: 'tag' }, `${say('visitNo')}${view.visit}${say('visitNoAfter')}`),
      workOrder.priority !== 'normal' &&
        el(
          'span',
          { class: 'tag warning' },
          say(workOrder.priority === 'urgent' ? 'priority_urgent' : 'priority_high'),
        ),
      workOrder.reworkOf !== null && el('span', { class: 'tag critical' }, say('rework')),
    ),
    el('h1', {}, items.map((item) => item.job.title[locale]).join(' + ')),
    ...items.map((item) =>
      el('p', { class: 'soft' }, `${productName(item, page)} · ${span(item.job.duration, locale)}`),
    ),
    facts([
      view.appointment
        ? [say('time'), el('strong', {}, slotWords(view.appointment, where))]
        : asked
          ? [say('windowLabel'), el('strong', {}, slotWords(asked, where))]
          : [say('windowLabel'), say('windowNone')],
      view.status === null && [say('acceptBy'), when(workOrder.sla.acceptBy, 'full', where)],
      [say('dueBy'), when(workOrder.window.dueBy, 'full', where)],
      [say('where'), site === null ? '–' : regionText(site, locale)],
      [say('cause'), ...lines(items.map((item) => cause(item, several, page)))],
      [say('bring'), ...parts(view, page)],
      [say('charge'), toCollect(view, page)],
    ]),
  )
}

function cause({ diagnosis, job }: JobView['items'][number], several: boolean, { say, locale }: Job): Child[] {
  const { confidence } = diagnosis
  return [
    several && el('span', { class: 'soft' }, `${job.title[locale]}: `),
    diagnosis.cause.text[locale],
    confidence !== null && el('span', { class: 'soft' }, ` (${say('confidence')} ${Math.round(confidence * 100)} %)`),
  ]
}

/** Parts of all items together: one box to carry. */
function parts(view: JobView, page: Job): Child[] {
  const { say } = page
  const all = view.items.flatMap((item) => item.job.parts)
  if (all.length === 0) return [say('noParts')]
  return lines(
    all.map(({ sku, quantity, needChance = 1 }) => [
      el('strong', {}, `${partName(view, sku, page)} × ${quantity}`),
      needChance < 1 && el('span', { class: 'soft' }, ` (${say('needChance')} ${Math.round(needChance * 100)} %)`),
    ]),
  )
}

function toCollect({ workOrder: { charge } }: JobView, { say, locale }: Job): string {
  const collects = charge.payer === 'homeowner' && charge.collectedBy === 'partner'
  return collects ? say('collect') + money(charge.totalMinor, charge.currency, locale) : say('collectNothing')
}

const lines = (rows: readonly Child[][]): Child[] => rows.map((row) => el('div', {}, ...row))

/** What protects the technician stands before anything that can be pressed. */
export function safetyRules(view: JobView, { say, locale }: Job): HTMLElement | null {
  const rules = new Set(view.items.flatMap((item) => item.job.safety.map((rule) => rule[locale])))
  if (rules.size === 0) return null
  const list = el('ul', {}, ...[...rules].map((rule) => el('li', {}, rule)))
  return el('section', { class: 'notice warning', 'data-safety': '' }, el('h2', {}, say('safetyRules')), list)
}
