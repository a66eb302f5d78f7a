import type { Charge, ChargeLine } from '#contracts'
import { field } from './controls.ts'
import { el } from './dom.ts'
import { minorDigits, money } from './format.ts'
import type { Job } from './job-state.ts'
import { LINE_KINDS, lineName } from './offer-price.ts'
import { rows } from './rows.ts'

/** As the contract bounds it. */
const LINES_MAX = 40
/** More than any visit costs; keeps a slipped finger from asking for millions. */
const AMOUNT_MAX = 1_000_000

export interface ChargeForm {
  element: HTMLElement
  read: () => { lines: ChargeLine[]; totalMinor: number }
}

/** The lines of a charge to be changed, begun from the agreed ones, with the sum as it stands. */
export function chargeLines(charge: Charge, form: string, { say, locale, drafts }: Job): ChargeForm {
  const unit = 10 ** minorDigits(charge.currency)
  const list = rows<ChargeLine>(
    { drafts, form, name: 'lines', start: charge.lines.length },
    (n, remove) => {
      const agreed = charge.lines[n]
      const amount = el('input', {
        type: 'number',
        name: `lines.${n}.amount`,
        min: 0,
        max: AMOUNT_MAX,
        step: 1 / unit,
        inputmode: 'decimal',
        value: agreed ? agreed.amountMinor / unit : '',
      })
      const minor = (): number => Math.round(Math.min(AMOUNT_MAX, Math.max(0, Number(amount.value) || 0)) * unit)
      const gone = el('button', { type: 'button', class: 'quiet small', click: remove }, say('remove'))
      if (agreed)
        return {
          element: el('div', { class: 'row line' }, field(lineName(agreed, { say, locale }), amount), gone),
          read: () => ({ ...agreed, amountMinor: minor() }),
        }
      const kind = el(
        'select',
        { name: `lines.${n}.kind` },
        ...Object.entries(LINE_KINDS).map(([value, word]) => el('option', { value }, say(word))),
      )
      const name = el('input', { type: 'text', name: `lines.${n}.name`, maxlength: 64, autocomplete: 'off' })
      return {
        element: el(
          'div',
          { class: 'row' },
          el('div', { class: 'pair' }, field(say('lineKind'), kind), field(say('amount'), amount)),
          field(say('lineName'), name),
          gone,
        ),
        read: () => {
          const own = name.value.trim()
          if (amount.value === '' && own === '') return null
          const named = own === '' ? {} : { name: { 'zh-CN': own, en: own } }
          return { kind: kind.value as ChargeLine['kind'], ...named, amountMinor: minor() }
        },
      }
    },
    { add: say('addLine'), max: LINES_MAX },
  )
  const sum = el('output', {})
  const element = el(
    'fieldset',
    {},
    el('legend', {}, say('lines')),
    list.element,
    el('p', { class: 'big' }, `${say('total')} `, sum),
  )
  const read = () => {
    const lines = list.read()
    // Who else pays a line, pays it: it is nothing to the customer.
    return {
      lines,
      totalMinor: lines.reduce((total, line) => total + (line.coveredBy === undefined ? line.amountMinor : 0), 0),
    }
  }
  const paint = (): void => {
    sum.textContent = money(read().totalMinor, charge.currency, locale)
  }
  element.addEventListener('input', paint)
  element.addEventListener('change', paint, true)
  paint()
  return { element, read }
}
