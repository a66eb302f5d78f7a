import type { JobView, Outcome, OutcomeItem, Verdict } from '#contracts'
import { chargeLines } from './charge-lines.ts'
import { field, oneOf, tick } from './controls.ts'
import { el } from './dom.ts'
import { money } from './format.ts'
import { type Item, type Job, partName, productName } from './job-state.ts'
import { rows } from './rows.ts'
import type { Word } from './words.ts'

const VERDICTS: readonly Verdict[] = ['confirmed', 'other_cause', 'no_fault_found', 'not_accessible']
const ORIGINS = { genuine: 'genuine', compatible: 'compatible', refurbished: 'refurbished' } as const satisfies Record<
  string,
  Word
>
type PartUsed = NonNullable<OutcomeItem['partsUsed']>[number]
/** As the contract bounds them. */
const DONE_LINES_MAX = 40
const DONE_LINE_MAX = 500
const QUANTITY_MAX = 100
const PARTS_MAX = 20
const TEXT_MAX = 2_000
const SKU = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}'
const KEY = '[a-zA-Z][a-zA-Z0-9_.\\-]{0,63}'

/** What was found, done, used and charged; begun from what the packet said. */
export function outcomeForm(
  view: JobView,
  form: string,
  page: Job,
): { element: HTMLElement; read: () => Outcome | null } {
  const items = view.items.map((item, i) => itemForm(item, i, view, form, page))
  const charge = chargeForm(view, form, page)
  return {
    element: el('div', {}, ...items.map((it) => it.element), charge?.element),
    read() {
      const read = items.map((it) => it.read())
      if (read.some((it) => it === null)) return null
      const taken = charge?.read()
      return { items: read.filter((it) => it !== null), ...(taken ? { charge: taken } : {}) }
    },
  }
}

function itemForm(item: Item, i: number, view: JobView, form: string, page: Job) {
  const { say, locale } = page
  const several = view.items.length > 1
  // Where there are several nothing is presumed: each is looked at for itself.
  const verdict = oneOf<Verdict>(
    say('verdict'),
    `i${i}.verdict`,
    VERDICTS.map((it) => [it, say(it)] as const),
    several ? null : 'confirmed',
  )
  const cause = causeField(item, i, page)
  const parts = partsField(item, i, view, form, page)
  const area = (name: string, text: string) => {
    const it = el('textarea', { name: `i${i}.${name}`, maxlength: TEXT_MAX, rows: 2 })
    it.value = text
    return it
  }
  const proposed = { found: item.diagnosis.cause.text[locale], done: item.job.title[locale] }
  const found = area('found', several ? '' : proposed.found)
  const done = area('done', several ? '' : proposed.done)
  const advice = area('advice', '')

  const update = (): void => {
    const chosen = verdict.chosen()
    cause.element.hidden = chosen !== 'other_cause'
    parts.element.hidden = chosen !== 'confirmed' && chosen !== 'other_cause'
  }
  const chose = (): void => {
    const confirmed = verdict.chosen() === 'confirmed'
    // The proposed words hold only for the proposed finding.
    if (confirmed && found.value === '') found.value = proposed.found
    if (confirmed && done.value === '') done.value = proposed.done
    if (!confirmed && found.value === proposed.found) found.value = ''
    if (!confirmed && done.value === proposed.done) done.value = ''
    for (const it of [found, done]) it.dispatchEvent(new Event('input', { bubbles: true }))
    update()
  }
  for (const input of verdict.element.querySelectorAll('input')) {
    input.addEventListener('input', chose)
    // A draft coming back brings its own words along.
    input.addEventListener('change', update)
  }
  update()

  const read = (): OutcomeItem | null => {
    const chosen = verdict.chosen()
    if (chosen === null) return null
    const named = chosen === 'other_cause' ? cause.read() : ''
    return {
      item: item.id,
      verdict: chosen,
      ...(named ? { cause: named } : {}),
      ...(parts.element.hidden ? {} : { partsUsed: parts.read() }),
      report: {
        found: found.value.trim(),
        done: done.value
          .split('\n')
          .map((line) => line.trim().slice(0, DONE_LINE_MAX))
          .filter(Boolean)
          .slice(0, DONE_LINES_MAX),
        advice: advice.value.trim(),
      },
    }
  }
  const element = el(
    'div',
    { class: 'item' },
    several && el('h3', {}, `${item.job.title[locale]} · ${productName(item, page)}`),
    verdict.element,
    cause.element,
    parts.element,
    field(say('foundText'), found),
    field(say('doneText'), done),
    field(say('adviceText'), advice),
  )
  return { element, read }
}

/** One of the causes the hub had thought of besides, or a code of the partner's own. */
function causeField({ diagnosis }: Item, i: number, { say, locale }: Job) {
  const own = el('input', {
    type: 'text',
    name: `i${i}.cause`,
    maxlength: 64,
    pattern: KEY,
    autocomplete: 'off',
    autocapitalize: 'none',
  })
  const typed = field(say('causeCode'), own)
  if (diagnosis.alternatives.length === 0) return { element: typed, read: () => own.value.trim() }
  const select = el(
    'select',
    { name: `i${i}.causeOf`, change: () => show() },
    ...diagnosis.alternatives.map((it) => el('option', { value: it.code }, it.text[locale])),
    el('option', { value: '' }, say('causeOther')),
  )
  const show = (): void => {
    typed.hidden = select.value !== ''
  }
  show()
  return { element: el('div', {}, field(say('causeOf'), select), typed), read: () => select.value || own.value.trim() }
}

function partsField(item: Item, i: number, view: JobView, form: string, page: Job) {
  const { say, drafts } = page
  const list = rows<PartUsed>(
    { drafts, form, name: `i${i}.parts`, start: item.job.parts.length },
    (n, remove) => {
      const planned = item.job.parts[n]
      const at = `i${i}.parts.${n}`
      const text = (name: string, more = {}) =>
        el('input', { type: 'text', name: `${at}.${name}`, maxlength: 64, autocomplete: 'off', ...more })
      const sku = text('sku', {
        pattern: SKU,
        value: planned?.sku ?? '',
        readonly: planned !== undefined,
        autocapitalize: 'characters',
      })
      const amount = el('input', {
        type: 'number',
        name: `${at}.quantity`,
        min: 0,
        max: QUANTITY_MAX,
        value: planned?.quantity ?? 1,
        inputmode: 'numeric',
      })
      const serial = text('serial')
      const origin = el(
        'select',
        { name: `${at}.origin` },
        ...Object.entries(ORIGINS).map(([value, word]) => el('option', { value }, say(word))),
      )
      const oldPart = text('oldPart')
      const element = el(
        'fieldset',
        { class: 'row' },
        el('legend', {}, planned ? partName(view, planned.sku, page) : say('partExtra')),
        el(
          'div',
          { class: 'pair' },
          planned ? null : field(say('sku'), sku),
          field(say('quantity'), amount),
          field(say('origin'), origin),
        ),
        el('div', { class: 'pair' }, field(say('partSerial'), serial), field(say('oldPart'), oldPart)),
        el('button', { type: 'button', class: 'quiet small', click: remove }, say(planned ? 'notUsed' : 'remove')),
      )
      const read = (): PartUsed | null => {
        const quantity = Math.min(QUANTITY_MAX, Math.trunc(Number(amount.value)) || 0)
        const code = sku.value.trim()
        if (code === '' || quantity < 1) return null
        return {
          sku: code,
          quantity,
          origin: origin.value as PartUsed['origin'],
          ...(serial.value.trim() && { serial: serial.value.trim() }),
          ...(oldPart.value.trim() && { oldPart: oldPart.value.trim() }),
        }
      }
      return { element, read }
    },
    { add: say('addPart'), max: PARTS_MAX },
  )
  return { element: el('fieldset', {}, el('legend', {}, say('partsUsed')), list.element), read: list.read }
}

/** What was taken from the customer: as agreed unless the technician says otherwise. */
function chargeForm(view: JobView, form: string, page: Job) {
  const { say, locale } = page
  const { charge } = view.workOrder
  if (charge.payer !== 'homeowner' || charge.collectedBy !== 'partner') return null
  const same = tick('checkbox', {
    name: 'asAgreed',
    value: 'yes',
    checked: true,
    text: say('chargedAsAgreed') + money(charge.totalMinor, charge.currency, locale),
    change: () => show(),
  })
  const lines = chargeLines(charge, form, page)
  const above = el('p', { class: 'notice warning', role: 'status' }, say('chargeAbove'))
  const show = (): void => {
    lines.element.hidden = same.input.checked
    above.hidden = same.input.checked || lines.read().totalMinor <= charge.totalMinor
  }
  const element = el('fieldset', {}, el('legend', {}, say('charged')), same.label, lines.element, above)
  element.addEventListener('input', show)
  show()
  return {
    element,
    read: () => (same.input.checked ? { lines: charge.lines, totalMinor: charge.totalMinor } : lines.read()),
  }
}
