import { type Child, el } from './dom.ts'
import { type Locale, slotHours, when } from './format.ts'
import type { Say, Word } from './words.ts'

/** A button with words of the page. */
export function button(word: Word, click: () => void, look: string, say: Say): HTMLButtonElement {
  return el('button', { type: 'button', class: look || null, click }, say(word))
}

/** A button for one of the choices the hub offers, found by its name. */
export function choice(name: string, text: string, click: () => void, look = ''): HTMLButtonElement {
  return el('button', { type: 'button', class: look || null, 'data-choice': name, click }, text)
}

/** One tick or dot with its words, as large as a finger. */
export function tick(
  kind: 'radio' | 'checkbox',
  { name, value, text, checked = false, change }: TickOptions,
): { label: HTMLLabelElement; input: HTMLInputElement } {
  const input = el('input', { type: kind, name, value, change })
  input.checked = checked
  return { label: el('label', { class: 'choice' }, input, el('span', {}, text)), input }
}

interface TickOptions {
  name: string
  value: string
  text: string
  checked?: boolean
  change?: () => void
}

/** One of several, under a heading; `chosen` is null until somebody chose. */
export function oneOf<V extends string>(
  legend: string,
  name: string,
  options: readonly (readonly [value: V, text: string])[],
  chosen: V | null,
): { element: HTMLFieldSetElement; chosen: () => V | null } {
  const ticks = options.map(([value, text]) => tick('radio', { name, value, text, checked: value === chosen }))
  return {
    element: el('fieldset', {}, el('legend', {}, legend), ...ticks.map(({ label }) => label)),
    chosen: () => (ticks.find(({ input }) => input.checked)?.input.value as V | undefined) ?? null,
  }
}

/** A labelled field; `about` says more below the label. */
export function field<C extends HTMLElement>(label: string, control: C, about?: string): HTMLLabelElement {
  return el('label', { class: 'field' }, el('span', {}, label), about && el('small', {}, about), control)
}

/** A person's own words. */
export function textArea(name: string, maxlength: number): HTMLTextAreaElement {
  return el('textarea', { name, maxlength, rows: 3 })
}

export function details(summary: string, ...children: Child[]): HTMLElement {
  return el('details', {}, el('summary', {}, summary), ...children)
}

/** Facts as a list of names and values. */
export function facts(
  rows: readonly (readonly [name: string, ...value: Child[]] | null | false)[],
): HTMLElement | null {
  const shown = rows.filter((row) => row !== null && row !== false)
  if (shown.length === 0) return null
  return el(
    'dl',
    { class: 'facts' },
    ...shown.flatMap(([name, ...value]) => [el('dt', {}, name), el('dd', {}, ...value)]),
  )
}

/** A slot whose hours stay on one line. */
export function slotWords(
  slot: { from: string; to: string },
  where: { locale: Locale; timeZone: string },
): HTMLElement {
  return el('span', {}, `${when(slot.from, 'day', where)} `, el('span', { class: 'whole' }, slotHours(slot, where)))
}
