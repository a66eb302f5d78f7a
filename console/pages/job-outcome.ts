import type { JobView, Outcome, OutcomeItem, Verdict } from '#contracts'
import { el } from './dom.ts'
import type { Page } from './session.ts'
import type { Word } from './words.ts'

const VERDICTS: readonly (readonly [Verdict, Word])[] = [
  ['confirmed', 'confirmed'],
  ['other_cause', 'other_cause'],
  ['no_fault_found', 'no_fault_found'],
  ['not_accessible', 'not_accessible'],
]
/** As the contract bounds it. */
const DONE_LINES_MAX = 40
const QUANTITY_MAX = 100

/** What was found and done, item by item; parts start from what the packet said to bring. */
export function outcomeForm(view: JobView, page: Page<JobView>): { element: HTMLElement; read: () => Outcome } {
  const forms = view.items.map((item, i) => itemForm(item, i, view.items.length > 1, page))
  return {
    element: el('div', {}, ...forms.map((form) => form.element)),
    read: () => ({ items: forms.map((form) => form.read()) }),
  }
}

function itemForm(item: JobView['items'][number], index: number, several: boolean, { say, locale }: Page<JobView>) {
  let verdict: Verdict = 'confirmed'
  const cause = el('input', {
    type: 'text',
    maxlength: 64,
    pattern: '[a-zA-Z][a-zA-Z0-9_.\\-]{0,63}',
    autocomplete: 'off',
  })
  const causeField = el('label', { class: 'field' }, el('span', {}, say('causeCode')), cause)
  const parts = item.job.parts.map(({ sku, quantity }) => {
    const input = el('input', { type: 'number', min: 0, max: QUANTITY_MAX, value: quantity, inputmode: 'numeric' })
    return { sku, input, field: el('label', { class: 'field' }, el('span', {}, `${sku} · ${say('quantity')}`), input) }
  })
  const partsField = el('fieldset', {}, el('legend', {}, say('partsUsed')), ...parts.map(({ field }) => field))
  const found = el('textarea', { maxlength: 2_000 })
  const done = el('textarea', { maxlength: 4_000 })
  const advice = el('textarea', { maxlength: 2_000 })
  found.value = item.diagnosis.cause.text[locale]
  done.value = item.job.title[locale]

  const choose = (chosen: Verdict): void => {
    verdict = chosen
    causeField.hidden = chosen !== 'other_cause'
    partsField.hidden = parts.length === 0 || chosen === 'no_fault_found' || chosen === 'not_accessible'
    // The proposed words hold only for the proposed finding.
    if (chosen !== 'confirmed' && found.value === item.diagnosis.cause.text[locale]) found.value = ''
    if (chosen !== 'confirmed' && done.value === item.job.title[locale]) done.value = ''
  }
  const choices = VERDICTS.map(([value, word]) => {
    const input = el('input', { type: 'radio', name: `verdict-${index}`, value, change: () => choose(value) })
    input.checked = value === verdict
    return el('label', { class: 'choice' }, input, el('span', {}, say(word)))
  })
  choose(verdict)

  const read = (): OutcomeItem => ({
    item: item.id,
    verdict,
    ...(verdict === 'other_cause' && cause.value ? { cause: cause.value.trim() } : {}),
    ...(partsField.hidden
      ? {}
      : {
          partsUsed: parts
            .map(({ sku, input }) => ({
              sku,
              quantity: Math.min(QUANTITY_MAX, Number(input.value) || 0),
              origin: 'genuine' as const,
            }))
            .filter((part) => part.quantity > 0),
        }),
    report: {
      found: found.value.trim(),
      done: done.value
        .split('\n')
        .map((line) => line.trim().slice(0, 500))
        .filter(Boolean)
        .slice(0, DONE_LINES_MAX),
      advice: advice.value.trim(),
    },
  })
  const element = el(
    'div',
    {},
    several && el('h2', {}, item.job.title[locale]),
    el('fieldset', {}, el('legend', {}, say('verdict')), ...choices),
    causeField,
    partsField,
    el('label', { class: 'field' }, el('span', {}, say('foundText')), found),
    el('label', { class: 'field' }, el('span', {}, say('doneText')), done),
    el('label', { class: 'field' }, el('span', {}, say('adviceText')), advice),
  )
  return { element, read }
}
